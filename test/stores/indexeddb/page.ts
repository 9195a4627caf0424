// What tests of the IndexedDB store call inside a page. Stores are kept under their database's name between calls.
import { crc32 } from '../../../src/cache/crc32.js'
import type { Key } from '../../../src/ports.js'
import { type IndexedDbOptions, type IndexedDbStore, openIndexedDbStore } from '../../../src/stores/indexeddb.js'
import { bytesOf, keyOf } from '../../contract/store-contract-data.js'

let names = 0
let offset = 0
const stores = new Map<string, IndexedDbStore>()
const warnings: string[] = []

/** Both clocks, moved on by `advance`. */
const clock = { now: () => Date.now() + offset, monotonic: () => performance.now() + offset }
const hash = {
  sha256: () => {
    throw new Error('not used by stores')
  },
  random: (bytes: number) => [...crypto.getRandomValues(new Uint8Array(bytes))].map(b => b.toString(16).padStart(2, '0')).join(''),
}

/** A new store; each is one of its own, as another tab would have it. */
export function open(options: Partial<IndexedDbOptions> = {}): IndexedDbStore {
  return openIndexedDbStore({
    name: 'test',
    database: `test-${names++}`,
    budgetBytes: 64 * 2 ** 20,
    clock,
    hash,
    crc32,
    warn: message => warnings.push(message),
    ...options,
  })
}

export function advance(ms: number): void {
  offset += ms
}

/** Waits for connections that are still being let go of. */
export function deleteDatabase(database: string): Promise<void> {
  const request = indexedDB.deleteDatabase(database)
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error)
  })
}

function store(database: string): IndexedDbStore {
  const there = stores.get(database) ?? open({ database })
  stores.set(database, there)
  return there
}
