// Pairs of ids and what they merge into, in flat arrays: looked up several times for every character of a text.

export class Pairs {
  readonly #left: Int32Array
  readonly #right: Int32Array
  readonly #rank: Int32Array
  readonly #merged: Int32Array
  readonly #mask: number

  /** Room for `most` pairs. */
  constructor(most: number) {
    let slots = 16
    while (slots < 2 * most) slots *= 2
    this.#left = new Int32Array(slots).fill(-1)
    this.#right = new Int32Array(slots)
    this.#rank = new Int32Array(slots)
    this.#merged = new Int32Array(slots)
    this.#mask = slots - 1
  }

  /** A later rank for the same pair wins. */
  set(left: number, right: number, rank: number, merged: number): void {
    let slot = hash(left, right) & this.#mask
    while (this.#left[slot] !== -1 && !(this.#left[slot] === left && this.#right[slot] === right))
      slot = (slot + 1) & this.#mask
    this.#left[slot] = left
    this.#right[slot] = right
    this.#rank[slot] = rank
    this.#merged[slot] = merged
  }

  /** Where the pair lies, for {@link rank} and {@link merged}; -1 when it does not merge. */
  find(left: number, right: number): number {
    for (let slot = hash(left, right) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const there = this.#left[slot]!
      if (there === -1) return -1
      if (there === left && this.#right[slot] === right) return slot
    }
  }

  /** Lower ranks merge first. */
  rank(slot: number): number {
    return this.#rank[slot]!
  }

  merged(slot: number): number {
    return this.#merged[slot]!
  }
}

function hash(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)
  return mixed ^ (mixed >>> 15)
}
