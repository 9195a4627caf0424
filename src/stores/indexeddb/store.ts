// The store itself: every call as one transaction over values and index. Opening, closing and losing the database is the
// connection's business; which entries there are, the index knows.
import { abortError, messageOf, OpDbusError } from '../../errors.js'
import type { CallOptions, Key, StoreCounters } from '../../ports.js'
import { Clears } from './clears.js'
import { Connection } from './connection.js'
import { type Change, costOf, DamagedIndex, EntryIndex, type Head, readHead } from './entry-index.js'
import type { IndexedDbOptions, IndexedDbStore } from './options.js'
import { problemOf, type StorageProblem } from './problem.js'
import { decodeRecord, encodeRecord, KEY, valueBytes } from './record.js'
import { quotaExceeded, Refusal } from './refusal.js'
import { askToPersist, estimateStorage, type StorageReport } from './storage.js'
import { keepWhole, readRecords, transact } from './transaction.js'

/** The index is folded this long after a change: many visits are short, and what ends with them is the order of use. */
const FOLD_SOON_MS = 500
/** But not more often than this, in ms, and less often where it is large: it is written whole. */
const FOLD_MS = 5_000
const FOLD_MS_PER_ENTRY = 0.5

export class IndexedDbValues implements IndexedDbStore {
  readonly name: string
  readonly counters: StoreCounters = { damaged: 0, evicted: 0 }
  readonly #options: IndexedDbOptions
  readonly #connection: Connection
  readonly #entries: EntryIndex
  readonly #clears: Clears
  readonly #refusal: Refusal
  /** Calls under way: closing waits for them. */
  readonly #inHand = new Set<Promise<unknown>>()
  /** Less than what was asked for once the browser has refused. */
  #budgetBytes: number
  /** What the last call failed with, the connection being open. */
  #trouble: OpDbusError | undefined
  /** Whether the browser was asked to persist what is stored. */
  #asked = false
  #cancelFold: (() => void) | undefined
  #folded = Number.NEGATIVE_INFINITY
  #closing: Promise<void> | undefined

