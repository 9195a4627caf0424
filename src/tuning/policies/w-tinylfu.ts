// W-TinyLFU: a small window before a main room in two segments, into which an entry comes only if it was asked for more often than the one
// that would have to go for it. After Einziger, Friedman and Manes: "TinyLFU: a highly efficient cache admission policy", ACM
// Transactions on Storage 13 (2017), https://doi.org/10.1145/3149371, and the design notes of Caffeine, which the constants are from.
import type { EvictionPolicy } from '../../cache/eviction.js'
import { type Frequencies, FrequencySketch, MOST } from './frequency-sketch.js'
import { firstRoom, longer, SlotLists } from './slot-lists.js'

const WINDOW = 0
/** Of the main room, those asked for since they came there, and those that were not. */
const PROTECTED = 1
const PROBATION = 2
const MAIN_PART = 0.99
const PROTECTED_PART = 0.8
/** All counts are halved at the first entry that comes after so many times as many requests as there is room for entries. */
const HALVED_AFTER = 10
/** Who came up to so often and lost has a chance in 128 all the same: else who knows how hashes collide could keep an entry out for ever. */
const SELDOM = 5
const CHANCE = 1 / 128

/**
 * The paper keeps each segment in order of use. Here a hit moves nothing and only leaves a mark: who has one when it comes to the end of its segment
 * goes on to where hits would have brought it (second chance, as CLOCK has it). So a hit costs three numbers written, and the hit rates stay.
 */
export class WTinyLfu implements EvictionPolicy {
  readonly name = 'w-tinylfu'
  readonly #random: () => number
  readonly #lists: SlotLists
  readonly #sketch: Frequencies
  /**
   * By slot: its segment; its hash; whether it was asked for since it was last put somewhere; hits that the sketch does not know of yet, so that a
   * hit need not look into it.
   */
  #segment: Uint8Array
  #hashes: Int32Array
  #asked: Uint8Array
  #hits: Uint8Array
  #capacity: number
  /** Requests since all counts were halved. */
  #counted = 0

  constructor(capacity: number, random: () => number, sketch: Frequencies = new FrequencySketch(firstRoom(capacity))) {
    const room = firstRoom(capacity)
    this.#capacity = capacity
    this.#random = random
    this.#lists = new SlotLists(3, room)
    this.#sketch = sketch
    this.#segment = new Uint8Array(room)
    this.#hashes = new Int32Array(room)
    this.#asked = new Uint8Array(room)
    this.#hits = new Uint8Array(room)
  }

