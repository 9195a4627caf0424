// What tests of the IndexedDB store call inside a page. Stores are kept under their database's name between calls.
import { crc32 } from '../../../src/cache/crc32.js'
import { type IndexedDbOptions, type IndexedDbStore, openIndexedDbStore } from '../../../src/stores/indexeddb.js'
import { keyOf } from '../../../src/testing/entries.js'

let names = 0
const stores = new Map<string, IndexedDbStore>()
const clears = new Map<string, number>()
const warnings: string[] = []

/** Both clocks run as the page's do until `advance` is called; from then on they move by it alone. */
let still: { now: number; monotonic: number } | undefined
const clock = { now: () => still?.now ?? Date.now(), monotonic: () => still?.monotonic ?? performance.now() }
const hash = {
  sha256: () => {
    throw new Error('not used by stores')
  },
  random: (bytes: number) =>
    [...crypto.getRandomValues(new Uint8Array(bytes))].map(b => b.toString(16).padStart(2, '0')).join(''),
}

/** A new store; each is one of its own, as another tab would have it. */
export function open(options: Partial<IndexedDbOptions> = {}): IndexedDbStore {
  return openIndexedDbStore({
    name: 'test',
    database: `test-${names++}`,
    budgetBytes: 64 * 2 ** 20,
    patienceMs: 5_000,
    clock,
    timer: (ms, run) => {
      const handle = setTimeout(run, ms)
      return () => clearTimeout(handle)
    },
    hash,
    crc32,
    warn: message => warnings.push(message),
    ...options,
  })
}

export function advance(ms: number): void {
  still = { now: clock.now() + ms, monotonic: clock.monotonic() + ms }
}

/** Waits for connections that are still being let go of. */
export function deleteDatabase(database: string): Promise<void> {
  const request = indexedDB.deleteDatabase(database)
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error)
  })
}

/** Opens the store that the functions below mean by `database`. */
export function openAs(database: string, options: Partial<IndexedDbOptions> = {}): void {
  const store = open({ database, ...options })
  store.onClearedElsewhere(() => clears.set(database, clearsOf(database) + 1))
  stores.set(database, store)
}

/** How often the store told that it was cleared elsewhere. */
export function clearsOf(database: string): number {
  return clears.get(database) ?? 0
}

function storeOf(database: string): IndexedDbStore {
  if (!stores.has(database)) openAs(database)
  return stores.get(database)!
}

/** The result, or the code and message of what was thrown. */
async function told<T>(work: Promise<T>): Promise<T | string> {
  return work.catch(error => `${error.code}: ${error.message}`)
}

/** The n-th value of `length` bytes; as hard to compress as a vector, or the browser would not treat it as one. */
function noise(n: number, length: number): Uint8Array {
  let state = (n + 1) * 0x9e3779b1
  return Uint8Array.from({ length }, () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x297a2d39
    return state >>> 24
  })
}

/** Stores the n-th value under the n-th key, for each of `ns`, in one batch. */
export function set(database: string, ns: number[], length = 1544): Promise<string | undefined> {
  return told(storeOf(database).setMany(ns.map(n => [keyOf(n), noise(n, length)]))) as Promise<string | undefined>
}

/** For each of `ns`: 1 for the value that was set, 0 for none, -1 for any other, which must never be. */
export function get(database: string, ns: number[]): Promise<number[] | string> {
  const right = (n: number, value: Uint8Array) => noise(n, value.length).every((byte, i) => byte === value[i])
  const found = storeOf(database).getMany(ns.map(keyOf))
  return told(found.then(values => values.map((value, i) => (value === undefined ? 0 : right(ns[i]!, value) ? 1 : -1))))
}

export function remove(database: string, ns: number[]): Promise<number | string> {
  return told(storeOf(database).deleteMany(ns.map(keyOf)))
}

export function size(database: string): Promise<{ entries: number; bytes: number } | string> {
  return told(storeOf(database).size())
}

export function clear(database: string): Promise<unknown> {
  return told(storeOf(database).clear())
}

export async function close(database: string): Promise<void> {
  await storeOf(database).close()
  stores.delete(database)
}

export function report(database: string) {
  const { problem, counters } = storeOf(database)
  return { problem, ...counters, warnings }
}

export function estimate(database: string) {
  return storeOf(database).estimate()
}

