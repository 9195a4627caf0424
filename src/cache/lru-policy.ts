// Least recently used goes first: the policy that memory has without being given one. A list through the slots, as two columns.
import type { EvictionPolicy } from './eviction.js'

/** No slot: what the ends of the list point to. */
const NONE = -1

export class LruPolicy implements EvictionPolicy {
  readonly name = 'lru'
  readonly ignoresHash = true
  /** Towards the oldest, and towards the newest. */
  #older = new Int32Array(0)
  #newer = new Int32Array(0)
  #newest = NONE
  #oldest = NONE

  added(slot: number): void {
    if (slot >= this.#older.length) this.#grow(slot + 1)
    this.#toFront(slot)
  }

  hit(slot: number): void {
    if (slot === this.#newest) return
    this.removed(slot)
    this.#toFront(slot)
  }

  removed(slot: number): void {
    const older = this.#older[slot]!
    const newer = this.#newer[slot]!
    if (older === NONE) this.#oldest = newer
    else this.#newer[older] = newer
    if (newer === NONE) this.#newest = older
    else this.#older[newer] = older
  }

  victim(): number | undefined {
    const slot = this.#oldest
    if (slot === NONE) return undefined
    this.removed(slot)
    return slot
  }

  resize(): void {}

  *slots(): IterableIterator<number> {
    for (let slot = this.#newest; slot !== NONE; slot = this.#older[slot]!) yield slot
  }

  clear(): void {
    this.#newest = NONE
    this.#oldest = NONE
  }

  get bytes(): number {
    return this.#older.byteLength + this.#newer.byteLength
  }

  #toFront(slot: number): void {
    this.#older[slot] = this.#newest
    this.#newer[slot] = NONE
    if (this.#newest === NONE) this.#oldest = slot
    else this.#newer[this.#newest] = slot
    this.#newest = slot
  }

  #grow(length: number): void {
    const room = Math.max(16, 2 * this.#older.length, length)
    const [older, newer] = [new Int32Array(room), new Int32Array(room)]
    older.set(this.#older)
    newer.set(this.#newer)
    this.#older = older
    this.#newer = newer
  }
}

export function newLru(): LruPolicy {
  return new LruPolicy()
}
