// What a page's store is opened with, and what it answers to beyond the Store contract. Types only.
import type { Clock, Crc32, Hash, Store, StoreCounters, Warn } from '../../ports.js'
import type { StorageProblem } from './problem.js'
import type { StorageReport } from './storage.js'

export interface IndexedDbOptions {
  /** What the store is called in messages. */
  readonly name: string
  /** The IndexedDB database, wholly ours; made at the first use. Stores of one name, in all tabs, share it. */
  readonly database: string
  /** Of all values with their keys; beyond it the least recently used go. Where the browser gives less, that is the budget. */
  readonly budgetBytes: number
  /** Ask the browser, once, not to remove the origin's data under pressure (`navigator.storage.persist()`). Default false. */
  readonly persist?: boolean
  /** How long calls wait for a browser that does not open the database, in ms; only the first ones do. */
  readonly patienceMs: number
  readonly hash: Hash
  readonly clock: Clock
  /** Calls `run` after `ms`; what it returns cancels that. */
  timer(ms: number, run: () => void): () => void
  readonly crc32: Crc32
  /** Told what no caller can be told: an index that had to be made anew, a browser that gives less than the budget. */
  readonly warn: Warn
}

export interface IndexedDbStore extends Store {
  onClearedElsewhere(listener: () => void): void
  /** Why values, or new ones, are not stored; undefined while nothing is known to be wrong. */
  readonly problem: StorageProblem | undefined
  /** Damage is counted at every read that meets it. */
  readonly counters: Readonly<StoreCounters>
  /** Never rejects. */
  estimate(): Promise<StorageReport>
}
