// The disk tier of a browser: checksummed values in an IndexedDB database that all tabs of an origin share. The face of
// src/stores/indexeddb/; keeps to its byte budget and decides nothing else.
import type { IndexedDbOptions, IndexedDbStore } from './indexeddb/options.js'
import { IndexedDbValues } from './indexeddb/store.js'

export type { IndexedDbOptions, IndexedDbStore } from './indexeddb/options.js'

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
