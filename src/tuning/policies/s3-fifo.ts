// S3-FIFO: a small queue that most entries leave again soon, a main queue for those asked for more than once, and a memory of those that left
// the small one. After Yang, Zhang, Qiu, Yue, Vigfusson and Rashmi: "FIFO queues are all you need for cache eviction", SOSP 2023
// (https://dl.acm.org/doi/10.1145/3600006.3613147), whose figures its constants are. That hits count by cost is our own.
import type { EvictionPolicy } from '../../cache/eviction.js'
import { Ghosts } from './ghosts.js'
import { RunningMean } from './running-mean.js'
import { firstRoom, longer, SlotLists } from './slot-lists.js'

const SMALL = 0
const MAIN = 1
/** Of all entries, those in the small queue; and hashes remembered, of all entries. */
const SMALL_PART = 0.1
const GHOST_PART = 0.9
/** What a hit of an entry of middling cost counts; smaller numbers are parts of it. */
const UNIT = 16
/** Hits that an entry has credit for at most; what is cheap may save up for as much as one of middling cost, or it could never stay. */
const MOST_HITS = 3
/** Credit that takes an entry from the small queue into the main one: two hits, where all cost the same. */
const TO_STAY = 2 * UNIT
/** A hit counts so many times as much as one of middling cost, at most, so that one outlier stays no longer than that. */
const DEAREST = 24
/** Who costs less than this part of the middle is new again when it comes back. */
const CHEAP = UNIT / 4

/**
 * The same class is S3-FIFO and the cost-aware one, where a hit is worth what it saved: a hit of an entry that costs twice the mean counts twice,
 * and an entry goes round the main queue as often as its credit pays for. What is dear has some credit from the start. As long as no cost is
 * known, all entries are alike, and it is S3-FIFO to the last victim.
 */
export class S3Fifo implements EvictionPolicy {
  readonly name: 's3-fifo' | 'cost-s3-fifo'
  readonly #lists: SlotLists
  readonly #ghosts: Ghosts
  /** What entries cost lately; undefined where cost does not count. */
  readonly #mean: RunningMean | undefined
  /** By slot: its queue; its credit; what a hit adds to it; its hash. */
  #queue: Uint8Array
  #credit: Uint16Array
  #weight: Uint16Array
  #hashes: Int32Array
  #capacity: number
  /** Nothing went yet: what the small queue has no room for goes to the main one, whose room nobody has claimed. */
  #filling = true

  constructor(name: 's3-fifo' | 'cost-s3-fifo', capacity: number) {
    const room = firstRoom(capacity)
    this.name = name
    this.#mean = name === 'cost-s3-fifo' ? new RunningMean() : undefined
    this.#capacity = capacity
    this.#lists = new SlotLists(2, room)
    this.#ghosts = new Ghosts(capacity)
    this.#queue = new Uint8Array(room)
    this.#credit = new Uint16Array(room)
    this.#weight = new Uint16Array(room)
    this.#hashes = new Int32Array(room)
  }

  added(slot: number, hash: number, _bytes: number, cost: number): void {
    if (slot >= this.#queue.length) this.#grow(slot)
    const weight = this.#weigh(cost)
    this.#weight[slot] = weight
    this.#hashes[slot] = hash
    const back = this.#ghosts.take(hash) && weight >= CHEAP
    this.#credit[slot] = this.#byCost ? (back ? weight : weight >> 1) : 0
    const full = this.#filling && this.#lists.lengths[SMALL]! >= smallOf(this.#capacity)
    this.#put(back || full ? MAIN : SMALL, slot)
  }

  hit(slot: number): void {
    const weight = this.#weight[slot]!
    const credit = this.#credit[slot]! + weight
    const most = MOST_HITS * (weight > UNIT ? weight : UNIT)
    this.#credit[slot] = credit < most ? credit : most
  }

  replaced(slot: number, _bytes: number, cost: number): void {
    this.#weight[slot] = this.#weigh(cost)
    this.hit(slot)
  }

  removed(slot: number): void {
    this.#lists.remove(this.#queue[slot]!, slot)
  }

  victim(): number | undefined {
    const small = this.#lists.lengths[SMALL]!
    const main = this.#lists.lengths[MAIN]!
    // Fewer than there is room for, where the bytes are the bound.
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
    this.#mean?.clear()
    this.#filling = true
  }

  get bytes(): number {
    return this.#lists.bytes + this.#ghosts.bytes + 5 * this.#queue.byteLength + this.#hashes.byteLength
  }

  get #byCost(): boolean {
    return this.#mean !== undefined && this.#mean.value > 0
  }

  /** What a hit of an entry counts, by its cost. */
  #weigh(cost: number): number {
    if (this.#mean === undefined || cost <= 0) return UNIT
    this.#mean.add(this.#mean.value > 0 ? Math.min(cost, DEAREST * this.#mean.value) : cost)
    const weight = Math.round((UNIT * cost) / this.#mean.value)
    return Math.max(1, Math.min(weight, UNIT * DEAREST))
  }

  /** The oldest of the small queue that has too little credit; those that have enough go to the main one. -1: all have. */
  #fromSmall(ghosts: number): number {
    for (let slot = this.#lists.last(SMALL); slot >= 0; slot = this.#lists.last(SMALL)) {
      this.#lists.remove(SMALL, slot)
      const credit = this.#credit[slot]!
      if (credit < TO_STAY) {
        this.#ghosts.add(this.#hashes[slot]!, ghosts)
        return slot
      }
      this.#credit[slot] = this.#byCost ? credit - TO_STAY : 0
      this.#put(MAIN, slot)
    }
    return -1
  }

  /** The oldest of the main queue that cannot pay for another round; those that can pay, and go round. There is one at least. */
  #fromMain(): number {
    for (;;) {
      const slot = this.#lists.last(MAIN)
      const credit = this.#credit[slot]!
      if (credit < UNIT) {
        this.#lists.remove(MAIN, slot)
        return slot
      }
      this.#credit[slot] = credit - UNIT
      this.#lists.moveToFront(MAIN, slot)
    }
  }

  #put(queue: number, slot: number): void {
    this.#queue[slot] = queue
    this.#lists.pushFront(queue, slot)
  }

  #grow(slot: number): void {
    this.#queue = longer(this.#queue, slot)
    this.#credit = longer(this.#credit, slot)
    this.#weight = longer(this.#weight, slot)
    this.#hashes = longer(this.#hashes, slot)
  }
}

/** Entries of the small queue among so many. Infinity where there is no bound in entries. */
function smallOf(entries: number): number {
  return Math.max(1, Math.floor(entries * SMALL_PART))
}
