// Checkpoints: what applies were about to change, as it was. Kept as files, the newest 50. Asks no plugin.
import { canonicalJson } from '../cache/canonical-json.js'
import { OpDbusError } from '../errors.js'
import type { Clock, Hash } from '../ports.js'
import { CHECKPOINTS, type DataFolder } from './data-folder.js'
import { isCheckpoint } from './formats.js'
import type { Checkpoint, CheckpointInfo, PluginCheckpoint } from './reports.js'

const KEPT = 50
const ID = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\.(\d{3})Z-[0-9a-f]{8}$/

export interface CheckpointParts {
  readonly folder: DataFolder
  readonly clock: Clock
  readonly hash: Hash
  /** A digest of the machine's id; undefined where it has none. */
  readonly machine: string | undefined
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
    const { folder, clock, hash, machine } = this.#parts
    const [newest] = await this.#ids()
    const now = clock.now()
    const stamp = newest === undefined ? now : Math.max(now, timeOf(newest) + 1)
    const id = `${new Date(stamp).toISOString().replace(/[-:]/g, '')}-${hash.random(4)}`
    const content: Omit<Checkpoint, 'sha256'> = {
      'op-dbus': 'checkpoint',
      version: 1,
      id,
      created: new Date(now).toISOString(),
      ...(machine !== undefined && { machine }),
      plugins,
    }
    const checkpoint: Checkpoint = { ...content, sha256: hash.sha256(canonicalJson(content)) }
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

  /** Newest first. @throws OpDbusError STORE */
  async list(): Promise<CheckpointInfo[]> {
    const infos: CheckpointInfo[] = []
    for (const id of await this.#ids()) {
      const checkpoint = await this.#read(id)
      if (checkpoint === undefined) continue
      if (checkpoint === DAMAGED) {
        infos.push({ id, created: new Date(timeOf(id)).toISOString(), plugins: [], resources: 0, damaged: true })
        continue
      }
      const { created, plugins } = checkpoint
      const resources = plugins.reduce((sum, one) => sum + one.resources.length, 0)
      infos.push({ id, created, plugins: plugins.map(({ plugin }) => plugin), resources })
    }
    return infos
  }

  /**
   * The newest, or the one whose id begins with `prefix`.
   * @throws OpDbusError INVALID_INPUT where there is none, where there are several, or where it is damaged: no other is taken in its place;
   * CONFLICT where it was made on another machine; STORE
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
      if (checkpoint === undefined) continue
      if (checkpoint === DAMAGED) {
        const next = ids[ids.indexOf(id) + 1]
        const instead = next === undefined ? 'there is none before it' : `the one before it is ${next}`
        throw invalid(`the checkpoint ${id} is damaged`, `nothing was changed; ${instead}`)
      }
      refuseStrangers('checkpoint', checkpoint.machine, this.#parts.machine)
      return checkpoint
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

  /** Undefined for one that was removed since. */
  async #read(id: string): Promise<Checkpoint | typeof DAMAGED | undefined> {
    const text = await this.#parts.folder.read(fileOf(id))
    // What is no file of ours is read as nothing.
    if (text === undefined) return (await this.#ids()).includes(id) ? DAMAGED : undefined
    const checkpoint = parse(text)
    if (checkpoint?.id !== id) return DAMAGED
    const { sha256, ...content } = checkpoint
    return this.#parts.hash.sha256(canonicalJson(content)) === sha256 ? checkpoint : DAMAGED
  }
}

/** A checkpoint whose file is not what was written. */
const DAMAGED = 'damaged'

/**
 * What was made on one machine is not done to another.
 * @throws OpDbusError CONFLICT
 */
export function refuseStrangers(what: string, made: string | undefined, here: string | undefined): void {
  if (made === undefined || here === undefined || made === here) return
  throw new OpDbusError('CONFLICT', `the ${what} was made on another machine\nnothing was changed; make one here`)
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
