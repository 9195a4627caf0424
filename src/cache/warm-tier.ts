// What was loaded for memory before anybody asked for it, under names on disk: which texts the entries are of is known only once they are
// asked for. A part of memory (the ids of which are texts) and of its bounds. Reads no medium and knows no clock.
import type { Key } from '../ports.js'
import type { EntriesAhead, ValuePool } from './memory-tier.js'

export interface WarmTierOptions<V> {
  /** The name on disk of an id: a digest, so that two ids never have the same. */
  readonly keyOf: (id: string) => Key
  /** Where the values lie, as long as they are here. */
  readonly pool: ValuePool<V>
  /** What an entry counts in memory's bound of bytes. */
  readonly entryBytes: number
}

/**
 * Entries are announced first ({@link plan}), in the order of their last use, and put in afterwards in any order: that of the file. So it is
 * known from the start which of them there is room for, and what memory gets by itself meanwhile is not put in a second time. Whatever
 * is deleted or cleared is not put in any more either.
 */
export class WarmTier<V extends object> implements EntriesAhead<V> {
  readonly #keyOf: (id: string) => Key
  readonly #pool: ValuePool<V>
  /** See {@link WarmTierOptions}. */
  readonly entryBytes: number
  readonly #held = new Map<Key, V>()
  /** Announced, and not put in yet. */
  readonly #awaited = new Set<Key>()
  /** Names, the last used first; of those that have gone as well, which are passed over. */
  #order: Key[] = []
  /** The id that was worked out last, and its name: who does not find an id here asks the disk for it next. */
  #last: { readonly id: string; readonly key: Key } | undefined
  /** Entries that were asked for. */
  used = 0

  constructor({ keyOf, pool, entryBytes }: WarmTierOptions<V>) {
    this.#keyOf = keyOf
    this.#pool = pool
    this.entryBytes = entryBytes
  }

  /** Entries that are here. */
  get size(): number {
    return this.#held.size
  }

  get bytes(): number {
    return this.#held.size * this.entryBytes
  }

  /** How many are announced and not put in. */
  get awaited(): number {
    return this.#awaited.size
  }

  /** Announces entries, the last used first, behind those that were announced before. */
  plan(keys: readonly Key[]): void {
    for (const key of keys) {
      if (this.#held.has(key) || this.#awaited.has(key)) continue
      this.#awaited.add(key)
      this.#order.push(key)
    }
  }

  /** Whether it is announced, and still to be put in. */
  awaits(key: Key): boolean {
    return this.#awaited.has(key)
  }

  /** A copy of `value` is here from now on. False where it is not awaited any more. */
  put(key: Key, value: V): boolean {
    if (!this.#awaited.delete(key)) return false
    this.#held.set(key, this.#pool.put(value))
    return true
  }

  /** It will not be put in. */
  giveUp(key: Key): void {
    this.#awaited.delete(key)
  }

  take(id: string): V | undefined {
    if (this.#held.size === 0) return undefined
    const key = this.#key(id)
    const value = this.#held.get(key)
    if (value === undefined) return undefined
    this.#let(key, value)
    this.used++
    return value
  }

  has(id: string): boolean {
    return this.#held.size > 0 && this.#held.has(this.#key(id))
  }

  delete(id: string): boolean {
    if (this.#held.size + this.#awaited.size === 0) return false
    const key = this.#key(id)
    this.#awaited.delete(key)
    const value = this.#held.get(key)
    if (value !== undefined) this.#let(key, value)
    return value !== undefined
  }

  arrived(id: string): void {
    // What is here was looked for here first, so only what is still to come can come twice.
    if (this.#awaited.size > 0) this.#awaited.delete(this.#key(id))
  }

  keyOf(id: string): Key | undefined {
    return this.#last?.id === id ? this.#last.key : undefined
  }

  fit(entries: number, bytes: number): void {
    const most = Math.max(0, Math.min(entries, Math.floor(bytes / this.entryBytes)))
    while (this.#held.size + this.#awaited.size > most) {
      const key = this.#order.pop()
      if (key === undefined) return
      this.#awaited.delete(key)
      const value = this.#held.get(key)
      if (value !== undefined) this.#let(key, value)
    }
  }

  clear(): void {
    this.#held.clear()
    this.#awaited.clear()
    this.#order = []
    this.#last = undefined
    this.#pool.clear()
  }

  /** Names of what is here or announced, the last used first. */
  *keys(): IterableIterator<Key> {
    for (const key of this.#order) if (this.#held.has(key) || this.#awaited.has(key)) yield key
  }

  #let(key: Key, value: V): void {
    this.#held.delete(key)
    // So that its row is free, and what is handed out keeps its vector.
    this.#pool.lend(value)
    this.#pool.release(value)
    if (this.#held.size + this.#awaited.size === 0) this.#order = []
  }

  #key(id: string): Key {
    if (this.#last?.id !== id) this.#last = { id, key: this.#keyOf(id) }
    return this.#last.key
  }
}
