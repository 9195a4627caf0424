// Where records are: a hash table in one typed array, 12 bytes a cell, from fingerprint to record number. Knows no file.

const EMPTY = 0
const GONE = -1
const CELL = 3
const SMALLEST = 64

/**
 * Open addressing with linear probing, at most three quarters full: 16 to 32 bytes an entry. A fingerprint may stand in
 * it more than once, for a key that was written more than once; record numbers are positive 31-bit integers. The capacity is a power of two.
 */
export class IndexTable {
  #cells = new Int32Array(SMALLEST * CELL)
  #mask = SMALLEST - 1
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
    for (let at = (a & this.#mask) * CELL; ; at = next(at, cells)) {
      const number = cells[at + 2]!
      if (number === EMPTY) return count
      if (cells[at] === a && cells[at + 1] === b && number !== GONE) found[count++] = number
    }
  }

  insert(a: number, b: number, number: number): void {
    if ((this.#used + 1) * 4 * CELL > this.#cells.length * 3) this.#grow()
    const cells = this.#cells
    let free = -1
    let at = (a & this.#mask) * CELL
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
    for (let at = (a & this.#mask) * CELL; cells[at + 2] !== EMPTY; at = next(at, cells)) {
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

  /** Makes room for `count` more entries at once, instead of by doubling on the way. */
  reserve(count: number): void {
    let capacity = this.#cells.length / CELL
    while ((this.#entries + count + 1) * 4 > capacity * 3) capacity *= 2
    if (capacity * CELL > this.#cells.length) this.#rebuild(capacity)
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
    this.#mask = SMALLEST - 1
    this.#used = this.#entries = this.#repeated = 0
  }

  /** Doubles, unless a quarter of what is used is only marks of removed entries. */
  #grow(): void {
    const capacity = this.#cells.length / CELL
    this.#rebuild(this.#entries * 4 < this.#used * 3 ? capacity : capacity * 2)
  }

  #rebuild(capacity: number): void {
    const old = this.#cells
    const cells = new Int32Array(capacity * CELL)
    const mask = capacity - 1
    for (let from = 0; from < old.length; from += CELL) {
      if (old[from + 2]! <= EMPTY) continue
      let at = (old[from]! & mask) * CELL
      while (cells[at + 2] !== EMPTY) at = next(at, cells)
      cells[at] = old[from]!
      cells[at + 1] = old[from + 1]!
      cells[at + 2] = old[from + 2]!
    }
    this.#cells = cells
    this.#mask = mask
    this.#used = this.#entries
  }
}

function next(at: number, cells: Int32Array): number {
  return at + CELL === cells.length ? 0 : at + CELL
}
