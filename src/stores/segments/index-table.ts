// Where records are: a hash table in one typed array, 12 bytes a cell, from fingerprint to record number. Knows no file.

const EMPTY = 0
const GONE = -1
const CELL = 3
const SMALLEST = 64
/** Values of a word. */
const WORDS = 2 ** 32
/** What a table that is made for a known number of entries has more than they need. */
const SPARE = 1.25

/**
 * Open addressing with linear probing, at most three quarters full: 16 to 24 bytes an entry. A fingerprint may stand in
 * it more than once, for a key that was written more than once; record numbers are positive 31-bit integers. A fingerprint's first
 * word, as a share of all words, says where its cell is: so any capacity does, and a larger table has the same order.
 */
export class IndexTable {
  #cells = new Int32Array(SMALLEST * CELL)
  /** Cells of the table, for each value that a word may have. */
  #scale = SMALLEST / WORDS
  /** Cells that are not empty. */
  #used = 0
  #entries = 0
  #repeated = 0

  /** Records, repeated fingerprints included. */
  get records(): number {
    return this.#entries
  }

  /** Fingerprints, each counted once. */
  get distinct(): number {
    return this.#entries - this.#repeated
  }

  /** Memory held. */
  get bytes(): number {
    return this.#cells.byteLength
  }

  /** Puts the record numbers under a fingerprint into `found`, in no order, and returns how many there are. */
  find(a: number, b: number, found: number[]): number {
    const cells = this.#cells
    let count = 0
    for (let at = this.#home(a); ; at = next(at, cells)) {
      const number = cells[at + 2]!
      if (number === EMPTY) return count
      if (cells[at] === a && cells[at + 1] === b && number !== GONE) found[count++] = number
    }
  }

  insert(a: number, b: number, number: number): void {
    if ((this.#used + 1) * 4 * CELL > this.#cells.length * 3) this.#grow()
    const cells = this.#cells
    let free = -1
    let at = this.#home(a)
    let repeated = false
    for (; cells[at + 2] !== EMPTY; at = next(at, cells)) {
      if (cells[at + 2] === GONE) {
        if (free < 0) free = at
      } else if (cells[at] === a && cells[at + 1] === b) {
        repeated = true
      }
    }
    if (free < 0) {
      free = at
      this.#used++
    }
    cells[free] = a
    cells[free + 1] = b
    cells[free + 2] = number
    this.#entries++
    if (repeated) this.#repeated++
  }

  /** False where no such entry is. */
  remove(a: number, b: number, number: number): boolean {
    const cells = this.#cells
    let found = -1
    let others = false
    for (let at = this.#home(a); cells[at + 2] !== EMPTY; at = next(at, cells)) {
      if (cells[at] !== a || cells[at + 1] !== b || cells[at + 2] === GONE) continue
      if (cells[at + 2] === number) found = at
      else others = true
    }
    if (found < 0) return false
    cells[found + 2] = GONE
    this.#entries--
    if (others) this.#repeated--
    return true
  }

  /** Removes every entry whose record number `gone` says yes to. */
  sweep(gone: (number: number) => boolean): void {
    const cells = this.#cells
    for (let at = 0; at < cells.length; at += CELL) {
      const number = cells[at + 2]!
      if (number > EMPTY && gone(number)) this.remove(cells[at]!, cells[at + 1]!, number)
    }
  }

  /** Makes room for `count` more entries at once, and for a few beyond them, instead of by growing on the way. */
  reserve(count: number): void {
    const capacity = Math.ceil(((this.#entries + count + 1) * 4) / 3)
    if (capacity * CELL > this.#cells.length) this.#rebuild(Math.ceil(capacity * SPARE))
  }

  /** Every record number, ascending. */
  numbers(): Int32Array {
    const numbers = new Int32Array(this.#entries)
    let count = 0
    for (let at = 2; at < this.#cells.length; at += CELL) {
      if (this.#cells[at]! > EMPTY) numbers[count++] = this.#cells[at]!
    }
    return numbers.sort()
  }

  clear(): void {
    this.#cells = new Int32Array(SMALLEST * CELL)
    this.#scale = SMALLEST / WORDS
    this.#used = this.#entries = this.#repeated = 0
  }

  /** Grows by half, unless a quarter of what is used is only marks of removed entries. */
  #grow(): void {
    const capacity = this.#cells.length / CELL
    this.#rebuild(this.#entries * 4 < this.#used * 3 ? capacity : Math.ceil(capacity * 1.5))
  }

  /** Where a fingerprint's cell is, if it is free. */
  #home(a: number): number {
    return Math.floor((a >>> 0) * this.#scale) * CELL
  }

  #rebuild(capacity: number): void {
    const old = this.#cells
    const cells = new Int32Array(capacity * CELL)
    this.#cells = cells
    this.#scale = capacity / WORDS
    for (let from = 0; from < old.length; from += CELL) {
      if (old[from + 2]! <= EMPTY) continue
      let at = this.#home(old[from]!)
      while (cells[at + 2] !== EMPTY) at = next(at, cells)
      cells[at] = old[from]!
      cells[at + 1] = old[from + 1]!
      cells[at + 2] = old[from + 2]!
    }
    this.#used = this.#entries
  }
}

function next(at: number, cells: Int32Array): number {
  return at + CELL === cells.length ? 0 : at + CELL
}
