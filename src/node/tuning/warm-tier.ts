// What was loaded for memory before anybody asked for it, under names on disk: which texts the entries are of is known only once they are
// asked for. A part of memory (the ids of which are texts) and of its bounds. Reads no medium and knows no clock.
import type { ValuePool, WarmEntries } from '../../cache/memory-options.js'
import type { Key } from '../../ports.js'
import { NAME_BYTES, NameTable } from './names.js'

export interface WarmTierOptions<V> {
  /** The name on disk of an id: a digest, so that no two ids share one. */
  readonly keyOf: (id: string) => Key
  /** Where the values lie, as long as they are here. */
  readonly pool: ValuePool<V>
  /** What an entry counts in memory's bound of bytes. */
  readonly entryBytes: number
}

const GONE = 0
/** Announced, and not put in yet. */
const AWAITED = 1
const HELD = 2

/**
 * Entries are announced first ({@link plan}), with the order of their last use, and put in afterwards in that of the file. So it is
 * known from the start which of them there is room for, and what memory gets by itself meanwhile is not put in a second time. Whatever
 * is deleted or cleared is not put in any more either.
 */
export class WarmTier<V extends object> implements WarmEntries<V> {
  /** See {@link WarmTierOptions}. */
  readonly entryBytes: number
  readonly #keyOf: (id: string) => Key
  readonly #pool: ValuePool<V>
  #table = new NameTable(0)
  /** Numbers, the last used first. Those that have gone stay in it until the next plan. */
  #order = new Uint32Array(0)
  #states = new Uint8Array(0)
  #values: (V | undefined)[] = []
  #held = 0
  #awaited = 0
  /** All from here on in that order have gone. */
  #end = 0
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
    return this.#held
  }

  get bytes(): number {
    return this.#held * this.entryBytes
  }

  /** How many are announced and not put in. */
  get awaited(): number {
    return this.#awaited
  }

  /** Names of what is here or announced, packed, the last used first. */
  names(): Uint8Array {
    const { names } = this.#table
    const live = new Uint8Array(NAME_BYTES * (this.#held + this.#awaited))
    let at = 0
    for (const number of this.#order.subarray(0, this.#end)) {
      if (this.#states[number] === GONE) continue
      live.set(names.subarray(NAME_BYTES * number, NAME_BYTES * (number + 1)), at)
      at += NAME_BYTES
    }
    return live
  }

  /**
   * Announces entries behind those that are here: all that are new, and not in `known`. `ranks` says which of `names`, which are packed, was
   * used last (0) and so on. Returns the names that were new, in the same order, and what numbers they have from now on: `first` and up.
   * Nothing may be awaited any more.
   */
  plan(
    names: Uint8Array,
    ranks: Uint32Array,
    known: NameTable,
  ): { readonly names: Uint8Array; readonly first: number } {
    const before = this.names()
    const first = before.length / NAME_BYTES
    const values: (V | undefined)[] = []
    for (const number of this.#order.subarray(0, this.#end)) {
      if (this.#states[number] !== GONE) values.push(this.#values[number])
    }
    const table = new NameTable(first + ranks.length)
    table.addAll(before)
    const numbers = table.addAll(names, known)
    const byRank = new Int32Array(ranks.length).fill(-1)
    for (let i = 0; i < numbers.length; i++) byRank[ranks[i]!] = numbers[i]!
    this.#order = Uint32Array.from({ length: table.count }, (_, number) => number)
    let end = first
    for (const number of byRank) if (number >= 0) this.#order[end++] = number
    this.#table = table
    this.#states = new Uint8Array(table.count).fill(HELD, 0, first).fill(AWAITED, first)
    while (values.length < table.count) values.push(undefined)
    this.#values = values
    this.#awaited = table.count - first
    this.#end = table.count
    return { names: table.names.subarray(NAME_BYTES * first), first }
  }

  /** Whether it is announced, and still to be put in. */
  awaits(number: number): boolean {
    return this.#states[number] === AWAITED
  }

  /** A copy of `value` is here from now on. False where it is not awaited any more. */
  put(number: number, value: V): boolean {
    if (this.#states[number] !== AWAITED) return false
    this.#values[number] = this.#pool.put(value)
    this.#states[number] = HELD
    this.#awaited--
    this.#held++
    return true
  }

  /** It will not be put in. */
  giveUp(number: number): void {
    if (this.#states[number] === AWAITED) this.#let(number)
  }

  take(id: string): V | undefined {
    const number = this.#held === 0 ? -1 : this.#find(id)
    if (this.#states[number] !== HELD) return undefined
    this.used++
    return this.#let(number)
  }

  has(id: string): boolean {
    return this.#held > 0 && this.#states[this.#find(id)] === HELD
  }

  delete(id: string): boolean {
    const number = this.#held + this.#awaited === 0 ? -1 : this.#find(id)
    return number >= 0 && this.#let(number) !== undefined
  }

  arrived(id: string): void {
    // Also what is here: it may be older.
    this.delete(id)
  }

  keyOf(id: string): Key | undefined {
    return this.#last?.id === id ? this.#last.key : undefined
  }

  fit(entries: number, bytes: number): void {
    const most = Math.max(0, Math.min(entries, Math.floor(bytes / this.entryBytes)))
    while (this.#held + this.#awaited > most) this.#let(this.#order[--this.#end]!)
  }

  clear(): void {
    this.#table = new NameTable(0)
    this.#order = new Uint32Array(0)
    this.#states = new Uint8Array(0)
    this.#values = []
    this.#held = this.#awaited = this.#end = 0
    this.#last = undefined
    this.#pool.clear()
  }

  #find(id: string): number {
    if (this.#last?.id !== id) this.#last = { id, key: this.#keyOf(id) }
    return this.#table.find(this.#last.key)
  }

  /** The value, which is its receiver's own. */
  #let(number: number): V | undefined {
    const state = this.#states[number]
    const value = this.#values[number]
    this.#states[number] = GONE
    this.#values[number] = undefined
    if (state === AWAITED) this.#awaited--
    if (value === undefined) return undefined
    this.#held--
    // So that its row is free, and whoever gets it has the vector all the same.
    this.#pool.lend(value)
    this.#pool.release(value)
    return value
  }
}
