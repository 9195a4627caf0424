// Greedy-Dual-Size with frequency: what is asked for often, is dear to have again, and is small, stays longest. After Cherkasova: "Improving WWW
// proxies performance with Greedy-Dual-Size-Frequency caching policy", HP Labs 1998 (https://www.hpl.hp.com/techreports/98/HPL-98-69R1.html).
import type { EvictionPolicy } from '../../cache/eviction.js'
import { RunningMean } from './running-mean.js'
import { firstRoom, longer } from './slot-lists.js'

/**
 * The worth of an entry is `inflation + uses * cost / bytes`, where inflation is the worth of the entry given up last: so that who was asked for
 * long ago is overtaken. A heap holds the slots by worth. A hit only makes worth higher, and so only writes it down: the heap is put in order
 * for the slots at its top, when a victim is wanted.
 */
export class Gdsf implements EvictionPolicy {
  readonly name = 'gdsf'
  readonly ignoresHash = true
  #heap: Int32Array
  #size = 0
  #inflation = 0
  /** Where nobody knows the cost of an entry, that of the others. */
  readonly #mean = new RunningMean()
  /** By slot: its place in the heap; its worth; the worth by which the heap has placed it, never above its worth; cost by bytes; uses. */
  #place: Int32Array
  #worth: Float64Array
  #placed: Float64Array
  #value: Float64Array
  #uses: Uint32Array

  constructor(capacity: number) {
    const room = firstRoom(capacity)
    this.#heap = new Int32Array(room)
    this.#place = new Int32Array(room)
    this.#worth = new Float64Array(room)
    this.#placed = new Float64Array(room)
    this.#value = new Float64Array(room)
    this.#uses = new Uint32Array(room)
  }

  added(slot: number, _hash: number, bytes: number, cost: number): void {
    if (slot >= this.#place.length) this.#grow(slot)
    this.#uses[slot] = 1
    this.#price(slot, bytes, cost)
    this.#up(this.#size++, slot)
  }

  hit(slot: number): void {
    this.#worth[slot] = this.#inflation + ++this.#uses[slot]! * this.#value[slot]!
  }

  replaced(slot: number, bytes: number, cost: number): void {
    this.removed(slot)
    this.#uses[slot]!++
    this.#price(slot, bytes, cost)
    this.#up(this.#size++, slot)
  }

  removed(slot: number): void {
    const place = this.#place[slot]!
    const last = this.#heap[--this.#size]!
    if (last === slot) return
    if (this.#placed[last]! < this.#placed[slot]!) this.#up(place, last)
    else this.#down(place, last)
  }

  victim(): number | undefined {
    if (this.#size === 0) return undefined
    for (;;) {
      const slot = this.#heap[0]!
      const worth = this.#worth[slot]!
      if (this.#placed[slot] === worth) {
        this.#inflation = worth
        this.removed(slot)
        return slot
      }
      this.#placed[slot] = worth
      this.#down(0, slot)
    }
  }

  resize(): void {}

  slots(): Iterable<number> {
    return this.#heap.slice(0, this.#size).sort((a, b) => this.#worth[b]! - this.#worth[a]!)
  }

  clear(): void {
    this.#size = 0
    this.#inflation = 0
    this.#mean.clear()
  }

  get bytes(): number {
    const columns = [this.#heap, this.#place, this.#worth, this.#placed, this.#value, this.#uses]
    return columns.reduce((sum, column) => sum + column.byteLength, 0)
  }

  #price(slot: number, bytes: number, cost: number): void {
    if (cost > 0) this.#mean.add(cost)
    this.#value[slot] = (cost > 0 ? cost : this.#mean.value || 1) / Math.max(1, bytes)
    this.#worth[slot] = this.#inflation + this.#uses[slot]! * this.#value[slot]!
    this.#placed[slot] = this.#worth[slot]!
  }

  /** Puts `slot` at `place` or, as long as it is worth less than what is above, above that. */
  #up(place: number, slot: number): void {
    const worth = this.#placed[slot]!
    let at = place
    while (at > 0) {
      const above = (at - 1) >> 1
      const other = this.#heap[above]!
      if (this.#placed[other]! <= worth) break
      this.#put(at, other)
      at = above
    }
    this.#put(at, slot)
  }

  /** Puts `slot` at `place` or, as long as it is worth more than the less of what is below, below that. */
  #down(place: number, slot: number): void {
    const worth = this.#placed[slot]!
    let at = place
    for (let below = 2 * at + 1; below < this.#size; below = 2 * at + 1) {
      if (below + 1 < this.#size && this.#placed[this.#heap[below + 1]!]! < this.#placed[this.#heap[below]!]!) below++
      const other = this.#heap[below]!
      if (this.#placed[other]! >= worth) break
      this.#put(at, other)
      at = below
    }
    this.#put(at, slot)
  }

  #put(place: number, slot: number): void {
    this.#heap[place] = slot
    this.#place[slot] = place
  }

  #grow(slot: number): void {
    this.#heap = longer(this.#heap, slot)
    this.#place = longer(this.#place, slot)
    this.#worth = longer(this.#worth, slot)
    this.#placed = longer(this.#placed, slot)
    this.#value = longer(this.#value, slot)
    this.#uses = longer(this.#uses, slot)
  }
}
