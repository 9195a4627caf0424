// `npm run bench`: runs the rows, prints the table, writes the JSON. The build bundles it; the library itself is imported as built.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BenchArgs, parseBenchArgs, UsageError, usage } from './args.js'
import { machine, machineText } from './machine.js'
import { finishRow, type Row, type RowGroup, Skipped } from './row.js'
import { diskBytes, diskHit, diskWrite } from './rows/disk.js'
import { eventLoop, oneText, throughput } from './rows/embedding.js'
import { awaitedHit, memoryHit } from './rows/memory.js'
import { memoryOf10k, weigh } from './rows/memory-10k.js'
import { openMillion } from './rows/open.js'
import { importTime } from './rows/start.js'
import { table, verdict } from './table.js'

const GROUPS: readonly RowGroup[] = [
  memoryHit,
  awaitedHit,
  diskHit,
  diskWrite,
  diskBytes,
  openMillion,
  throughput,
  oneText,
  eventLoop,
  importTime,
  memoryOf10k,
]
const IDS = GROUPS.map(group => group.id)
const ROUNDS = { full: 9, quick: 3 }

/** What became of the groups. */
interface Outcome {
  readonly rows: Row[]
  readonly skipped: { readonly id: string; readonly why: string }[]
  readonly broken: { readonly id: string; readonly why: string }[]
}

process.exitCode = await main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<number> {
  let args: BenchArgs
  try {
    args = parseBenchArgs(argv, IDS)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`bench: ${error.message}\nnpm run bench -- --help lists the options.\n`)
    return 2
  }
  if (args.help) return print(usage(IDS))
  if (args.weigh !== undefined) return print(`${JSON.stringify(await weigh(args.weigh))}\n`)

  // Before any ONNX Runtime loads: otherwise it keeps a device id and calls home.
  process.env.ORT_DISABLE_TELEMETRY ??= '1'
  const chosen = args.only.length === 0 ? GROUPS : GROUPS.filter(group => args.only.includes(group.id))
  const outcome = await inOwnFolder(folder => runGroups(chosen, args, folder))
  report(outcome, args)
  if (args.json !== undefined)
    await writeFile(args.json, `${JSON.stringify({ machine: machine(), ...outcome }, null, 2)}\n`)
  return outcome.broken.length === 0 ? 0 : 1
}

async function runGroups(groups: readonly RowGroup[], args: BenchArgs, work: string): Promise<Outcome> {
  const outcome: Outcome = { rows: [], skipped: [], broken: [] }
  const { quick, model } = args
  for (const { id, run } of groups) {
    const folder = await mkdtemp(join(work, `${id}-`))
    try {
      const progress = (text: string) => say(`${id}: ${text}`)
      progress('preparing')
      const measured = await run({ folder, rounds: quick ? ROUNDS.quick : ROUNDS.full, quick, model, progress })
      outcome.rows.push(...measured.map(finishRow))
    } catch (error) {
      if (error instanceof Skipped) outcome.skipped.push({ id, why: error.message })
      else outcome.broken.push({ id, why: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    } finally {
      say('')
      await rm(folder, { recursive: true, force: true })
    }
  }
  return outcome
}

/** A temporary folder that is removed however this ends, Ctrl+C included. */
async function inOwnFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'op-dbus-bench-'))
  const interrupted = () => {
    void rm(folder, { recursive: true, force: true }).finally(() => process.exit(130))
  }
  process.once('SIGINT', interrupted)
  process.once('SIGTERM', interrupted)
  try {
    return await use(folder)
  } finally {
    process.off('SIGINT', interrupted)
    process.off('SIGTERM', interrupted)
    await rm(folder, { recursive: true, force: true })
  }
}

function report({ rows, skipped, broken }: Outcome, { quick }: BenchArgs): void {
  const colour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined
  print(`op-dbus bench${quick ? ' (quick: not for figures to quote)' : ''}\n${machineText(machine())}\n`)
  if (rows.length > 0) print(`\n${table(rows, { colour })}\n\n${verdict(rows)}\n`)
  for (const { id, why } of skipped) print(`skipped ${id}: ${why}\n`)
  for (const { id, why } of broken) process.stderr.write(`broken ${id}: ${why}\n`)
}

/** One line on stderr that replaces itself, and only for a person. */
function say(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}

function print(text: string): 0 {
  process.stdout.write(text)
  return 0
}
