// Says to every process that a plugin's state is being changed, for as long as the process that changes it lives. Knows no answers
// and no tokens.
import type { Clock, Hash, Key } from '../ports.js'
import { holdKey, subjectOf } from './query-file.js'
import { fromJson, toJson } from './values.js'

/** Where holds lie. */
export interface HoldStore {
  getSync(key: Key): Uint8Array | undefined
  setSync(key: Key, value: Uint8Array): void
  deleteMany(keys: readonly Key[]): Promise<number>
}

/** A process, and how others see whether it lives. */
export interface HoldingProcess {
  readonly pid: number
  /** Where its id counts; empty where nobody can say. */
  readonly place: string
  livenessOf(other: { readonly pid: number; readonly place: string }): 'alive' | 'dead' | 'unknown'
}

export interface QueryHoldsOptions {
  readonly store: HoldStore
  readonly clock: Clock
  readonly hash: Hash
  readonly process: HoldingProcess
}

/** Nobody changes anything for longer, in ms: the process is another of the same id, or one that nobody can look at. */
const LONGEST_MS = 3600 * 1000

/*
   A hold is a file of its own beside the token, so that whoever renews the token meanwhile does not end it. Two that hold one plugin
   at once from different processes have one file: the later one's. An apply lets no other begin, so that this does not happen there.
*/
export class QueryHolds {
  readonly #options: QueryHoldsOptions
  readonly #holder: string

  constructor(options: QueryHoldsOptions) {
    this.#options = options
    this.#holder = options.hash.random(8)
  }

  /** Throws where no file can be put. */
  begin(plugin: string): void {
    const { store, clock, hash, process } = this.#options
    const { pid, place } = process
    store.setSync(
      holdKey(hash, plugin),
      toJson({ plugin: subjectOf(plugin), holder: this.#holder, pid, place, wallMs: clock.now() })!,
    )
  }

  /** Ends ours, and nobody else's. */
  async end(plugin: string): Promise<void> {
    const { store, hash } = this.#options
    if (this.#read(plugin)?.holder === this.#holder) await store.deleteMany([holdKey(hash, plugin)])
  }

  /** Whether some process that may live is changing it. */
  isHeld(plugin: string): boolean {
    const hold = this.#read(plugin)
    if (hold === undefined) return false
    const { clock, process } = this.#options
    const [pid, place] = [Number(hold.pid), String(hold.place)]
    return process.livenessOf({ pid, place }) !== 'dead' && Math.abs(clock.now() - Number(hold.wallMs)) < LONGEST_MS
  }

  #read(plugin: string): Readonly<Record<string, unknown>> | undefined {
    const { store, hash } = this.#options
    try {
      const bytes = store.getSync(holdKey(hash, plugin))
      const hold = bytes && fromJson(bytes)
      return hold?.plugin === subjectOf(plugin) ? hold : undefined
    } catch {
      // Where nothing can be read nothing is kept for others either.
      return undefined
    }
  }
}
