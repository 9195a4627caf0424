// The index of entries: what the store knows about its values without reading any: which keys there are, how large, last used when.
// Kept in the object store `index`; knows nothing of the values themselves.
import { promisifyRequest } from 'idb-keyval'
import { OpDbusError } from '../../errors.js'
import type { Crc32, Hash, Key } from '../../ports.js'

/*
   'head'      { format, token, generation, base, stamp }      replaced by every batch, in the transaction of its values
   'snapshot'  { generation, keys, bytes, used, check }         all entries at generation `base`, the least recently used first
   1, 2, ...   { at, keys, bytes }                              what the batch of that generation changed; bytes -1: deleted

   A tab that is behind reads the batches since its own generation, or the snapshot when they have been folded into it.
   So every tab knows exactly what is there, nothing is scanned, and a crash at any moment loses nothing but times of use.
*/
/** Object stores of the database. */
export const VALUES = 'values'
export const INDEX = 'index'
const FORMAT = 1
const HEAD = 'head'
const SNAPSHOT = 'snapshot'
/** What an entry takes beside its value, in bytes, as found in a profile of Chromium: its key, in UTF-16, twice, and so on. */
const ENTRY_BYTES = 200
const KEY_BYTES = 4

export interface Head {
  readonly format: number
  /** Changes when the medium is cleared or made anew. */
  readonly token: string
  /** Number of the last batch. */
  readonly generation: number
  /** Generation of the snapshot. */
  readonly base: number
  /** Names the snapshot: whoever knows another one has not seen its times of use. */
  readonly stamp: string
}

/** Bytes of the value, or -1 for one that goes. */
export type Change = readonly [Key, number]

interface Entry {
  readonly bytes: number
  /** Wall clock, ms. */
  readonly used: number
}

interface Batch {
  readonly at: number
  readonly keys: readonly Key[]
  readonly bytes: readonly number[]
}

interface Snapshot {
  readonly generation: number
  readonly keys: string
  readonly bytes: Uint32Array
  readonly used: Float64Array
  readonly check: number
}

/** The records are not what they must be: the values have to be gone through. */
export class DamagedIndex extends Error {}

/** What the medium spends on an entry, about. */
export function costOf(key: Key, bytes: number): number {
  return bytes + ENTRY_BYTES + KEY_BYTES * key.length
}

/** The entries as this tab knows them. Methods with an `index` work inside the caller's transaction. */
export class EntryIndex {
  /** The least recently used first. */
  #entries = new Map<Key, Entry>()
  #cost = 0
  #token = ''
  #generation = -1
  #stamp = ''
  #base = 0
  readonly #touched = new Map<Key, number>()
  readonly #hash: Hash
  readonly #crc32: Crc32

  constructor({ hash, crc32 }: { readonly hash: Hash; readonly crc32: Crc32 }) {
    this.#hash = hash
    this.#crc32 = crc32
  }

