// One connection to one IndexedDB database, and what becomes of it: refused, unanswered, closed by others, deleted, open
// again. Knows that there are object stores, not what is in them.
import { isOpDbusError, type OpDbusError } from '../../errors.js'
import type { Clock } from '../../ports.js'
import { INDEX, VALUES } from './entry-index.js'
import { nameOf, storeError } from './problem.js'
import { endOf } from './transaction.js'

/** After a failed open the next one waits this long, in ms, and twice as long each time, up to the second. */
const RETRY_MS = 1_000
const RETRY_MAX_MS = 60_000

export interface ConnectionOptions {
  readonly name: string
  readonly database: string
  /** How long callers wait for a browser that does not answer, in ms. */
  readonly patienceMs: number
  readonly clock: Clock
  readonly timer: (ms: number, run: () => void) => () => void
  /** Fills a database that has just been made. */
  created(index: IDBObjectStore): void
  /** Called when a database has been opened, at first and again. */
  opened(): void
  /** Called when others have deleted the database, or the browser has taken it away. */
  gone(): void
}

/**
 * Opens when it is needed. Every failure is an OpDbusError with code STORE. A browser may leave an open unanswered, for
 * example while another tab does not let go of a database to be deleted: callers wait for that once, and are refused from
 * then on; attempts go on without them, and an answer is taken however late it comes.
 */
export class Connection {
  /** What keeps the database from being open; undefined while nothing is known to. */
  problem: OpDbusError | undefined
  readonly #options: ConnectionOptions
  #opening: Promise<IDBDatabase> | undefined
  #db: IDBDatabase | undefined
  #failures = 0
  #notBefore = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /** Runs `work` on the open database; once more on a fresh connection when this one was lost on the way. */
  async run<T>(work: (db: IDBDatabase) => Promise<T>): Promise<T> {
    for (let again = true; ; again = false) {
      const db = await this.#open()
      try {
        return await work(db)
      } catch (error) {
        // InvalidStateError: the connection is closing, which its events may not have told yet.
        const lost = this.#db !== db || nameOf(error) === 'InvalidStateError'
        if (lost) this.#forget(db)
        if (!lost || !again) throw this.#storeError(error)
      }
    }
  }

  /**
   * Deletes the database; the next call makes it anew. In Chromium nothing else gives room back, and not when its values were
   * deleted before: they go on counting. Other tabs let go of it when the browser tells them.
   */
  async delete(): Promise<void> {
    const { database, patienceMs, timer } = this.#options
    if (this.#db) this.#forget(this.#db)
    await new Promise<void>((resolve, reject) => {
      const request = this.#factory().deleteDatabase(database)
      const cancel = timer(patienceMs, () => reject(this.#unanswered()))
      const settled = (settle: () => void) => () => {
        cancel()
        settle()
      }
      request.onsuccess = settled(resolve)
      request.onerror = settled(() => reject(this.#storeError(request.error)))
    })
  }

  /** Ends the connection as soon as its transactions have ended. */
  close(): void {
    this.#closed = true
    if (this.#db) this.#forget(this.#db)
  }

  async #open(): Promise<IDBDatabase> {
    if (this.#db) return this.#db
    const waitedInVain = this.problem?.details.kind === 'silent'
    if (this.#options.clock.monotonic() >= this.#notBefore) this.#opening ??= this.#begin()
    if (this.#opening === undefined || waitedInVain) throw this.problem!
    return this.#opening
  }

  #begin(): Promise<IDBDatabase> {
    const opening = this.#request().catch(error => {
      this.#opening = undefined
      this.problem = this.#storeError(error)
      const pause = Math.min(RETRY_MS * 2 ** this.#failures++, RETRY_MAX_MS)
      this.#notBefore = this.#options.clock.monotonic() + pause
      throw this.problem
    })
    // There may be nobody who waits.
    opening.catch(() => undefined)
    return opening
  }

  #request(): Promise<IDBDatabase> {
    const { database, patienceMs, timer } = this.#options
    return new Promise((resolve, reject) => {
      // No version: a database that a later op-dbus has raised to another one opens too, as long as the stores are there.
      const request = this.#factory().open(database)
      const cancel = timer(patienceMs, () => reject(this.#unanswered()))
      request.onupgradeneeded = () => {
        // The request itself says only that this was aborted.
        endOf(request.transaction!).catch(reject)
        request.result.createObjectStore(VALUES)
        this.#options.created(request.result.createObjectStore(INDEX))
      }
      request.onerror = () => {
        cancel()
        reject(request.error)
      }
      request.onsuccess = () => {
        cancel()
        const db = request.result
        if (this.#db || this.#closed) {
          db.close()
          return this.#db ? resolve(this.#db) : reject(new Error('closed'))
        }
        if (![VALUES, INDEX].every(store => db.objectStoreNames.contains(store))) {
          db.close()
          return reject(this.#storeError(new Error('it belongs to something else; choose another name'), 'foreign'))
        }
        this.#take(db)
        resolve(db)
      }
    })
  }

  #take(db: IDBDatabase): void {
    this.#db = db
    this.#opening = undefined
    this.problem = undefined
    this.#failures = 0
    this.#notBefore = Number.NEGATIVE_INFINITY
    // Another tab wants to delete or upgrade it: let go, and open again when needed.
    db.onversionchange = ({ newVersion }) => {
      this.#forget(db)
      if (newVersion === null) this.#options.gone()
    }
    db.onclose = () => {
      this.#forget(db)
      this.problem = this.#storeError(new Error('the browser closed it'), 'closed')
      this.#options.gone()
    }
    this.#options.opened()
  }

  #forget(db: IDBDatabase): void {
    db.close()
    if (this.#db === db) this.#db = undefined
  }

  /** Reading the global can throw by itself: in pages of no origin, or where the user forbids storage. */
  #factory(): IDBFactory {
    const found = globalThis.indexedDB as IDBFactory | undefined
    if (found) return found
    throw this.#storeError(new Error('this page has no IndexedDB (switched off, or a private window)'), 'missing')
  }

  #unanswered(): OpDbusError {
    const why = `no answer within ${this.#options.patienceMs / 1000} s; another tab may be holding on to it`
    return this.#storeError(new Error(why), 'silent')
  }

  #storeError(error: unknown, kind?: Parameters<typeof storeError>[3]): OpDbusError {
    if (isOpDbusError(error)) return error
    return storeError(this.#options.name, this.#options.database, error, kind)
  }
}
