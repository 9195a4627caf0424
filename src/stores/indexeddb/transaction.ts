// Transactions over both object stores. Knows nothing of budgets or tabs.
import { getMany, promisifyRequest } from 'idb-keyval'
import type { Crc32, Key } from '../../ports.js'
import { type Change, type Head, INDEX, readHead, VALUES } from './entry-index.js'
import { nameOf } from './problem.js'
import { decodeRecord, KEY } from './record.js'

/** Values that are read at a time where all have to be. */
const SCAN = 200
/** What a browser says of a value that it has but cannot read, for example one kept in a file that is gone. */
const UNREADABLE = ['DataError', 'NotReadableError', 'NotFoundError', 'DataCloneError', 'UnknownError']

/**
 * Runs `body` in a transaction of its own; transactions that write run in the order in which they were begun, in all tabs.
 * Resolves when it has ended well. When `body` throws, nothing of it is kept. `body` must wait for nothing but requests of
 * this transaction. Rejects with what the browser, or `body`, gave as the reason.
 */
export async function transact<T>(
  db: IDBDatabase,
  mode: IDBTransactionMode,
  body: (values: IDBObjectStore, index: IDBObjectStore) => Promise<T>,
): Promise<T> {
  // Losing the last moments in a power cut is allowed here; waiting for the disk at every batch is not needed.
  const transaction = db.transaction([VALUES, INDEX], mode, { durability: 'relaxed' })
  const ended = endOf(transaction)
  // Whoever waits for it hears of it below; a body that fails first does not wait.
  ended.catch(() => undefined)
  try {
    const result = await body(transaction.objectStore(VALUES), transaction.objectStore(INDEX))
    await ended
    return result
  } catch (error) {
    try {
      transaction.abort()
    } catch {
      // It has ended already.
    }
    // Of a request that was under way when the browser ended the transaction: only the transaction knows why.
    if (nameOf(error) === 'AbortError') await ended
    throw error
  }
}

/**
 * Resolves when `transaction` is kept, rejects with the reason when it is not: its own or, as some browsers give none there,
 * that of the request that failed.
 */
export function endOf(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    let failed: DOMException | null = null
    transaction.onerror = ({ target }) => {
      failed ??= (target as IDBRequest).error
    }
    transaction.oncomplete = () => resolve()
    transaction.onabort = () =>
      reject(transaction.error ?? failed ?? new DOMException('the browser gives no reason', 'UnknownError'))
  })
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
    if (UNREADABLE.includes(nameOf(error))) return null
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