/** Batches of five from `first` on, one after the other, until the page dies; each is told on the console when it is stored. */
export function writeForEver(database: string, first: number): void {
  const write = async () => {
    for (let n = first; n < first + 1000; n += 5) {
      await storeOf(database).setMany([0, 1, 2, 3, 4].map(i => [keyOf(n + i), noise(n + i, 1544)]))
      console.log(`stored ${n}`)
    }
  }
  void write()
}

/** What is really in the database: its keys, and the names of the records about them. */
export async function inside(database: string): Promise<{ values: number; index: string[] }> {
  return raw(database, async (values, index) => ({
    values: await result(values.count()),
    index: (await result(index.getAllKeys())).map(String),
  }))
}

/** Damages a record about values: `remove`s it, or puts something else in its place. */
export function damageIndex(database: string, record: string | number, how: 'remove' | 'garbage' | 'flip' | 'newer') {
  return raw(database, async (_values, index) => {
    const there = await result(index.get(record))
    if (how === 'remove') index.delete(record)
    if (how === 'garbage') index.put('garbage', record)
    if (how === 'newer') index.put({ ...there, format: 2 }, record)
    if (how === 'flip') {
      there.bytes[0]++
      index.put(there, record)
    }
  })
}

/** Damages the n-th value: one bit, its end, its type, or by putting it under another key. */
export function damageValue(database: string, n: number, how: 'bit' | 'end' | 'type' | 'swap', other = 0) {
  return raw(database, async values => {
    const record: Uint8Array = await result(values.get(keyOf(n)))
    if (how === 'bit') record[record.length >> 1]! ^= 4
    if (how === 'swap') values.put(record, keyOf(other))
    else values.put({ bit: record, end: record.slice(0, -1), type: record.buffer }[how], keyOf(n))
  })
}

async function raw<T>(
  database: string,
  work: (values: IDBObjectStore, index: IDBObjectStore) => Promise<T>,
): Promise<T> {
  const db = await result(indexedDB.open(database))
  try {
    const transaction = db.transaction(['values', 'index'], 'readwrite')
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve
      transaction.onabort = () => reject(transaction.error)
    })
    const answer = await work(transaction.objectStore('values'), transaction.objectStore('index'))
    await done
    return answer
  } finally {
    db.close()
  }
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/**
 * From now on there is room for `bytes` of values: a put beyond fails at its request, and the transaction itself never says
 * why. What is deleted makes room for what is put after it, as where SQLite is behind it, or never.
 */
export function limitRoom(bytes: number, deleted: 'freed at once' | 'not freed'): void {
  const { put, add, delete: remove } = IDBObjectStore.prototype
  const touched = new WeakSet<IDBTransaction>()
  let sizes = new Map<IDBValidKey, number>()
  let total = 0
  const change = (store: IDBObjectStore, key: IDBValidKey, size: number): number => {
    if (!touched.has(store.transaction)) {
      const before = { sizes: new Map(sizes), total }
      store.transaction.addEventListener('abort', () => {
        ;({ sizes, total } = before)
      })
      touched.add(store.transaction)
    }
    total += size - (sizes.get(key) ?? 0)
    sizes.set(key, size)
    return total
  }
  IDBObjectStore.prototype.put = function (value, key) {
    const request = put.call(this, value, key)
    if (this.name !== 'values' || change(this, key!, value.length) <= bytes) return request
    // There already, so that this request fails.
    return add.call(this, value, key)
  }
  IDBObjectStore.prototype.delete = function (key) {
    if (this.name === 'values' && deleted === 'freed at once') change(this, key as IDBValidKey, 0)
    return remove.call(this, key)
  }
  const { get } = Object.getOwnPropertyDescriptor(IDBRequest.prototype, 'error')!
  Object.defineProperty(IDBRequest.prototype, 'error', {
    get() {
      const error = get!.call(this) as DOMException | null
      return error?.name === 'ConstraintError' ? new DOMException('no room', 'QuotaExceededError') : error
    },
  })
  Object.defineProperty(IDBTransaction.prototype, 'error', { get: () => null })
}

/** Opens a database directly, as another program on the page would, at `version`. */
export async function openForeign(database: string, version: number, stores: string[] = []): Promise<void> {
  const request = indexedDB.open(database, version)
  const blocked = new Promise((_, reject) => {
    request.onblocked = () => reject(new Error('blocked'))
  })
  request.onupgradeneeded = () => {
    for (const name of stores) request.result.createObjectStore(name)
  }
  const db = await Promise.race([result(request), blocked])
  ;(db as IDBDatabase).close()
}
