// What was loaded for memory before anybody asked for it, under names on disk: which texts the entries are of is known only once they are
// asked for. A part of memory (the ids of which are texts) and of its bounds. Reads no medium and knows no clock.
import type { WarmEntries } from '../../cache/memory-options.js'
import type { Key } from '../../ports.js'
import { ByteRows } from './byte-rows.js'
import { NAME_BYTES, NameTable } from './names.js'

export interface WarmTierOptions<V> {
  /** The name on disk of an id: a digest, so that no two ids share one. */
  readonly keyOf: (id: string) => Key
  /** Bytes of a value and whatever comes with it on disk. */
  readonly rowBytes: number
  /** The value of such a row, which is its own from now on; undefined where it is of a form that is not known here. */
  readonly decode: (row: Uint8Array) => V | undefined
  /** Whether that row is what the disk would answer now: others may have deleted it there since it was read. */
  readonly stands: (key: Key, row: Uint8Array) => boolean
  /** What an entry counts in memory's bound of bytes. */
  readonly entryBytes: number
}

const GONE = 0
/** Announced, and not put in yet. */
const AWAITED = 1
const HELD = 2
/** Names that are entered in one turn. */
const ENTERED = 256

/**
 * Entries are announced first ({@link plan}), with the order of their last use, and put in afterwards in that of the file. So it is
 * known from the start which of them there is room for, and what memory gets by itself meanwhile is not put in a second time. Whatever
 * is deleted or cleared is not put in any more either.
 */
export class WarmTier<V extends object> implements WarmEntries<V> {
  /** See {@link WarmTierOptions}. */
  readonly entryBytes: number
  readonly #keyOf: (id: string) => Key
  readonly #decode: (row: Uint8Array) => V | undefined
  readonly #stands: WarmTierOptions<V>['stands']
  /** As they are on disk: most are never asked for. */
  readonly #rows: ByteRows
  readonly #rowBytes: number
  #table = new NameTable(0)
  /** Numbers, the last used first. Those that have gone stay in it until the next plan. */
  #order = new Uint32Array(0)
  #states = new Uint8Array(0)
  /** Of each number that is held its row, and of each row its number. */
  #rowOf = new Uint32Array(0)
  #numberOf = new Uint32Array(0)
  #awaited = 0
  /** All from here on in that order have gone. */
  #end = 0
  /** The id that was worked out last, and its name: who does not find an id here asks the disk for it next. */
  #last: { readonly id: string; readonly key: Key } | undefined
  /** While entries are announced: what memory got meanwhile. */
  #since: Key[] | undefined
  /** Entries that were asked for. */
  used = 0
  /** How often all of it went at once. */
  clears = 0

  constructor({ keyOf, decode, rowBytes, stands, entryBytes }: WarmTierOptions<V>) {
    this.#keyOf = keyOf
    this.#decode = decode
    this.#stands = stands
    this.#rows = new ByteRows(rowBytes)
    this.#rowBytes = rowBytes
    this.entryBytes = entryBytes
  }

  /** Entries that are here. */
  get size(): number {
    return this.#rows.count
  }

  get bytes(): number {
    return this.size * this.entryBytes
  }

  /** How many are announced and not put in. */
  get awaited(): number {
    return this.#awaited
  }

