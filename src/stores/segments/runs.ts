// Reads the records of many keys: what lies side by side in a segment comes with one read. Corrects nothing: what is not as
// the index has it is left to be looked up singly.
import type { LentMemory } from '../../ports.js'
import type { ReadingContext } from './context.js'
import { bearsKey, isSound, LIVE, RECORD_HEAD, STATE_AT } from './format.js'
import type { IndexTable } from './index-table.js'
import type { ParsedKey } from './parsed-key.js'
import type { RecordNumbers } from './record-numbers.js'

/** Keys that are looked up together. A power of two. */
export const BLOCK_KEYS = 1024
/** What one read takes at most: beyond it a read costs no less for each record, and its memory more. */
export const RUN_BYTES = 128 * 2 ** 10
/** So many bytes that nobody asked for are read along: beyond that, a read of its own costs less. */
const GAP_BYTES = 8192

/** An answer for each key. */
export type Values = (Uint8Array | undefined)[]

export class RunReader {
  readonly #context: ReadingContext
  readonly #index: IndexTable
  readonly #numbers: RecordNumbers
  readonly #runSlots: number
  readonly #gapSlots: number
  /** Of each record that is read: its number x {@link BLOCK_KEYS} + the place of its key. In order, neighbours are neighbours. */
  readonly #wanted = new Float64Array(BLOCK_KEYS)
  readonly #found: number[] = []

  constructor(context: ReadingContext, index: IndexTable, numbers: RecordNumbers) {
    this.#context = context
    this.#index = index
    this.#numbers = numbers
    const { recordBytes } = context.layout
    this.#runSlots = Math.max(1, Math.floor(RUN_BYTES / recordBytes))
    this.#gapSlots = Math.floor(GAP_BYTES / recordBytes)
  }

  /**
   * Puts the value of `keys[i]` (the first `count` count) into `values[at + i]`, where it has exactly one record, on disk and in order. Returns the
   * places `i` of those that have records and could not be answered so. The values of a run share a buffer, or lie in `lent`.
   */
  read(keys: readonly ParsedKey[], count: number, values: Values, at: number, lent?: LentMemory): readonly number[] {
    const rest: number[] = []
    const wanted = this.#collect(keys, count, rest)
    for (let from = 0; from < wanted.length; ) {
      const end = this.#endOfRun(wanted, from)
      this.#readRun(wanted.subarray(from, end), keys, values, at, rest, lent)
      from = end
    }
    return rest
  }

  /** What is to be read, in the order in which it lies. */
  #collect(keys: readonly ParsedKey[], count: number, rest: number[]): Float64Array {
    const [wanted, found] = [this.#wanted, this.#found]
    let length = 0
    let inOrder = true
    for (let i = 0; i < count; i++) {
      const records = this.#index.find(keys[i]!.a, keys[i]!.b, found)
      if (records === 0) continue
      const number = found[0]!
      const { tail } = this.#numbers.segmentOf(number)!
      if (records > 1 || (tail !== undefined && this.#numbers.slotOf(number) >= tail.first)) {
        rest.push(i)
        continue
      }
      wanted[length] = number * BLOCK_KEYS + i
      if (length > 0 && wanted[length]! < wanted[length - 1]!) inOrder = false
      length++
    }
    const all = wanted.subarray(0, length)
    return inOrder ? all : all.sort()
  }

  /** Where the run that begins at `from` ends: the next one is in another segment, or too far away. */
  #endOfRun(wanted: Float64Array, from: number): number {
    const numbers = this.#numbers
    const first = numberOf(wanted[from]!)
    const segment = numbers.segmentOf(first)
    const firstSlot = numbers.slotOf(first)
    let last = firstSlot
    let end = from + 1
    for (; end < wanted.length; end++) {
      const number = numberOf(wanted[end]!)
      const slot = numbers.slotOf(number)
      if (slot - last > this.#gapSlots + 1 || slot < last || slot - firstSlot >= this.#runSlots) break
      if (numbers.segmentOf(number) !== segment) break
      last = slot
    }
    return end
  }

  #readRun(
    run: Float64Array,
    keys: readonly ParsedKey[],
    values: Values,
    at: number,
    rest: number[],
    lent: LentMemory | undefined,
  ): void {
    const { layout, crc32 } = this.#context
    const { recordBytes, valueBytes } = layout
    const numbers = this.#numbers
    const first = numberOf(run[0]!)
    const segment = numbers.segmentOf(first)!
    const firstSlot = numbers.slotOf(first)
    const slots = numbers.slotOf(numberOf(run[run.length - 1]!)) - firstSlot + 1
    const length = slots * recordBytes
    const bytes = lent?.take(length) ?? new Uint8Array(length)
    const got = segment.readFrom(firstSlot, bytes)
    let before = -1
    let value: Uint8Array | undefined
    for (let i = 0; i < run.length; i++) {
      const number = numberOf(run[i]!)
      const place = run[i]! % BLOCK_KEYS
      if (number === before) {
        // The same key once more: its bytes are the caller's own as well.
        value = value?.slice()
      } else {
        before = number
        const slot = numbers.slotOf(number)
        const start = (slot - firstSlot) * recordBytes
        const serves =
          start + recordBytes <= got &&
          bytes[start + STATE_AT] === LIVE &&
          bearsKey(bytes, start, keys[place]!.words) &&
          isSound(bytes, start, layout, crc32)
        value = serves ? new Uint8Array(bytes.buffer, bytes.byteOffset + start + RECORD_HEAD, valueBytes) : undefined
        if (serves) segment.touch(slot)
      }
      if (value === undefined) rest.push(place)
      else values[at + place] = value
    }
  }
}

function numberOf(wanted: number): number {
  return Math.floor(wanted / BLOCK_KEYS)
}
