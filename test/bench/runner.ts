// Runs groups of rows one after the other and keeps what became of each. Prints nothing.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bench, finishRow, type Row, type RowGroup, Skipped } from './row.js'

export interface Outcome {
  readonly rows: readonly Row[]
  readonly skipped: readonly Told[]
  /** Wrong answers and whatever else was thrown. */
  readonly broken: readonly Told[]
}

/** A group that gave no rows, and why. */
export interface Told {
  readonly id: string
  readonly why: string
}

export type RunOptions = Omit<Bench, 'folder' | 'progress'> & {
  /** Told what is going on; an empty text when nothing is. */
  readonly say: (text: string) => void
}

/** Every group gets an empty folder in `work`. One that breaks does not keep the others from running. */
export async function runGroups(groups: readonly RowGroup[], work: string, options: RunOptions): Promise<Outcome> {
  const { say, ...settings } = options
  const rows: Row[] = []
  const skipped: Told[] = []
  const broken: Told[] = []
  for (const { id, run } of groups) {
    const folder = await mkdtemp(join(work, `${id}-`))
    const progress = (text: string) => say(`${id}: ${text}`)
    try {
      progress('preparing')
      rows.push(...(await run({ ...settings, folder, progress })).map(finishRow))
    } catch (error) {
      if (error instanceof Skipped) skipped.push({ id, why: error.message })
      else broken.push({ id, why: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    } finally {
      say('')
      await rm(folder, { recursive: true, force: true })
    }
  }
  return { rows, skipped, broken }
}

/** 0 also when figures are missed: the table says so, and a slow machine is no fault. */
export function exitCodeOf({ broken }: Outcome): 0 | 1 {
  return broken.length === 0 ? 0 : 1
}

/** A temporary folder for `use` that is removed however it ends, an interrupt included. */
export async function inOwnFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'op-dbus-bench-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  const interrupted = () => void remove().finally(() => process.exit(130))
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  try {
    return await use(folder)
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    await remove()
  }
}
