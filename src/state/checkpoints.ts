// Checkpoints: what applies were about to change, as it was. Kept as files, the newest 50. Asks no plugin.
import { OpDbusError } from '../errors.js'
import type { Clock, Hash, Warn } from '../ports.js'
import { CHECKPOINTS, type DataFolder } from './data-folder.js'
import { isCheckpoint } from './formats.js'
import type { Checkpoint, CheckpointInfo, PluginCheckpoint } from './reports.js'

const KEPT = 50
const ID = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\.(\d{3})Z-[0-9a-f]{8}$/

export interface CheckpointParts {
  readonly folder: DataFolder
  readonly clock: Clock
  readonly hash: Hash
  readonly warn: Warn
}

export class Checkpoints {
  readonly #parts: CheckpointParts

  constructor(parts: CheckpointParts) {
    this.#parts = parts
  }

  /**
   * Writes one, durably. Its id sorts behind all others, also when the clock was set back since. For whoever holds the mutex.
   * @throws OpDbusError STORE
   */
  async put(plugins: readonly PluginCheckpoint[]): Promise<Checkpoint> {
    const { folder, clock, hash } = this.#parts
    const [newest] = await this.#ids()
    const now = clock.now()
    const stamp = newest === undefined ? now : Math.max(now, timeOf(newest) + 1)
    const id = `${new Date(stamp).toISOString().replace(/[-:]/g, '')}-${hash.random(4)}`
    const checkpoint: Checkpoint = {
      'op-dbus': 'checkpoint',
      version: 1,
      id,
      created: new Date(now).toISOString(),
      plugins,
    }
    await folder.write(fileOf(id), checkpoint)
    return checkpoint
  }

  /** Removes one that turned out to be of no use. */
  drop(id: string): void {
    this.#parts.folder.remove(fileOf(id))
  }

  /** Removes the oldest, but not `used`. For whoever holds the mutex. */
  async prune(used: string | undefined): Promise<void> {
    for (const id of (await this.#ids()).slice(KEPT)) if (id !== used) this.drop(id)
  }

  /** Newest first. What is damaged is told and left out. @throws OpDbusError STORE */
  async list(): Promise<CheckpointInfo[]> {
    const infos: CheckpointInfo[] = []
    for (const id of await this.#ids()) {
      const checkpoint = await this.#read(id)
      if (checkpoint === undefined) continue
      const { created, plugins } = checkpoint
      const resources = plugins.reduce((sum, one) => sum + one.resources.length, 0)
      infos.push({ id, created, plugins: plugins.map(({ plugin }) => plugin), resources })
    }
    return infos
  }

  /**
   * The newest that is whole, or the one whose id begins with `prefix`.
   * @throws OpDbusError INVALID_INPUT where there is none, where there are several, or where it is damaged; STORE
   */
  async find(prefix: string | undefined): Promise<Checkpoint> {
    const ids = await this.#ids()
    const found = prefix === undefined ? ids : ids.filter(id => id.startsWith(prefix))
    if (prefix !== undefined && (found.length > 1 || prefix === '')) {
      throw invalid(
        `${found.length} checkpoints begin with "${prefix}": ${found.slice(0, 5).join(', ')}`,
        'say more of the id',
      )
    }
    for (const id of found) {
      const checkpoint = await this.#read(id)
      if (checkpoint !== undefined) return checkpoint
      if (prefix !== undefined) throw invalid(`the checkpoint ${id} is damaged`, 'take another one')
    }
    if (prefix === undefined) throw invalid('there is no checkpoint', 'the first apply makes one')
    const known =
      ids.length === 0 ? 'there are none' : `there are: ${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ', ...' : ''}`
    throw invalid(`no checkpoint begins with "${prefix}"`, known)
  }

  /** Newest first. */
  async #ids(): Promise<string[]> {
    const names = await this.#parts.folder.names(CHECKPOINTS)
    const ids = names.filter(name => name.endsWith('.json')).map(name => name.slice(0, -'.json'.length))
    return ids
      .filter(id => ID.test(id))
      .sort()
      .reverse()
  }

  async #read(id: string): Promise<Checkpoint | undefined> {
    const text = await this.#parts.folder.read(fileOf(id))
    const checkpoint = text === undefined ? undefined : parse(text)
    if (checkpoint?.id === id) return checkpoint
    // One that was removed since has no text, and nothing is wrong with that.
    if (text !== undefined) this.#parts.warn(`the checkpoint ${id} is damaged: it is left out`)
    return undefined
  }
}

const fileOf = (id: string) => `${CHECKPOINTS}/${id}.json`

function timeOf(id: string): number {
  const [, year, month, day, hour, minute, second, ms] = ID.exec(id)!.map(Number) as number[]
  return Date.UTC(year!, month! - 1, day, hour, minute, second, ms)
}

/** Undefined for what is no checkpoint. */
function parse(text: string): Checkpoint | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isCheckpoint(value) ? value : undefined
  } catch {
    return undefined
  }
}

function invalid(message: string, next: string): OpDbusError {
  return new OpDbusError('INVALID_INPUT', `${message}\n${next}`)
}
