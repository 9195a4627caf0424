// Says to every process that a plugin's state is being changed, for as long as the process that changes it lives. Knows no answers
// and no tokens.
import type { Clock, Hash, Key } from '../ports.js'
import { holdKey, isHoldOf } from './query-file.js'
import { subjectOf } from './query-names.js'
import { fromJson, toJson } from './values.js'

/** Where holds lie. */
export interface HoldStore {
  getSync(key: Key): Uint8Array | undefined
  setSync(key: Key, value: Uint8Array): void
  keysSync(): readonly Key[]
  deleteMany(keys: readonly Key[]): Promise<number>
}

/** A process by its id. */
export interface Holder {
  readonly pid: number
  /** Where its id counts; empty where nobody can say. */
  readonly place: string
  /** When it began: tells it from a later one of the same id. Absent where nobody can say. */
  readonly started?: string | undefined
}

/** This process, and how it sees whether another lives. */
export interface HoldingProcess extends Holder {
  livenessOf(other: Holder): Liveness
}

type Liveness = 'alive' | 'dead' | 'unknown'

export interface QueryHoldsOptions {
  readonly store: HoldStore
  readonly clock: Clock
  readonly hash: Hash
  readonly process: HoldingProcess
}

/**
 * How long a hold counts, in ms. Nobody changes anything for an hour: who seems to live is another of the same id. Of who cannot be
 * looked at, as in another container, it counts longer than an apply takes whose every step takes as long as it may.
 */
const LONGEST_MS: Readonly<Record<Liveness, number>> = { alive: 3600_000, unknown: 300_000, dead: 0 }

/*
   A hold is a file of its own beside the token, so that whoever renews the token meanwhile does not end it; and each has its own, so
   that of several at once the last one's end is the end. Whose holder is dead goes once somebody sees that.
*/
export class QueryHolds {
  readonly #options: QueryHoldsOptions
  readonly #own = new Map<string, Key>()

  constructor(options: QueryHoldsOptions) {
    this.#options = options
  }

  /** Throws where no file can be put. */
  begin(plugin: string): void {
    const { store, clock, hash, process } = this.#options
    const { pid, place, started } = process
    const key = holdKey(hash, plugin, hash.random(8))
    store.setSync(key, toJson({ plugin: subjectOf(plugin), pid, place, started, wallMs: clock.now() })!)
    this.#own.set(plugin, key)
  }

  /** Ends ours, and nobody else's. */
  async end(plugin: string): Promise<void> {
    const key = this.#own.get(plugin)
    this.#own.delete(plugin)
    if (key !== undefined) await this.#options.store.deleteMany([key])
  }

  /** Whether some process that may live is changing it. Looks through the folder. */
  isHeld(plugin: string): boolean {
    const { store, hash } = this.#options
    try {
      return store
        .keysSync()
        .filter(isHoldOf(hash, plugin))
        .some(key => this.#counts(key, plugin))
    } catch {
      // Where nothing can be read nothing is kept for others either.
      return false
    }
  }

  #counts(key: Key, plugin: string): boolean {
    const { store, clock, process } = this.#options
    const bytes = store.getSync(key)
    const hold = bytes && fromJson(bytes)
    if (hold?.plugin !== subjectOf(plugin)) return false
    const { pid, place, started } = hold
    const holder = { pid: Number(pid), place: String(place), ...(typeof started === 'string' && { started }) }
    const liveness = process.livenessOf(holder)
    // Its name is nobody else's ever, so what was judged is what goes.
    if (liveness === 'dead') void store.deleteMany([key]).catch(() => {})
    return Math.abs(clock.now() - Number(hold.wallMs)) < LONGEST_MS[liveness]
  }
}