  get size(): { entries: number; bytes: number } {
    return { entries: this.#entries.size, bytes: this.#cost }
  }

  /** Something is known that the snapshot does not say. */
  get dirty(): boolean {
    return this.#touched.size > 0 || this.#generation > this.#base
  }

  has(key: Key): boolean {
    return this.#entries.has(key)
  }

  list(): { key: Key; bytes: number }[] {
    return Array.from(this.#entries, ([key, { bytes }]) => ({ key, bytes }))
  }

  /** Remembered here until the next snapshot. */
  touch(key: Key, at: number): void {
    this.#touched.set(key, at)
  }

  /** Begins a medium: new, cleared, or gone through. `generation` must be larger than any that was there. */
  begin(index: IDBObjectStore, generation: number, entries: readonly Change[] = [], at = 0): Head {
    this.#replace(entries.map(([key, bytes]) => [key, { bytes, used: at }]))
    this.#token = this.#hash.random(16)
    this.#generation = generation
    return this.#putSnapshot(index)
  }

  /** Reads what other tabs, or earlier visits, have changed. Throws {@link DamagedIndex}. */
  async catchUp(index: IDBObjectStore): Promise<Head> {
    const head = await readHead(index)
    if (head === undefined) throw new DamagedIndex('no head')
    if (head.token !== this.#token) {
      this.#replace([])
      this.#token = head.token
      this.#generation = -1
    }
    if (this.#generation < head.base) {
      const snapshot = await this.#readSnapshot(index, head)
      this.#replace(this.#merged(snapshot, new Map(snapshot)))
      this.#generation = head.base
      this.#stamp = head.stamp
    }
    if (this.#generation < head.generation) {
      const since = IDBKeyRange.bound(this.#generation + 1, head.generation)
      const batches: unknown[] = await promisifyRequest(index.getAll(since))
      if (batches.length !== head.generation - this.#generation) throw new DamagedIndex('batches are missing')
      for (const batch of batches) this.#apply(asBatch(batch))
    }
    this.#base = head.base
    return head
  }

  /** Puts a batch of changes behind `head`. They are known here only after {@link commit}. */
  put(index: IDBObjectStore, head: Head, changes: readonly Change[], at: number): Head {
    const next: Head = { ...head, generation: head.generation + 1 }
    const batch: Batch = { at, keys: changes.map(([key]) => key), bytes: changes.map(([, bytes]) => bytes) }
    index.put(batch, next.generation)
    index.put(next, HEAD)
    return next
  }

  /** The transaction that `put` was part of has ended well. */
  commit(head: Head, changes: readonly Change[], at: number): void {
    // What came in between has been read from the batches already, this one with it.
    if (head.token !== this.#token || head.generation !== this.#generation + 1) return
    this.#apply({ at, keys: changes.map(([key]) => key), bytes: changes.map(([, bytes]) => bytes) })
  }

  /** Who has to go, least recently used first, so that `incoming` fits: nobody, or a sixteenth of the budget more. */
  victims(budgetBytes: number, incoming: ReadonlyMap<Key, number>): Key[] {
    this.#applyTouches()
    let cost = this.#cost
    for (const [key, bytes] of incoming) {
      const there = this.#entries.get(key)
      cost += costOf(key, bytes) - (there ? costOf(key, there.bytes) : 0)
    }
    const victims: Key[] = []
    if (cost <= budgetBytes) return victims
    for (const [key, { bytes }] of this.#entries) {
      if (incoming.has(key)) continue
      victims.push(key)
      cost -= costOf(key, bytes)
      if (cost <= budgetBytes - budgetBytes / 16) break
    }
    return victims
  }

  /** Folds everything into a new snapshot. */
  async fold(index: IDBObjectStore): Promise<Head> {
    const head = await this.catchUp(index)
    if (head.stamp !== this.#stamp) {
      this.#replace(this.#merged(await this.#readSnapshot(index, head), this.#entries))
    }
    this.#applyTouches()
    return this.#putSnapshot(index)
  }

  #putSnapshot(index: IDBObjectStore): Head {
    const generation = this.#generation
    const keys = [...this.#entries.keys()].join('\n')
    const bytes = Uint32Array.from(this.#entries.values(), entry => entry.bytes)
    const used = Float64Array.from(this.#entries.values(), entry => entry.used)
    const snapshot = { generation, keys, bytes, used }
    const stamp = this.#hash.random(8)
    const head: Head = { format: FORMAT, token: this.#token, generation, base: generation, stamp }
    index.put({ ...snapshot, check: this.#check(snapshot) } satisfies Snapshot, SNAPSHOT)
    index.put(head, HEAD)
    index.delete(IDBKeyRange.upperBound(generation))
    this.#stamp = stamp
    this.#base = generation
    return head
  }

  async #readSnapshot(index: IDBObjectStore, head: Head): Promise<[Key, Entry][]> {
    const snapshot = (await promisifyRequest(index.get(SNAPSHOT))) as Partial<Snapshot> | undefined
    const { generation, keys, bytes, used, check } = snapshot ?? {}
    const known = typeof keys === 'string' && bytes instanceof Uint32Array && used instanceof Float64Array
    if (!known || generation !== head.base || this.#check({ generation, keys, bytes, used }) !== check) {
      throw new DamagedIndex('the snapshot is damaged')
    }
    const names = keys === '' ? [] : (keys.split('\n') as Key[])
    return names.map((key, i) => [key, { bytes: bytes[i]!, used: used[i]! }])
  }

  #check({ generation, keys, bytes, used }: Omit<Snapshot, 'check'>): number {
    const names = this.#crc32(new TextEncoder().encode(`${generation}\n${keys}`))
    return this.#crc32(new Uint8Array(used.buffer), this.#crc32(new Uint8Array(bytes.buffer), names))
  }

  /** `entries` in the order of their last use, in this tab or as `snapshot` tells. */
  #merged(snapshot: readonly [Key, Entry][], entries: ReadonlyMap<Key, Entry>): [Key, Entry][] {
    const used = new Map<Key, number>()
    for (const from of [snapshot, this.#entries]) {
      for (const [key, entry] of from) used.set(key, Math.max(entry.used, used.get(key) ?? 0))
    }
    return Array.from(entries, ([key, { bytes }]): [Key, Entry] => [key, { bytes, used: used.get(key) ?? 0 }]).sort(
      ([, a], [, b]) => a.used - b.used,
    )
  }

  #replace(entries: readonly (readonly [Key, Entry])[]): void {
    this.#entries = new Map(entries)
    this.#cost = entries.reduce((sum, [key, { bytes }]) => sum + costOf(key, bytes), 0)
  }

  #apply({ at, keys, bytes }: Batch): void {
    keys.forEach((key, i) => {
      const there = this.#entries.get(key)
      if (there) this.#cost -= costOf(key, there.bytes)
      this.#entries.delete(key)
      if (bytes[i]! < 0) return
      this.#entries.set(key, { bytes: bytes[i]!, used: at })
      this.#cost += costOf(key, bytes[i]!)
    })
    this.#generation++
  }

  #applyTouches(): void {
    for (const [key, used] of this.#touched) {
      const entry = this.#entries.get(key)
      if (entry === undefined) continue
      this.#entries.delete(key)
      this.#entries.set(key, { bytes: entry.bytes, used: Math.max(used, entry.used) })
    }
    this.#touched.clear()
  }
}

/** Undefined where it is missing or damaged. Throws STORE where a later version has changed what the records mean. */
export async function readHead(index: IDBObjectStore): Promise<Head | undefined> {
  const head = (await promisifyRequest(index.get(HEAD))) as Partial<Head> | undefined
  if (typeof head !== 'object' || head === null) return undefined
  if (typeof head.format === 'number' && head.format > FORMAT) {
    throw new OpDbusError('STORE', 'another tab runs a newer op-dbus on this database\nreload this page', {
      details: { kind: 'newer' },
    })
  }
  const numbers = [head.generation, head.base].every(number => Number.isSafeInteger(number))
  const texts = [head.token, head.stamp].every(text => typeof text === 'string')
  return head.format === FORMAT && numbers && texts && head.base! <= head.generation! ? (head as Head) : undefined
}

function asBatch(batch: unknown): Batch {
  const { at, keys, bytes } = (batch ?? {}) as Partial<Batch>
  if (typeof at === 'number' && Array.isArray(keys) && Array.isArray(bytes) && keys.length === bytes.length) {
    return batch as Batch
  }
  throw new DamagedIndex('a batch is damaged')
}
