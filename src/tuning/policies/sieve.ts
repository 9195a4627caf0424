// SIEVE: a queue in which a hand goes from the oldest entry to the newest, and gives up the first that was not asked for since it last passed.
// After Zhang, Yang, Yue, Vigfusson and Rashmi: "SIEVE is simpler than LRU", NSDI 2024
// (https://www.usenix.org/conference/nsdi24/presentation/zhang-yazhuo).
import type { EvictionPolicy } from '../../cache/eviction.js'
import { firstRoom, longer, SlotLists } from './slot-lists.js'

export class Sieve implements EvictionPolicy {
  readonly name = 'sieve'
  readonly ignoresHash = true
  readonly #lists: SlotLists
  /** By slot: asked for since the hand passed. */
  #visited: Uint8Array
  /** The slot at which the hand goes on; -1: at the oldest. */
  #hand = -1

  constructor(capacity: number) {
    this.#lists = new SlotLists(1, firstRoom(capacity))
    this.#visited = new Uint8Array(firstRoom(capacity))
  }

  added(slot: number): void {
    if (slot >= this.#visited.length) this.#visited = longer(this.#visited, slot)
    this.#visited[slot] = 0
    this.#lists.pushFront(0, slot)
  }

  hit(slot: number): void {
    this.#visited[slot] = 1
  }

  removed(slot: number): void {
    if (slot === this.#hand) this.#hand = this.#lists.beforeOf(slot)
    this.#lists.remove(0, slot)
  }

  victim(): number | undefined {
    if (this.#lists.lengths[0] === 0) return undefined
    let slot = this.#hand < 0 ? this.#lists.last(0) : this.#hand
    while (this.#visited[slot] === 1) {
      this.#visited[slot] = 0
      slot = this.#lists.beforeOf(slot)
      if (slot < 0) slot = this.#lists.last(0)
    }
    this.#hand = this.#lists.beforeOf(slot)
    this.#lists.remove(0, slot)
    return slot
  }

  resize(): void {}

  /** Those asked for since the hand passed, then the others, each the newest first. */
  *slots(): IterableIterator<number> {
    for (const visited of [1, 0]) {
      for (const slot of this.#lists.slots(0)) if (this.#visited[slot] === visited) yield slot
    }
  }

  clear(): void {
    this.#lists.clear()
    this.#hand = -1
  }

  get bytes(): number {
    return this.#lists.bytes + this.#visited.byteLength
  }
}
