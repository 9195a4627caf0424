// How often hashes came lately, about: a count-min sketch with counters of four bits that are halved now and then. After Einziger, Friedman and
// Manes: "TinyLFU: a highly efficient cache admission policy", ACM Transactions on Storage 13 (2017), https://doi.org/10.1145/3149371.

const ROWS = 4
/** Counters of each row: so many for each entry, and no fewer than `LEAST`. */
const COUNTERS = 4
const LEAST = 256
/** All counters are halved when so many times the capacity were counted. */
const HALVED_AFTER = 10
const MOST = 15
/** Odd numbers from the digits of SHA-256's constants: one for each row. */
const MULTIPLIERS = [0x428a2f99, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5] as const

/** What a policy asks it. Hashes are 32 bits, with a sign or without. */
export interface Frequencies {
  readonly capacity: number
  readonly bytes: number
  resize(capacity: number): void
  count(hash: number): void
  often(hash: number): number
  clear(): void
}

export class FrequencySketch implements Frequencies {
  /** Eight counters to a number, the rows one behind the other. */
  #table = new Uint32Array((ROWS * LEAST) / 8)
  /** Counters of a row, a power of two, and how far a hash is shifted to be one of them. */
  #width = LEAST
  #shift = 32 - Math.log2(LEAST)
  #counted = 0
  #halveAt = 0

  constructor(capacity: number) {
    this.resize(capacity)
  }

  /** Entries that there is room for. */
  get capacity(): number {
    return this.#halveAt / HALVED_AFTER
  }

  /**
   * Room for so many entries. Nothing is forgotten: a counter's place is the first bits of a hash, so a wider row has each counter several
   * times, and a narrower one the highest of several.
   */
  resize(capacity: number): void {
    this.#halveAt = HALVED_AFTER * Math.max(1, capacity)
    const before = { table: this.#table, width: this.#width }
    const width = 2 ** Math.ceil(Math.log2(Math.max(LEAST, COUNTERS * capacity)))
    if (width === before.width) return
    this.#width = width
    this.#shift = 32 - Math.log2(width)
    this.#table = new Uint32Array((ROWS * width) / 8)
    const wider = width / before.width
    for (let at = 0; at < ROWS * Math.max(width, before.width); at++) {
      const here = wider < 1 ? Math.floor(at * wider) : at
      const there = wider < 1 ? at : Math.floor(at / wider)
      const more = counterOf(before.table, there) - counterOf(this.#table, here)
      if (more > 0) this.#table[here >>> 3]! += more << ((here & 7) << 2)
    }
  }

  /** Counts one. */
  count(hash: number): void {
    const least = this.often(hash)
    this.#counted++
    if (least < MOST) {
      // Only counters that are the least: the others are too high already (conservative update).
      for (let row = 0; row < ROWS; row++) {
        const at = this.#at(hash, row)
        if (counterOf(this.#table, at) === least) this.#table[at >>> 3]! += 1 << ((at & 7) << 2)
      }
    }
    if (this.#counted >= this.#halveAt) this.#halve()
  }

  /** 0 to 15; never less than how often it was counted since then, but for what was halved. */
  often(hash: number): number {
    let least = MOST
    for (let row = 0; row < ROWS; row++) {
      const at = this.#at(hash, row)
      const counter = counterOf(this.#table, at)
      if (counter < least) least = counter
    }
    return least
  }

  clear(): void {
    this.#table.fill(0)
    this.#counted = 0
  }

  get bytes(): number {
    return this.#table.byteLength
  }

  #at(hash: number, row: number): number {
    let bits = Math.imul(hash ^ (hash >>> 16), MULTIPLIERS[row]!)
    bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d)
    return row * this.#width + (bits >>> this.#shift)
  }

  #halve(): void {
    const table = this.#table
    for (let i = 0; i < table.length; i++) table[i] = (table[i]! >>> 1) & 0x77777777
    this.#counted = Math.floor(this.#counted / 2)
  }
}

function counterOf(table: Uint32Array, at: number): number {
  return (table[at >>> 3]! >>> ((at & 7) << 2)) & MOST
}