  constructor(options: IndexedDbOptions) {
    this.name = options.name
    this.#options = options
    this.#budgetBytes = options.budgetBytes
    this.#entries = new EntryIndex(options)
    this.#clears = new Clears(options.database, () => void this.#look().catch(() => undefined))
    this.#refusal = new Refusal(options)
    this.#connection = new Connection({
      ...options,
      created: index => this.#entries.begin(index, 0),
      opened: () => this.#opened(),
      gone: () => this.#clears.gone(),
    })
  }

  get problem(): StorageProblem | undefined {
    const error = this.#connection.problem ?? this.#refusal.error ?? this.#trouble
    return error && problemOf(error)
  }

  async getMany(keys: readonly Key[], call?: CallOptions): Promise<(Uint8Array | undefined)[]> {
    this.#enter(keys, call)
    if (keys.length === 0) return []
    return this.#do(async db => {
      const found = await readRecords(db, keys, head => this.#clears.seen(head.token))
      const now = this.#options.clock.now()
      return keys.map((key, i) => {
        if (found[i] === undefined) return undefined
        const value = decodeRecord(this.#options.crc32, key, found[i])
        if (value === undefined) this.counters.damaged++
        else this.#entries.touch(key, now)
        return value
      })
    })
  }

  async setMany(items: readonly (readonly [Key, Uint8Array])[], call?: CallOptions): Promise<void> {
    this.#enter(
      items.map(([key]) => key),
      call,
    )
    const { budgetBytes } = this.#options
    const large = items.find(([key, value]) => costOf(key, value.length) > budgetBytes)
    if (large) throw new OpDbusError('INVALID_INPUT', `${large[0]}: more than the budget of ${budgetBytes} bytes`)
    if (items.length === 0) return
    if (this.#refusal.pausing) throw this.#refusal.error
    const records = this.#records(items)
    try {
      await this.#do(db => this.#write(db, records, this.#budgetBytes)).catch(error => this.#replace(records, error))
      this.#refusal.end()
    } catch (error) {
      throw quotaExceeded(error) ? this.#refusal.begin(error) : error
    }
  }

  async deleteMany(keys: readonly Key[]): Promise<number> {
    this.#enter(keys)
    if (keys.length === 0) return 0
    return this.#do(async db => {
      const gone = await this.#change(db, values => {
        for (const key of keys) values.delete(key)
        return [...new Set(keys)].filter(key => this.#entries.has(key)).map((key): Change => [key, -1])
      })
      return gone.length
    })
  }

  async *list(): AsyncIterable<{ key: Key; bytes: number }> {
    this.#enter([])
    yield* await this.#do(async db => {
      await transact(db, 'readonly', (_values, index) => this.#entries.catchUp(index))
      return this.#entries.list()
    })
  }

  async size(): Promise<{ entries: number; bytes: number }> {
    this.#enter([])
    return this.#do(async db => {
      await transact(db, 'readonly', (_values, index) => this.#entries.catchUp(index))
      return this.#entries.size
    })
  }

  async clear(): Promise<void> {
    this.#enter([])
    const empty = (db: IDBDatabase) =>
      this.#beginAnew(db, async values => {
        values.clear()
        return []
      })
    if (this.#refusal.error) await this.#delete()
    else {
      await this.#do(empty).catch(error => {
        if (!quotaExceeded(error)) throw error
        return this.#delete()
      })
    }
    this.#trouble = undefined
    this.#refusal.end()
    this.#clears.broadcast()
  }

  onClearedElsewhere(listener: () => void): void {
    this.#clears.onElsewhere(listener)
  }

  estimate(): Promise<StorageReport> {
    return estimateStorage()
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.allSettled(this.#inHand)
      await this.#fold()
      this.#clears.close()
      this.#connection.close()
    })()
    return this.#closing
  }

  #enter(keys: readonly Key[], call?: CallOptions): void {
    if (this.#closing) throw new OpDbusError('CLOSED', `the ${this.name} store is closed`)
    if (call?.signal?.aborted) throw abortError(call.signal)
    for (const key of keys) {
      if (!KEY.test(key)) throw new OpDbusError('INVALID_INPUT', `not a key: ${JSON.stringify(key)}`)
    }
  }

  /** What to put. Later items win, and where a batch alone is over the budget its last items stay. */
  #records(items: readonly (readonly [Key, Uint8Array])[]): Map<Key, Uint8Array> {
    const records = new Map<Key, Uint8Array>()
    let cost = 0
    for (const [key, value] of items.toReversed()) {
      if (records.has(key)) continue
      cost += costOf(key, value.length)
      if (cost > this.#budgetBytes && records.size > 0) break
      records.set(key, encodeRecord(this.#options.crc32, key, value))
    }
    return new Map([...records].reverse())
  }

  /** Runs on the open database. A damaged index is made anew on the way. */
  async #do<T>(work: (db: IDBDatabase) => Promise<T>): Promise<T> {
    const done = this.#connection.run(async db => {
      try {
        return await work(db)
      } catch (error) {
        if (!(error instanceof DamagedIndex)) throw error
        const entries = await this.#rebuild(db)
        this.#options.warn(`${this.name}: the index was damaged and has been made anew from ${entries} values`)
        return work(db)
      }
    })
    this.#inHand.add(done)
    try {
      const result = await done
      this.#trouble = undefined
      return result
    } catch (error) {
      if (error !== this.#connection.problem) this.#trouble = error as OpDbusError
      throw error
    } finally {
      this.#inHand.delete(done)
      this.#foldSoon()
    }
  }

  async #write(db: IDBDatabase, records: ReadonlyMap<Key, Uint8Array>, budgetBytes: number): Promise<void> {
    const sizes = new Map(Array.from(records, ([key, record]) => [key, valueBytes(record)]))
    let victims: Key[] = []
    await this.#change(db, values => {
      victims = this.#entries.victims(budgetBytes, sizes)
      for (const key of victims) values.delete(key)
      for (const [key, record] of records) values.put(record, key)
      return [...victims.map((key): Change => [key, -1]), ...sizes]
    })
    this.counters.evicted += victims.length
  }

  /** Writes what was `refused` in the place of what is there: the policy of {@link openIndexedDbStore}. */
  async #replace(records: ReadonlyMap<Key, Uint8Array>, refused: unknown): Promise<void> {
    const there = this.#entries.size.bytes
    if (!quotaExceeded(refused) || there === 0) throw refused
    await this.#do(db => this.#write(db, records, there))
    if (this.#budgetBytes === this.#options.budgetBytes) {
      const about = `about ${Math.ceil(there / 1e6)} MB`
      this.#options.warn(`${this.name}: the browser gives this site less storage than it may use; keeping to ${about}`)
    }
    this.#budgetBytes = there
  }

  /** One transaction that writes: what others did is read first, `act` and its trace in the index are kept or lost as one. */
  async #change(db: IDBDatabase, act: (values: IDBObjectStore) => readonly Change[]): Promise<readonly Change[]> {
    const at = this.#options.clock.now()
    let changes: readonly Change[] = []
    let head: Head | undefined
    await transact(db, 'readwrite', async (values, index) => {
      const before = await this.#entries.catchUp(index)
      this.#clears.seen(before.token)
      changes = act(values)
      if (changes.length > 0) head = this.#entries.put(index, before, changes, at)
    })
    if (head) this.#entries.commit(head, changes, at)
    return changes
  }

  /** Goes through all values and writes the index anew. How many there are. */
  async #rebuild(db: IDBDatabase): Promise<number> {
    const whole = await this.#beginAnew(db, values => keepWhole(values, this.#options.crc32))
    return whole.length
  }

  /** A new index, with a new token, of what `keep` leaves. */
  #beginAnew(
    db: IDBDatabase,
    keep: (values: IDBObjectStore) => Promise<readonly Change[]>,
  ): Promise<readonly Change[]> {
    return transact(db, 'readwrite', async (values, index) => {
      const head = await readHead(index)
      const kept = await keep(values)
      index.clear()
      const { token } = this.#entries.begin(index, (head?.generation ?? 0) + 1, kept, this.#options.clock.now())
      this.#clears.began(token)
      return kept
    })
  }

  /** Where the browser is full: it may have no room even for the index of nothing. */
  async #delete(): Promise<void> {
    // Throws where the database is not ours to delete.
    await this.#look()
    await this.#connection.delete()
    this.#clears.began(undefined)
  }

  #foldSoon(): void {
    if (this.#cancelFold !== undefined || this.#closing || !this.#entries.dirty) return
    const pause = Math.max(FOLD_MS, FOLD_MS_PER_ENTRY * this.#entries.size.entries)
    const due = this.#folded + pause - this.#options.clock.monotonic()
    this.#cancelFold = this.#options.timer(Math.max(FOLD_SOON_MS, due), () => void this.#fold())
  }

  /** Writes times of use, and the batches since the last time, into the snapshot. Does not reject: the next one will do. */
  async #fold(): Promise<void> {
    this.#cancelFold?.()
    this.#cancelFold = undefined
    if (!this.#entries.dirty) return
    this.#folded = this.#options.clock.monotonic()
    const fold = (db: IDBDatabase) =>
      transact(db, 'readwrite', async (_values, index) => {
        await this.#entries.fold(index)
      })
    await this.#connection.run(fold).catch(() => undefined)
  }

  #opened(): void {
    if (this.#closing) return
    this.#clears.attend()
    const { name, persist, warn } = this.#options
    if (!persist || this.#asked) return
    this.#asked = true
    askToPersist().catch(error => warn(`${name}: cannot ask for storage that persists: ${messageOf(error)}`))
  }

  /** Reads nothing but whether the medium is the one that it was. */
  #look(): Promise<void> {
    return this.#do(db =>
      transact(db, 'readonly', async (_values, index) => {
        const head = await readHead(index)
        if (head) this.#clears.seen(head.token)
      }),
    )
  }
}
