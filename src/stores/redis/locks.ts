// Who computes what, among processes: a lock for each key, with an end of its own. A lost or doubled lock costs a computation and never a
// wrong answer, so it needs no script on the server. Knows no values.
import type { Key } from '../../ports.js'
import { every } from './deadline.js'
import { lockName } from './names.js'
import type { EachOptions } from './spread.js'

export interface LocksOptions {
  /** Sends commands, with what was answered for each key, or an Error; rejects only where nothing can be asked. */
  readonly send: (keys: readonly Key[], commands: LockCommands) => Promise<readonly unknown[]>
  readonly token: string
}

export type LockCommands = Pick<EachOptions, 'command' | 'signal' | 'late'>

/** After this a lock whose holder is gone is nobody's, ms. */
export const LOCK_MS = 3000
const RENEW_MS = LOCK_MS / 3
/** Until so long after its last renewal a lock is certainly still ours, and may be prolonged, or removed, without a look, ms. */
const SURELY_OURS_MS = LOCK_MS / 2

export class Locks {
  readonly #options: LocksOptions
  /** When each was last known to be ours, and how many want it so. */
  readonly #held = new Map<Key, { at: number; count: number }>()
  /** Claims and releases. */
  readonly #underWay = new Set<Promise<unknown>>()
  #stopRenewing = () => {}

  constructor(options: LocksOptions) {
    this.#options = options
  }

  /** Where the server cannot say, everybody computes. */
  claim(keys: readonly Key[], signal?: AbortSignal): Promise<boolean[]> {
    return this.#followed(this.#claim(keys, signal))
  }

  /** Does not reject. */
  release(keys: readonly Key[]): Promise<void> {
    return this.#followed(this.#release(keys))
  }

  /** Lets go of all, once it is known what that is. Does not reject. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#underWay)
    for (const held of this.#held.values()) held.count = 1
    await this.#release([...this.#held.keys()])
  }

  async #claim(keys: readonly Key[], signal: AbortSignal | undefined): Promise<boolean[]> {
    const asked = [...new Set(keys.filter(key => !this.#held.has(key)))]
    const at = performance.now()
    const command = (key: Key) => ['SET', lockName(key), this.#options.token, 'NX', 'PX', String(LOCK_MS)]
    const late = (key: Key, answer: unknown) => (String(answer) === 'OK' ? ['UNLINK', lockName(key)] : undefined)
    const answers = asked.length === 0 ? [] : await this.#options.send(asked, { command, signal, late })
    for (const [i, key] of asked.entries()) if (String(answers[i]) === 'OK') this.#hold(key, at)
    const others = new Set(asked.filter((_, i) => answers[i] === null))
    return keys.map(key => {
      const held = this.#held.get(key)
      if (held) held.count++
      return !others.has(key)
    })
  }

  async #release(keys: readonly Key[]): Promise<void> {
    const now = performance.now()
    const gone: Key[] = []
    for (const key of keys) {
      const held = this.#held.get(key)
      if (held === undefined || --held.count > 0) continue
      this.#held.delete(key)
      // One that may be somebody else's by now ends by itself.
      if (now - held.at < SURELY_OURS_MS) gone.push(key)
    }
    if (this.#held.size === 0) this.#stopRenewing()
    const command = (key: Key) => ['UNLINK', lockName(key)]
    if (gone.length > 0) await this.#options.send(gone, { command }).catch(() => undefined)
  }

  async #followed<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work)
    try {
      return await work
    } finally {
      this.#underWay.delete(work)
    }
  }

  #hold(key: Key, at: number): void {
    if (this.#held.size === 0) this.#stopRenewing = every(RENEW_MS, () => void this.#renew())
    this.#held.set(key, { at, count: 0 })
  }

  async #renew(): Promise<void> {
    const at = performance.now()
    const keys = [...this.#held].filter(([, held]) => at - held.at < SURELY_OURS_MS).map(([key]) => key)
    if (keys.length === 0) return
    const command = (key: Key) => ['PEXPIRE', lockName(key), String(LOCK_MS)]
    const answers = await this.#options.send(keys, { command }).catch(() => [] as unknown[])
    for (const [i, key] of keys.entries()) {
      const held = this.#held.get(key)
      if (held && answers[i] === 1) held.at = at
    }
  }
}
