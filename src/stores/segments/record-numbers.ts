// Small whole numbers for the records of all segments, as the index holds them: which segment and slot a number stands for.
import type { Segment } from './segment.js'

const PAGE_BITS = 12
const PAGE_SLOTS = 1 << PAGE_BITS

/** A number is a page and a slot within it; a segment gets pages as it grows, and gives them back when it is dropped. */
export class RecordNumbers {
  /** Whose page it is, and which of that segment's slots it begins with. Number 0 stands for nothing. */
  readonly #owner: (Segment | undefined)[] = [undefined]
  readonly #firstSlot: number[] = [0]
  readonly #free: number[] = []

  /** Undefined once the segment was released. */
  segmentOf(number: number): Segment | undefined {
    return this.#owner[number >>> PAGE_BITS]
  }

  slotOf(number: number): number {
    return this.#firstSlot[number >>> PAGE_BITS]! + (number & (PAGE_SLOTS - 1))
  }

  /** How many numbers, from this one on, stand for slots side by side. */
  neighbours(number: number): number {
    return PAGE_SLOTS - (number & (PAGE_SLOTS - 1))
  }

  /** The number of a slot for which there has been a {@link claim}. */
  of(segment: Segment, slot: number): number {
    return (segment.pages[slot >>> PAGE_BITS]! << PAGE_BITS) | (slot & (PAGE_SLOTS - 1))
  }

  /** The number of a slot, with a page for it where there is none yet. */
  claim(segment: Segment, slot: number): number {
    for (let page = segment.pages.length; page <= slot >>> PAGE_BITS; page++) {
      const number = this.#free.pop() ?? this.#owner.length
      this.#owner[number] = segment
      this.#firstSlot[number] = page << PAGE_BITS
      segment.pages.push(number)
    }
    return this.of(segment, slot)
  }

  /** Gives the numbers of a segment back. Nothing may hold one any more. */
  release(segment: Segment): void {
    for (const page of segment.pages) {
      this.#owner[page] = undefined
      this.#free.push(page)
    }
  }

  clear(): void {
    this.#owner.length = this.#firstSlot.length = 1
    this.#free.length = 0
  }
}
