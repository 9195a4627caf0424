// Reads what bears keys that are packed, 32 bytes each, one behind the other: for who reads ten thousand at once, at the start of a process.
// There compiling costs more than reading, so what is done for each record is done in short loops, and no object is made for it.
import type { ReadingContext } from './context.js'
import type { SpaceFolder } from './folder.js'
import { bearsKey, coveredPart, isSound, KEY_AT, LIVE, RECORD_HEAD, STATE_AT } from './format.js'
import { keyAt, newParsedKey, type ParsedKey } from './parsed-key.js'
import { BLOCK_KEYS, RUN_BYTES } from './runs.js'

const KEY_BYTES = 32
const WORDS = KEY_BYTES / 4
/** In place of a number: look it up singly. */
const SINGLY = -1

/**
 * Is told that there are `count` keys from the place `i` on, and of their rows, one behind the other ({@link PackedKeys.row}), which are good
 * until it returns. It may not ask this store.
 */
export type VisitRows = (i: number, count: number, rows: Uint8Array) => void

export class PackedKeys {
  /** The bytes of a row, and where in it the value begins. */
  readonly row: { readonly bytes: number; readonly valueAt: number }
  readonly #context: ReadingContext
  readonly #folder: SpaceFolder
  readonly #key = newParsedKey()
  readonly #found: number[] = []
  readonly #runSlots: number
  /** Of each key of a block, which it is, and the number of its record, or 0, or {@link SINGLY}. */
  readonly #which = new Uint32Array(BLOCK_KEYS)
  readonly #numbers = new Int32Array(BLOCK_KEYS)
  readonly #rest: number[] = []
  /** Room for a run of records, made when it is needed; the same as words; of each record what its check covers. */
  #run = new Uint8Array(0)
  #words = new Int32Array(0)
  readonly #covered: Uint8Array[] = []
  readonly #head = Buffer.alloc(RECORD_HEAD)

  constructor(context: ReadingContext, folder: SpaceFolder) {
    this.#context = context
    this.#folder = folder
    this.#runSlots = Math.max(1, Math.floor(RUN_BYTES / context.layout.recordBytes))
    this.row = { bytes: context.layout.recordBytes, valueAt: RECORD_HEAD }
  }

