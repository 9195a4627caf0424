// S3-FIFO: a small queue that most entries leave again soon, a main queue for those asked for more than once, and a memory of those that left
// the small one. After Yang, Zhang, Qiu, Yue, Vigfusson and Rashmi: "FIFO queues are all you need for cache eviction", SOSP 2023
// (https://dl.acm.org/doi/10.1145/3600006.3613147), whose figures the constants are.
import type { EvictionPolicy } from '../../cache/eviction.js'
import { Ghosts } from './ghosts.js'
import { firstRoom, longer, SlotLists } from './slot-lists.js'

const SMALL = 0
const MAIN = 1
/** Hits that are counted at most. */
const MOST_USES = 3
/** Hits that take an entry from the small queue into the main one. */
const USES_TO_STAY = 2
/** Of all entries, those in the small queue; and hashes remembered, of all entries. */
const SMALL_PART = 0.1
const GHOST_PART = 0.9

export class S3Fifo implements EvictionPolicy {
  readonly name = 's3-fifo'
  readonly #lists: SlotLists
  readonly #ghosts: Ghosts
  #queue: Uint8Array
  #uses: Uint8Array
  #hashes: Int32Array
  #capacity: number
  /** Nothing went yet: what the small queue has no room for goes to the main one, whose room nobody has claimed. */
  #filling = true

  constructor(capacity: number) {
    const room = firstRoom(capacity)
    this.#capacity = capacity
    this.#lists = new SlotLists(2, room)
    this.#ghosts = new Ghosts(capacity)
    this.#queue = new Uint8Array(room)
    this.#uses = new Uint8Array(room)
    this.#hashes = new Int32Array(room)
  }

  added(slot: number, hash: number): void {
    if (slot >= this.#uses.length) this.#grow(slot)
    this.#uses[slot] = 0
    this.#hashes[slot] = hash
    const known = this.#ghosts.take(hash)
    const full = this.#filling && this.#lists.lengths[SMALL]! >= smallOf(this.#capacity)
    this.#put(known || full ? MAIN : SMALL, slot)
  }

  hit(slot: number): void {
    const uses = this.#uses[slot]!
    if (uses < MOST_USES) this.#uses[slot] = uses + 1
  }

  removed(slot: number): void {
    this.#lists.remove(this.#queue[slot]!, slot)
  }

  victim(): number | undefined {
    const small = this.#lists.lengths[SMALL]!
    const main = this.#lists.lengths[MAIN]!
    const held = Math.min(small + main, this.#capacity)
    if (held === 0) return undefined
    this.#filling = false
    if (small > 0 && main <= held - smallOf(held)) {
      const slot = this.#fromSmall(Math.floor(held * GHOST_PART))
      if (slot >= 0) return slot
    }
    return this.#fromMain()
  }

  resize(capacity: number): void {
    this.#capacity = capacity
  }

  *slots(): IterableIterator<number> {
    yield* this.#lists.slots(MAIN)
    yield* this.#lists.slots(SMALL)
  }

  clear(): void {
    this.#lists.clear()
    this.#ghosts.clear()
    this.#filling = true
  }

  get bytes(): number {
    return (
      this.#lists.bytes + this.#ghosts.bytes + this.#queue.byteLength + this.#uses.byteLength + this.#hashes.byteLength
    )
  }

  /** The oldest of the small queue that was not asked for again; those that were go to the main one. -1: all were. */
  #fromSmall(ghosts: number): number {
    for (let slot = this.#lists.last(SMALL); slot >= 0; slot = this.#lists.last(SMALL)) {
      this.#lists.remove(SMALL, slot)
      if (this.#uses[slot]! < USES_TO_STAY) {
        this.#ghosts.add(this.#hashes[slot]!, ghosts)
        return slot
      }
      this.#uses[slot] = 0
      this.#put(MAIN, slot)
    }
    return -1
  }

  /** The oldest of the main queue without a use left; each that has one goes round again for it. There is one at least. */
  #fromMain(): number {
    for (;;) {
      const slot = this.#lists.last(MAIN)
      const uses = this.#uses[slot]!
      if (uses === 0) {
        this.#lists.remove(MAIN, slot)
        return slot
      }
      this.#uses[slot] = uses - 1
      this.#lists.moveToFront(MAIN, slot)
    }
  }

  #put(queue: number, slot: number): void {
    this.#queue[slot] = queue
    this.#lists.pushFront(queue, slot)
  }

  #grow(slot: number): void {
    this.#queue = longer(this.#queue, slot)
    this.#uses = longer(this.#uses, slot)
    this.#hashes = longer(this.#hashes, slot)
  }
}

/** Entries of the small queue among so many. Infinity where there is no bound in entries. */
function smallOf(entries: number): number {
  return Math.max(1, Math.floor(entries * SMALL_PART))
}