  added(slot: number, hash: number): void {
    if (slot >= this.#segment.length) {
      this.#segment = longer(this.#segment, slot)
      this.#hashes = longer(this.#hashes, slot)
      this.#asked = longer(this.#asked, slot)
      this.#hits = longer(this.#hits, slot)
    }
    this.#hashes[slot] = hash
    if (slot >= this.#sketch.capacity) this.#sketch.resize(Math.min(2 * slot, Math.max(slot, this.#capacity)))
    this.#sketch.add(hash, 1)
    this.#count()
    this.#put(slot, WINDOW)
    // What leaves the window needs no contest: whoever holds the entries has asked for as many victims as he needs.
    this.#settle(WINDOW, windowOf(this.#held()))
  }

  hit(slot: number): void {
    this.#asked[slot] = 1
    const hits = this.#hits[slot]!
    if (hits < MOST) this.#hits[slot] = hits + 1
    this.#counted++
  }

  removed(slot: number): void {
    this.#tellSketch(slot)
    this.#lists.remove(this.#segment[slot]!, slot)
  }

  victim(): number | undefined {
    const window = this.#last(WINDOW)
    const main = this.#lastOfMain()
    if (window < 0 && main < 0) return undefined
    if (main < 0) return this.#take(window)
    // The newcomer finds room in the window.
    if (this.#lists.lengths[WINDOW]! < windowOf(this.#held())) return this.#take(main)
    if (!this.#admits(window, main)) return this.#take(window)
    this.#move(window, PROBATION)
    return this.#take(main)
  }

  resize(capacity: number): void {
    this.#capacity = capacity
    if (capacity < this.#sketch.capacity) this.#sketch.resize(capacity)
  }

  /** Those that will go on, then the others. */
  *slots(): IterableIterator<number> {
    for (const asked of [1, 0]) {
      for (const segment of [PROTECTED, WINDOW, PROBATION]) {
        for (const slot of this.#lists.slots(segment)) if (this.#asked[slot] === asked) yield slot
      }
    }
  }

  clear(): void {
    this.#lists.clear()
    this.#hits.fill(0)
    this.#counted = 0
    this.#sketch.clear()
    this.#sketch.resize(firstRoom(this.#capacity))
  }

  get bytes(): number {
    return this.#lists.bytes + this.#sketch.bytes + 3 * this.#segment.byteLength + this.#hashes.byteLength
  }

  /** The last of a segment that was not asked for since it came there; those that were have gone on. -1 where the segment is empty. */
  #last(segment: number): number {
    for (;;) {
      const slot = this.#lists.last(segment)
      if (slot < 0 || this.#asked[slot] === 0) return slot
      if (segment === PROBATION) {
        this.#move(slot, PROTECTED)
        const held = this.#held()
        this.#settle(PROTECTED, Math.floor((held - windowOf(held)) * PROTECTED_PART))
      } else {
        this.#asked[slot] = 0
        this.#lists.moveToFront(segment, slot)
      }
    }
  }

  /** What `segment` has too many of goes to probation. */
  #settle(segment: number, most: number): void {
    while (this.#lists.lengths[segment]! > most) this.#move(this.#last(segment), PROBATION)
  }

  /**
   * By how often each came before: that the candidate has just come does not speak for it. (Counted, it would win against all whose counters were
   * halved since they were last asked for: in a loop over more than there is room for, nothing would stay long enough to be asked for again.)
   */
  #admits(candidate: number, main: number): boolean {
    const often = this.#often(candidate)
    if (often - 1 > this.#often(main)) return true
    return often > SELDOM && this.#random() < CHANCE
  }

  #often(slot: number): number {
    this.#tellSketch(slot)
    return this.#sketch.often(this.#hashes[slot]!)
  }

  #tellSketch(slot: number): void {
    const hits = this.#hits[slot]!
    if (hits === 0) return
    this.#sketch.add(this.#hashes[slot]!, hits)
    this.#hits[slot] = 0
  }

  /** Not at hits, however many: until an entry comes nothing is decided. */
  #count(): void {
    const most = HALVED_AFTER * this.#sketch.capacity
    if (++this.#counted < most) return
    for (let slot = 0; slot < this.#hits.length; slot++) this.#tellSketch(slot)
    this.#sketch.halve()
    this.#counted = most >> 1
  }

  #lastOfMain(): number {
    const slot = this.#last(PROBATION)
    return slot >= 0 ? slot : this.#last(PROTECTED)
  }

  /** Entries that the sizes of the segments are parts of: fewer than there is room for where the bytes are the bound. */
  #held(): number {
    const lengths = this.#lists.lengths
    return Math.min(this.#capacity, lengths[WINDOW]! + lengths[PROTECTED]! + lengths[PROBATION]!)
  }

  #take(slot: number): number {
    this.removed(slot)
    return slot
  }

  #move(slot: number, segment: number): void {
    this.#lists.remove(this.#segment[slot]!, slot)
    this.#put(slot, segment)
  }

  #put(slot: number, segment: number): void {
    this.#segment[slot] = segment
    this.#asked[slot] = 0
    this.#lists.pushFront(segment, slot)
  }
}

/** Entries of the window among so many. */
function windowOf(entries: number): number {
  return Math.max(1, entries - Math.floor(entries * MAIN_PART))
}