  /** Of each key where its record lies; 0: there is none. */
  places(packed: Uint8Array): Float64Array {
    const places = new Float64Array(Math.floor(packed.length / KEY_BYTES))
    for (let i = 0; i < places.length; i++) {
      keyAt(packed, KEY_BYTES * i, this.#key)
      if (this.#folder.index.find(this.#key.a, this.#key.b, this.#found) > 0) places[i] = this.#found[0]!
    }
    return places
  }

  /** Visits those at the places `from <= i < to` of `which`, at most {@link BLOCK_KEYS}. Returns whether all are there. */
  visit(packed: Uint8Array, which: ArrayLike<number>, from: number, to: number, visit: VisitRows): boolean {
    const count = Math.min(to - from, BLOCK_KEYS)
    const rest = this.#rest
    rest.length = 0
    this.#locate(packed, which, from, count)
    const wanted = wordsOf(packed)
    let visited = 0
    for (let at = 0; at < count; ) {
      const length = this.#runAt(at, count)
      if (this.#numbers[at] === SINGLY) rest.push(at)
      else if (this.#numbers[at]! > 0) visited += this.#readRun(at, length, wanted, from, visit)
      at += length
    }
    const one = Buffer.alloc(rest.length > 0 ? this.row.bytes : 0)
    for (const at of rest) {
      keyAt(packed, KEY_BYTES * this.#which[at]!, this.#key)
      const value = this.#folder.find(this.#key)
      if (value === undefined) continue
      one[STATE_AT] = LIVE
      one.set(packed.subarray(KEY_BYTES * this.#which[at]!, KEY_BYTES * (this.#which[at]! + 1)), KEY_AT)
      one.set(value, RECORD_HEAD)
      one.writeUInt32LE(this.#context.crc32(one.subarray(KEY_AT), this.#context.layout.seed) >>> 0)
      visit(from + at, 1, one)
      visited++
    }
    return visited === count
  }

  /** Whether the newest record of a key is still the one that was visited as `row`: reads its first bytes, where its check is. */
  stands(key: ParsedKey, row: Uint8Array): boolean {
    const head = this.#head
    for (const number of this.#folder.candidates(key)) {
      const segment = this.#folder.numbers.segmentOf(number)
      if (!segment?.readHead(this.#folder.numbers.slotOf(number), head) || head[STATE_AT] !== LIVE) continue
      if (bearsKey(head, 0, key.words)) return head.compare(row, 0, STATE_AT, 0, STATE_AT) === 0
    }
    return false
  }

  #locate(packed: Uint8Array, which: ArrayLike<number>, from: number, count: number): void {
    const [key, found, index] = [this.#key, this.#found, this.#folder.index]
    for (let at = 0; at < count; at++) {
      this.#which[at] = which[from + at]!
      keyAt(packed, KEY_BYTES * this.#which[at]!, key)
      const records = index.find(key.a, key.b, found)
      this.#numbers[at] = records === 0 ? 0 : records === 1 ? found[0]! : SINGLY
    }
  }

  /** How many keys from `at` on have records side by side. */
  #runAt(at: number, count: number): number {
    const numbers = this.#numbers
    const first = numbers[at]!
    if (first <= 0) return 1
    const most = Math.min(count - at, this.#runSlots, this.#folder.numbers.neighbours(first))
    let length = 1
    while (length < most && numbers[at + length] === first + length) length++
    return length
  }

  /** Visits what is as the index has it, some that lie side by side at once; puts the others among the rest. Returns how many were visited. */
  #readRun(at: number, length: number, wanted: Int32Array, from: number, visit: VisitRows): number {
    const { numbers } = this.#folder
    const { bytes } = this.row
    const segment = numbers.segmentOf(this.#numbers[at]!)!
    const slot = numbers.slotOf(this.#numbers[at]!)
    const tail = segment.tail?.first ?? Number.POSITIVE_INFINITY
    const run = this.#room().subarray(0, length * bytes)
    const got = slot + length > tail ? 0 : segment.readFrom(slot, run)
    const whole = Math.max(0, Math.min(length, Math.floor(got / bytes)))
    let visited = 0
    for (let nth = 0; nth < length; ) {
      const end = this.#soundFrom(nth, whole, at, wanted)
      if (end === nth) this.#rest.push(at + nth++)
      else {
        segment.touch(slot + nth, end - nth)
        visit(from + at + nth, end - nth, run.subarray(nth * bytes, end * bytes))
        visited += end - nth
        nth = end
      }
    }
    return visited
  }

  /** Where the records end that are live, sound and bear the keys, of those from `nth` on. */
  #soundFrom(nth: number, end: number, at: number, wanted: Int32Array): number {
    const { layout, crc32 } = this.#context
    const words = this.#words
    const rowWords = this.row.bytes / 4
    let next = nth
    for (; next < end; next++) {
      const start = next * this.row.bytes
      if (this.#run[start + STATE_AT] !== LIVE) break
      let own = rowWords * next + KEY_AT / 4
      let word = WORDS * this.#which[at + next]!
      const keyEnd = word + WORDS
      while (word < keyEnd && words[own] === wanted[word]) {
        own++
        word++
      }
      if (word < keyEnd || !isSound(this.#run, start, layout, crc32, this.#covered[next])) break
    }
    return next
  }

  #room(): Uint8Array {
    if (this.#run.length > 0) return this.#run
    const { layout } = this.#context
    this.#run = new Uint8Array(this.#runSlots * layout.recordBytes)
    this.#words = new Int32Array(this.#run.buffer)
    for (let nth = 0; nth < this.#runSlots; nth++)
      this.#covered.push(coveredPart(this.#run, nth * layout.recordBytes, layout))
    return this.#run
  }
}

/** Keys as words, in the machine's own order: for comparing alone. */
function wordsOf(packed: Uint8Array): Int32Array {
  const own = packed.byteOffset % 4 === 0 ? packed : new Uint8Array(packed)
  return new Int32Array(own.buffer, own.byteOffset, WORDS * Math.floor(own.length / KEY_BYTES))
}
