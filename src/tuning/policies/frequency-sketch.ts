// How often hashes came lately, about: a count-min sketch with counters of four bits that are halved now and then. After Einziger, Friedman and
// Manes: "TinyLFU: a highly efficient cache admission policy", ACM Transactions on Storage 13 (2017), https://doi.org/10.1145/3149371. That all
// counters of a hash lie in one block of 64 bytes, and so cost one look at memory, is known from Caffeine.
import { mixBits } from '../mix-bits.js'

/** A hash has a counter in each row; a row of a block has 32 of them, in four numbers of 32 bits. */
const ROWS = 4
const BLOCK = 16
/** Blocks: one for so many entries, and no fewer than `LEAST`. */
const ENTRIES = 8
const LEAST = 8
/** What a counter counts to. */
export const MOST = 15

/** What a policy asks it. Hashes are 32 bits, with a sign or without. */
export interface Frequencies {
  readonly capacity: number
  readonly bytes: number
  resize(capacity: number): void
  add(hash: number, times: number): void
  often(hash: number): number
  halve(): void
  clear(): void
}

export class FrequencySketch implements Frequencies {
  /** Blocks, a power of two of them. */
  #table = new Int32Array(BLOCK * LEAST)
  /** How far a hash is shifted to be the number of its block. */
  #shift = 32 - Math.log2(LEAST)
  /** Entries that there is room for. */
  capacity = 0

  constructor(capacity: number) {
    this.resize(capacity)
  }

  /**
   * Room for so many entries. Nothing is forgotten: the number of a block is the first bits of a hash, so that each of fewer blocks becomes
   * several, and several become one that has the highest of each counter.
   */
  resize(capacity: number): void {
    this.capacity = capacity
    const before = this.#table
    const blocks = 2 ** Math.ceil(Math.log2(Math.max(LEAST, capacity / ENTRIES)))
    if (BLOCK * blocks === before.length) return
    this.#shift = 32 - Math.log2(blocks)
    this.#table = new Int32Array(BLOCK * blocks)
    const wider = (BLOCK * blocks) / before.length
    for (let block = 0; block < Math.max(blocks, before.length / BLOCK); block++) {
      const here = BLOCK * (wider < 1 ? Math.floor(block * wider) : block)
      const there = BLOCK * (wider < 1 ? block : Math.floor(block / wider))
      for (let i = 0; i < BLOCK; i++) this.#table[here + i] = highest(this.#table[here + i]!, before[there + i]!)
    }
  }

  add(hash: number, times: number): void {
    const table = this.#table
    const spread = mixBits(hash)
    const block = (spread >>> this.#shift) * BLOCK
    const places = placesOf(spread)
    const wanted = Math.min(MOST, leastOf(table, block, places) + times)
    for (let row = 0; row < ROWS; row++) {
      const place = (places >>> (8 * row)) & 31
      const at = block + 4 * row + (place >>> 3)
      const missing = wanted - counterOf(table, at, place)
      // Those that are higher already stay as they are (conservative update).
      if (missing > 0) table[at] = (table[at]! + (missing << ((place & 7) << 2))) | 0
    }
  }

  /** 0 to 15; never less than what was added, but for what was halved. */
  often(hash: number): number {
    const spread = mixBits(hash)
    return leastOf(this.#table, (spread >>> this.#shift) * BLOCK, placesOf(spread))
  }

  clear(): void {
    this.#table.fill(0)
  }

  get bytes(): number {
    return this.#table.byteLength
  }

  /** What was asked for long ago counts less and less. */
  halve(): void {
    const table = this.#table
    for (let i = 0; i < table.length; i++) table[i] = (table[i]! >>> 1) & 0x77777777
  }
}

/** Where the counters of a hash are in their rows: the first five bits of each of four bytes. */
function placesOf(spread: number): number {
  const bits = Math.imul(spread, 0x9e3779b1)
  return bits ^ (bits >>> 15)
}

function leastOf(table: Int32Array, block: number, places: number): number {
  let least = MOST
  for (let row = 0; row < ROWS; row++) {
    const place = (places >>> (8 * row)) & 31
    least = Math.min(least, counterOf(table, block + 4 * row + (place >>> 3), place))
  }
  return least
}

/** Of eight counters and eight others the higher ones. */
function highest(some: number, others: number): number {
  let found = 0
  for (let shift = 0; shift < 32; shift += 4) {
    found |= Math.max((some >>> shift) & MOST, (others >>> shift) & MOST) << shift
  }
  return found
}

function counterOf(table: Int32Array, at: number, place: number): number {
  return (table[at]! >>> ((place & 7) << 2)) & MOST
}
