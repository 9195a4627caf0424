// The keys that simulations hold, a row each: columns that all of them read, and who holds it as bits. Slots of all policies are these rows.

/** A bit that stands for nobody: a row that has it is not given up while simulations are asked one after the other. */
export const IN_HAND = 2 ** 31

export class KeyRows {
  readonly #rows = new Map<number, number>()
  readonly #free: number[] = []
  hash = new Uint32Array(0)
  bytes = new Float64Array(0)
  /** Microseconds. */
  cost = new Float64Array(0)
  /** When it was put into memory, ms. */
  born = new Float64Array(0)
  holders = new Uint32Array(0)

  get size(): number {
    return this.#rows.size
  }

  /** The row of that hash. */
  get(hash: number): number | undefined {
    return this.#rows.get(hash)
  }

  /** A new row, held by nobody. */
  add(hash: number): number {
    const row = this.#free.pop() ?? this.#rows.size
    if (row >= this.hash.length) this.#grow()
    this.#rows.set(hash, row)
    this.hash[row] = hash
    this.holders[row] = 0
    this.bytes[row] = 1
    return row
  }

  hold(row: number, bit: number): void {
    this.holders[row]! |= bit
  }

  /** The row goes with the last who holds it. */
  release(row: number, bit: number): void {
    this.holders[row]! &= ~bit
    if (this.holders[row] !== 0) return
    this.#rows.delete(this.hash[row]!)
    this.#free.push(row)
  }

  /** All of them; any may be released meanwhile. */
  all(): Iterable<[hash: number, row: number]> {
    return this.#rows
  }

  #grow(): void {
    const room = Math.max(64, 2 * this.hash.length)
    const wider = <A extends Uint32Array | Float64Array>(wide: A, old: A): A => {
      wide.set(old)
      return wide
    }
    this.hash = wider(new Uint32Array(room), this.hash)
    this.holders = wider(new Uint32Array(room), this.holders)
    this.bytes = wider(new Float64Array(room), this.bytes)
    this.cost = wider(new Float64Array(room), this.cost)
    this.born = wider(new Float64Array(room), this.born)
  }
}
