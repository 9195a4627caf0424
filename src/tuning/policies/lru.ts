// Least recently used goes first.
import type { EvictionPolicy } from '../../cache/eviction.js'
import { firstRoom, SlotLists } from './slot-lists.js'

export class Lru implements EvictionPolicy {
  readonly name = 'lru'
  readonly #lists: SlotLists

  constructor(capacity: number) {
    this.#lists = new SlotLists(1, firstRoom(capacity))
  }

  added(slot: number): void {
    this.#lists.pushFront(0, slot)
  }

  hit(slot: number): void {
    this.#lists.moveToFront(0, slot)
  }

  removed(slot: number): void {
    this.#lists.remove(0, slot)
  }

  victim(): number | undefined {
    const slot = this.#lists.last(0)
    if (slot < 0) return undefined
    this.#lists.remove(0, slot)
    return slot
  }

  resize(): void {}

  slots(): Iterable<number> {
    return this.#lists.slots(0)
  }

  clear(): void {
    this.#lists.clear()
  }

  get bytes(): number {
    return this.#lists.bytes
  }
}