  /** Names of what is here or announced, packed, the last used first. */
  names(): Uint8Array {
    const { names } = this.#table
    const live = new Uint8Array(NAME_BYTES * this.#places)
    let at = 0
    for (const number of this.#order.subarray(0, this.#end)) {
      if (this.#states[number] === GONE) continue
      live.set(names.subarray(NAME_BYTES * number, NAME_BYTES * (number + 1)), at)
      at += NAME_BYTES
    }
    return live
  }

  /**
   * Announces entries behind those that are here: all that are new, and not in `known` or in memory since. `ranks` says which of `names`, which
   * are packed, was used last (0) and so on. Returns the names that were new, in the same order, and what numbers they have from now on: `first`
   * and up. Nothing may be awaited any more. Lets others go on with `turn`; where there was a clear meanwhile, nothing is announced.
   */
  async plan(
    names: Uint8Array,
    ranks: Uint32Array,
    known: NameTable,
    turn: () => Promise<void>,
  ): Promise<{ readonly names: Uint8Array; readonly first: number }> {
    const before = this.names()
    const held = this.#order.subarray(0, this.#end).filter(number => this.#states[number] !== GONE)
    const first = held.length
    const table = new NameTable(first + ranks.length)
    table.addAll(before)
    const since: Key[] = []
    this.#since = since
    const numbers = new Int32Array(ranks.length)
    for (let from = 0; from < ranks.length; from += ENTERED) {
      const part = names.subarray(NAME_BYTES * from, NAME_BYTES * Math.min(from + ENTERED, ranks.length))
      numbers.set(table.addAll(part, known), from)
      await turn()
    }
    const order = orderOf(table.count, first, numbers, ranks)
    await turn()
    if (this.#since !== since) return { names: new Uint8Array(), first: 0 }
    this.#since = undefined
    this.#begin(table, held, order)
    for (const key of since) {
      const number = table.find(key)
      if (number >= 0) this.#letGo(number)
    }
    return { names: table.names.subarray(NAME_BYTES * first), first }
  }

  /** From now on those that were `held` have the first numbers of `table`, and the others are awaited. */
  #begin(table: NameTable, held: Uint32Array, order: Uint32Array<ArrayBuffer>): void {
    const { count } = table
    const rowOf = new Uint32Array(count)
    const numberOf = new Uint32Array(count)
    const states = new Uint8Array(count).fill(AWAITED, held.length)
    for (let number = 0; number < held.length; number++) {
      // It may have gone meanwhile.
      if (this.#states[held[number]!] === GONE) continue
      const row = this.#rowOf[held[number]!]!
      rowOf[number] = row
      numberOf[row] = number
      states[number] = HELD
    }
    this.#table = table
    this.#order = order
    this.#rowOf = rowOf
    this.#numberOf = numberOf
    this.#states = states
    this.#awaited = count - held.length
    this.#end = count
  }

  /** Whether it is announced, and still to be put in. */
  awaits(number: number): boolean {
    return this.#states[number] === AWAITED
  }

  /**
   * Copies of `rows`, one behind the other, are here from now on, under these numbers, to each of which `first` is added: those that are still
   * awaited. Returns how many were.
   */
  put(numbers: ArrayLike<number>, first: number, rows: Uint8Array): number {
    const states = this.#states
    let done = 0
    for (let from = 0; from < numbers.length; from++) {
      let to = from
      while (to < numbers.length && states[first + numbers[to]!] === AWAITED) to++
      if (to === from) continue
      let row = this.#rows.count
      this.#rows.add(rows.subarray(this.#rowBytes * from, this.#rowBytes * to))
      done += to - from
      for (; from < to; from++, row++) {
        const number = first + numbers[from]!
        this.#rowOf[number] = row
        this.#numberOf[row] = number
        states[number] = HELD
      }
    }
    this.#awaited -= done
    return done
  }

  /** It will not be put in. */
  giveUp(number: number): void {
    if (this.#states[number] === AWAITED) this.#letGo(number)
  }

  /** Whoever asks for the first time is answered as freshly as by the disk: what does not stand there any more goes. */
  take(id: string): V | undefined {
    const [number, row] = this.#standing(id)
    if (row === undefined) return undefined
    const value = this.#decode(row)
    this.#letGo(number)
    this.used++
    return value
  }

  has(id: string): boolean {
    return this.#standing(id)[1] !== undefined
  }

  delete(id: string): boolean {
    const [number, row] = this.#standing(id)
    if (number >= 0) this.#letGo(number)
    return row !== undefined
  }

  arrived(id: string): void {
    // Also what is here: it may be older.
    const number = this.#places === 0 ? -1 : this.#find(id)
    if (number >= 0) this.#letGo(number)
    if (this.#since === undefined) return
    this.#find(id)
    this.#since.push(this.#last!.key)
  }

  keyOf(id: string): Key | undefined {
    return this.#last?.id === id ? this.#last.key : undefined
  }

  /** No eviction is told of it: nobody had asked for what goes here, and of its text nothing is known. */
  fit(entries: number, bytes: number): void {
    const most = Math.max(0, Math.min(entries, Math.floor(bytes / this.entryBytes)))
    while (this.#places > most) this.#letGo(this.#order[--this.#end]!)
  }

  clear(): void {
    this.clears++
    this.#table = new NameTable(0)
    this.#order = new Uint32Array(0)
    this.#states = new Uint8Array(0)
    this.#rowOf = this.#numberOf = new Uint32Array(0)
    this.#awaited = this.#end = 0
    this.#since = undefined
    this.#last = undefined
    this.#rows.clear()
  }

  #find(id: string): number {
    if (this.#last?.id !== id) this.#last = { id, key: this.#keyOf(id) }
    return this.#table.find(this.#last.key)
  }

  /** Its number, or -1, and a copy of its row where that is here and stands. */
  #standing(id: string): readonly [number: number, row?: Uint8Array] {
    const number = this.#places === 0 ? -1 : this.#find(id)
    if (this.#states[number] !== HELD) return [number]
    const row = this.#rows.copy(this.#rowOf[number]!)
    if (this.#stands(this.#last!.key, row)) return [number, row]
    this.#letGo(number)
    return [number]
  }

  /** Taken by entries that are here and by those that are announced. */
  get #places(): number {
    return this.size + this.#awaited
  }

  #letGo(number: number): void {
    if (this.#states[number] === AWAITED) this.#awaited--
    else if (this.#states[number] === HELD) {
      const row = this.#rowOf[number]!
      this.#rows.remove(row)
      const moved = this.#numberOf[this.#rows.count]!
      this.#rowOf[moved] = row
      this.#numberOf[row] = moved
    }
    this.#states[number] = GONE
  }
}

/** Numbers, the last used first: those below `first` as they are, then the others by rank. `numbers[i]`, where it is one, has the ith rank. */
function orderOf(count: number, first: number, numbers: Int32Array, ranks: Uint32Array): Uint32Array<ArrayBuffer> {
  const byRank = new Int32Array(ranks.length).fill(-1)
  for (let i = 0; i < numbers.length; i++) byRank[ranks[i]!] = numbers[i]!
  const order = new Uint32Array(count)
  for (let number = 0; number < first; number++) order[number] = number
  let end = first
  for (let rank = 0; rank < byRank.length; rank++) if (byRank[rank]! >= 0) order[end++] = byRank[rank]!
  return order
}
