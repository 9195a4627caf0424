// The texts that a worker has in hand, from arrival to outcome, as columns of a ring: no object for a single text.

/** Where a row is. */
export const GONE = 0
export const TEXT = 1
export const AWAY = 2
export const QUEUED = 3
/** In a batch. */
export const CUT = 4

/** Rows that are made room for at first; a power of two, as every later size. */
const FIRST_SIZE = 1024

/** The ids of one text, or of many end to end. */
export type TokenIds = readonly number[] | Int32Array

interface Columns {
  readonly numbers: Float64Array
  readonly states: Uint8Array
  readonly texts: (string | undefined)[]
  readonly ids: (TokenIds | undefined)[]
  readonly from: Int32Array
  readonly lengths: Int32Array
  readonly truncated: Uint8Array
}

/**
 * A row is counted up in order of arrival and never used again, so that what was said of one that is gone can meet no other.
 * Beside it stands the number that the caller's thread gave it.
 */
export class TextRows {
  #columns = columnsOf(FIRST_SIZE)
  #mask = FIRST_SIZE - 1
  /** Rows below are gone. */
  #low = 0
  #high = 0
  /** No row below is a text still to be tokenised. */
  #untouched = 0
  readonly #counts = [0, 0, 0, 0, 0]

  /** Rows in that state. */
  count(state: number): number {
    return this.#counts[state]!
  }

  /** Rows that are not gone. */
  get size(): number {
    return this.#counts[TEXT]! + this.#counts[AWAY]! + this.#counts[QUEUED]! + this.#counts[CUT]!
  }

  /** `number` is higher than all before. */
  add(number: number, text: string): void {
    if (this.#high - this.#low > this.#mask) this.#grow()
    const at = this.#high++ & this.#mask
    this.#columns.numbers[at] = number
    this.#columns.texts[at] = text
    this.#columns.states[at] = TEXT
    this.#counts[TEXT]!++
  }

  /** The row that goes by `number`; -1 where it is gone. */
  find(number: number): number {
    let low = this.#low
    let high = this.#high
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (this.#columns.numbers[middle & this.#mask]! < number) low = middle + 1
      else high = middle
    }
    return this.state(low) !== GONE && this.number(low) === number ? low : -1
  }

  state(row: number): number {
    return row < this.#low || row >= this.#high ? GONE : this.#columns.states[row & this.#mask]!
  }

  // Of a row that is not gone:

  number(row: number): number {
    return this.#columns.numbers[row & this.#mask]!
  }

  /** How many tokens. */
  length(row: number): number {
    return this.#columns.lengths[row & this.#mask]!
  }

  truncated(row: number): number {
    return this.#columns.truncated[row & this.#mask]!
  }

  ids(row: number): TokenIds {
    const at = row & this.#mask
    const { ids, from, lengths } = this.#columns
    const all = ids[at]!
    // A view: texts of one chunk share their memory, and go soon.
    return all instanceof Int32Array ? all.subarray(from[at]!, from[at]! + lengths[at]!) : all
  }

  /** Takes the oldest text that is to be tokenised; undefined where there is none. From now on it is away. */
  takeText(): { readonly row: number; readonly text: string } | undefined {
    while (this.#untouched < this.#high && this.state(this.#untouched) !== TEXT) this.#untouched++
    const row = this.#untouched
    if (row === this.#high) return undefined
    const at = row & this.#mask
    const text = this.#columns.texts[at]!
    this.#columns.texts[at] = undefined
    this.#move(row, AWAY)
    return { row, text }
  }

  /** The tokens of a row that was away: `length` of `ids` from `from` on. */
  enter(row: number, ids: TokenIds, from: number, length: number, truncated: number): void {
    const at = row & this.#mask
    this.#columns.ids[at] = ids
    this.#columns.from[at] = from
    this.#columns.lengths[at] = length
    this.#columns.truncated[at] = truncated
    this.#move(row, QUEUED)
  }

  /** A row that was queued is in a batch from now on, until it is gone. */
  cut(row: number): void {
    this.#move(row, CUT)
  }

  /** Nothing happens to a row that is gone. */
  forget(row: number): void {
    if (this.state(row) === GONE) return
    const at = row & this.#mask
    this.#columns.texts[at] = undefined
    this.#columns.ids[at] = undefined
    this.#move(row, GONE)
    while (this.#low < this.#high && this.#columns.states[this.#low & this.#mask] === GONE) this.#low++
  }

  #move(row: number, state: number): void {
    const at = row & this.#mask
    this.#counts[this.#columns.states[at]!]!--
    this.#counts[state]!++
    this.#columns.states[at] = state
  }

  #grow(): void {
    const old = this.#columns
    const size = 2 * (this.#mask + 1)
    const grown = columnsOf(size)
    for (let row = this.#low; row < this.#high; row++) {
      const [to, at] = [row & (size - 1), row & this.#mask]
      for (const name of Object.keys(grown) as (keyof Columns)[]) (grown[name] as unknown[])[to] = old[name][at]
    }
    this.#columns = grown
    this.#mask = size - 1
  }
}

function columnsOf(size: number): Columns {
  return {
    numbers: new Float64Array(size),
    states: new Uint8Array(size),
    texts: new Array(size).fill(undefined),
    ids: new Array(size).fill(undefined),
    from: new Int32Array(size),
    lengths: new Int32Array(size),
    truncated: new Uint8Array(size),
  }
}
