// Who computes what, among processes: a lock for each key, with an end of its own. A lost or doubled lock costs a computation and never a
// wrong answer, so it needs no script on the server. Knows no values.
import type { Key } from '../../ports.js'
import { every } from './deadline.js'
import { lockName } from './names.js'

export interface LocksOptions {
  /** Sends for each key what `command` says, with what was answered, or an Error; rejects only where nothing can be asked. */
  readonly send: (keys: readonly Key[], command: (key: Key) => readonly string[]) => Promise<readonly unknown[]>
  readonly token: string
}

/** After this a lock whose holder is gone is nobody's, ms. */
export const LOCK_MS = 3000
const RENEW_MS = LOCK_MS / 3
/** Until so long after its last renewal a lock is certainly still ours, and may be prolonged, or removed, without a look, ms. */
const SURELY_OURS_MS = LOCK_MS / 2

export class Locks {
  readonly #options: LocksOptions
  /** When each was last known to be ours, and how many want it so. */
  readonly #held = new Map<Key, { at: number; count: number }>()
  #stopRenewing = () => {}

  constructor(options: LocksOptions) {
    this.#options = options
  }

  /** Where the server cannot say, everybody computes. */
  async claim(keys: readonly Key[]): Promise<boolean[]> {
    const asked = [...new Set(keys.filter(key => !this.#held.has(key)))]
    const at = performance.now()
    const answers = asked.length === 0 ? [] : await this.#options.send(asked, key => this.#lock(key))
    for (const [i, key] of asked.entries()) if (String(answers[i]) === 'OK') this.#hold(key, at)
    const others = new Set(asked.filter((_, i) => answers[i] === null))
    return keys.map(key => {
      const held = this.#held.get(key)
      if (held) held.count++
      return !others.has(key)
    })
  }

  /** Does not reject. */
  async release(keys: readonly Key[]): Promise<void> {
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
    if (gone.length > 0) await this.#options.send(gone, key => ['UNLINK', lockName(key)]).catch(() => undefined)
  }

  /** Lets go of all. Does not reject. */
  async close(): Promise<void> {
    for (const held of this.#held.values()) held.count = 1
    await this.release([...this.#held.keys()])
  }

  #lock(key: Key): readonly string[] {
    return ['SET', lockName(key), this.#options.token, 'NX', 'PX', String(LOCK_MS)]
  }

  #hold(key: Key, at: number): void {
    if (this.#held.size === 0) this.#stopRenewing = every(RENEW_MS, () => void this.#renew())
    this.#held.set(key, { at, count: 0 })
  }

  async #renew(): Promise<void> {
    const at = performance.now()
    const keys = [...this.#held].filter(([, held]) => at - held.at < SURELY_OURS_MS).map(([key]) => key)
    if (keys.length === 0) return
    const answers = await this.#options
      .send(keys, key => ['PEXPIRE', lockName(key), String(LOCK_MS)])
      .catch(() => [] as unknown[])
    for (const [i, key] of keys.entries()) {
      const held = this.#held.get(key)
      if (held && answers[i] === 1) held.at = at
    }
  }
}
