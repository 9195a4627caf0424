// One connection to one IndexedDB database, and what becomes of it: refused, blocked, closed by others, deleted, open
// again. Knows the names of the object stores, not what is in them.
import { messageOf, OpDbusError } from '../../errors.js'
import type { Clock } from '../../ports.js'

/** Object stores of the database. */
export const VALUES = 'values'
export const INDEX = 'index'

/** A browser may leave an open unanswered, for example while another tab does not let go of a database to be deleted. */
const OPEN_MS = 5_000
/** After a failed open the next one waits this long, in ms, and twice as long each time, up to the second. */
const RETRY_MS = 1_000
const RETRY_MAX_MS = 60_000

export interface ConnectionOptions {
  readonly name: string
  readonly database: string
  readonly clock: Clock
  /** Fills a database that has just been made. */
  created(index: IDBObjectStore): void
  /** Called when a database has been opened, at first and again. */
  opened(): void
}

/** Opens when it is needed. Every failure is an OpDbusError with code STORE. */
export class Connection {
  /** What keeps the database from being open; undefined while nothing is known to. */
  problem: OpDbusError | undefined
  readonly #options: ConnectionOptions
  #opening: Promise<IDBDatabase> | undefined
  #db: IDBDatabase | undefined
  #failures = 0
  #notBefore = Number.NEGATIVE_INFINITY

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
        const lost = this.#db !== db || (error as Error).name === 'InvalidStateError'
        if (lost) this.#forget(db)
        if (!lost || !again) throw this.#storeError(error)
      }
    }
  }

  /** Ends the connection as soon as its transactions have ended. */
  close(): void {
    if (this.#db) this.#forget(this.#db)
  }

  #open(): Promise<IDBDatabase> {
    if (this.#opening) return this.#opening
    if (this.problem && this.#options.clock.monotonic() < this.#notBefore) return Promise.reject(this.problem)
    const opening = this.#request().then(
      db => {
        this.#db = db
        this.#failures = 0
        this.problem = undefined
        this.#options.opened()
        return db
      },
      error => {
        this.#opening = undefined
        this.problem = this.#storeError(error)
        const pause = Math.min(RETRY_MS * 2 ** this.#failures++, RETRY_MAX_MS)
        this.#notBefore = this.#options.clock.monotonic() + pause
        throw this.problem
      },
    )
    this.#opening = opening
    return opening
  }

  #request(): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
      // No version: a database that a later op-dbus has raised to another one opens too, as long as the stores are there.
      const request = factory().open(this.#options.database)
      let late = false
      const timer = setTimeout(() => {
        late = true
        reject(new Error(`no answer within ${OPEN_MS / 1000} s; another tab may be holding on to it`))
      }, OPEN_MS)
      request.onupgradeneeded = () => {
        request.result.createObjectStore(VALUES)
        this.#options.created(request.result.createObjectStore(INDEX))
      }
      request.onerror = () => {
        clearTimeout(timer)
        reject(request.error)
      }
      request.onsuccess = () => {
        clearTimeout(timer)
        const db = request.result
        if (late) return db.close()
        if (![VALUES, INDEX].every(store => db.objectStoreNames.contains(store))) {
          db.close()
          return reject(new Error('it belongs to something else; choose another name'))
        }
        // Another tab wants to delete or upgrade it, or the browser took it away: let go, and open again when needed.
        db.onversionchange = () => this.#forget(db)
        db.onclose = () => this.#forget(db)
        resolve(db)
      }
    })
  }

  #forget(db: IDBDatabase): void {
    db.close()
    if (this.#db !== db) return
    this.#db = undefined
    this.#opening = undefined
  }

  #storeError(error: unknown): OpDbusError {
    if (error instanceof OpDbusError) return error
    const { name, database } = this.#options
    return new OpDbusError('STORE', `${name}: IndexedDB database "${database}": ${messageOf(error)}`, {
      cause: error,
      details: { database },
    })
  }
}

/** Reading the global can throw by itself: in pages of no origin, or where the user forbids storage. */
function factory(): IDBFactory {
  const found = globalThis.indexedDB as IDBFactory | undefined
  if (!found) throw new Error('this page has no IndexedDB (switched off, or a private window)')
  return found
}
