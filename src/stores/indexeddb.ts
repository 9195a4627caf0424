// The disk tier of a browser: checksummed values in an IndexedDB database that all tabs of an origin share. The face of
// src/stores/indexeddb/; keeps to its byte budget and decides nothing else.
import type { Clock, Crc32, Hash, Store } from '../ports.js'
import type { StorageProblem } from './indexeddb/problem.js'
import { IndexedDbValues } from './indexeddb/store.js'

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
  warn(message: string): void
}

/** What happened since the store was opened. */
export interface IndexedDbCounters {
  /** Reads of values that failed their check: never served. */
  corrupt: number
  /** Entries that were let go to keep the budget. */
  evicted: number
}

/** What the browser says of the whole origin's storage; undefined what it does not say. */
export interface StorageReport {
  readonly usageBytes: number | undefined
  readonly quotaBytes: number | undefined
  /** True where the browser promised not to remove it under pressure. */
  readonly persisted: boolean | undefined
}

export interface IndexedDbStore extends Store {
  onClearedElsewhere(listener: () => void): void
  /** Why values, or new ones, are not stored; undefined while nothing is known to be wrong. */
  readonly problem: StorageProblem | undefined
  readonly counters: Readonly<IndexedDbCounters>
  /** Never rejects. */
  estimate(): Promise<StorageReport>
}

/**
 * A store in an IndexedDB database. Opening touches nothing; the first call does. A batch is one transaction. While
 * IndexedDB is missing, forbidden, blocked or broken every call rejects with STORE (`details.kind`: what `problem` says), and
 * from time to time one tries again (after 1 s, 2 s, up to a minute); where the browser has no room for even a little, only
 * `setMany` rejects. A database that others delete or upgrade is let go at once, and opened again by the next call. A value
 * that alone is over the budget is INVALID_INPUT.
 *
 * Where the browser has no room for a batch, what is there becomes the budget: the batch is tried once more in the place of the
 * least recently used, its own size and a sixteenth of the whole, in one transaction. A browser that takes it (those on SQLite
 * use freed pages again) is kept to that budget from then on; of one that refuses it as well nothing is lost, reads go on, and
 * writes pause for 15 s, 30 s, up to 4 min. Nothing is deleted ahead of a write: Chromium does not give the room of deleted
 * values back in time, mostly not even after a restart, so that would cost values and gain nothing. What does give it back, in
 * some seconds or when the site is closed, is to delete the database, as `clear` does when the browser is full.
 */
export function openIndexedDbStore(options: IndexedDbOptions): IndexedDbStore {
  return new IndexedDbValues(options)
}
