// Transactions over both object stores. Knows nothing of budgets or tabs.
import { getMany, promisifyRequest } from 'idb-keyval'
import type { Crc32, Key } from '../../ports.js'
import { INDEX, VALUES } from './connection.js'
import { type Change, type Head, readHead } from './ledger.js'
import { decodeRecord, KEY } from './record.js'

/** Values that are read at a time where all have to be. */
const SCAN = 200
/** What a browser says of a value that it has but cannot read, for example one kept in a file that is gone. */
const UNREADABLE = ['DataError', 'NotReadableError', 'NotFoundError', 'DataCloneError', 'UnknownError']

/**
 * Runs `body` in a transaction of its own; transactions that write run in the order in which they were begun, in all tabs.
 * When `body` throws, nothing of it is kept. `body` must wait for nothing but requests of this transaction.
 */
export async function transact<T>(
  db: IDBDatabase,
  mode: IDBTransactionMode,
  body: (values: IDBObjectStore, index: IDBObjectStore) => Promise<T>,
): Promise<T> {
  // Losing the last moments in a power cut is allowed here; waiting for the disk at every batch is not needed.
  const transaction = db.transaction([VALUES, INDEX], mode, { durability: 'relaxed' })
  try {
    return await body(transaction.objectStore(VALUES), transaction.objectStore(INDEX))
  } catch (error) {
    try {
      transaction.abort()
    } catch {
      // It has ended already: `error` tells why.
    }
    throw error
  }
}

/** Reads every value, and removes those that are damaged. The rest, with their lengths. */
export async function keepWhole(values: IDBObjectStore, crc32: Crc32): Promise<Change[]> {
  const whole: Change[] = []
  for (let rest: IDBKeyRange | undefined, more = true; more; ) {
    const [keys, records] = await Promise.all([
      promisifyRequest(values.getAllKeys(rest, SCAN)),
      promisifyRequest<unknown[]>(values.getAll(rest, SCAN)),
    ])
    keys.forEach((name, i) => {
      const key = name as Key
      const value = typeof name === 'string' && KEY.test(key) ? decodeRecord(crc32, key, records[i]) : undefined
      if (value === undefined) values.delete(name)
      else whole.push([key, value.length])
    })
    more = keys.length === SCAN
    if (more) rest = IDBKeyRange.lowerBound(keys.at(-1), true)
  }
  return whole
}

/** Records: undefined where there is none, null where there is one that the browser cannot read. `seen` is told the head. */
export async function readRecords(
  db: IDBDatabase,
  keys: readonly Key[],
  seen: (head: Head) => void,
): Promise<unknown[]> {
  const orUnreadable = (error: unknown): null => {
    if (UNREADABLE.includes((error as Error).name)) return null
    throw error
  }
  const together = await readTogether(db, keys, seen).catch(orUnreadable)
  if (together) return together
  const found: unknown[] = []
  for (const key of keys) {
    const alone = await readTogether(db, [key], seen).catch(orUnreadable)
    found.push(alone === null ? null : alone[0])
  }
  // When not even the index can be read, it is not the values that are damaged.
  await readTogether(db, [], seen)
  return found
}

function readTogether(db: IDBDatabase, keys: readonly Key[], seen: (head: Head) => void): Promise<unknown[]> {
  return transact(db, 'readonly', async (values, index) => {
    const [head, found] = await Promise.all([readHead(index), getMany([...keys], async (_mode, use) => use(values))])
    if (head) seen(head)
    return found
  })
}
