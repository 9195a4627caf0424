// Who has which bytes of one WebAssembly memory. Grows it when nothing fits; never shrinks it: no engine can.
import { OpDbusError } from '../../errors.js'

/** Of every address: a cache line, so that no row of floats begins in the middle of one. */
const ALIGN = 64
const PAGE = 65_536
/** What a 32-bit address reaches. */
const MAX_PAGES = 65_536
/** Address 0 is given to nobody. */
const START = ALIGN

/** Up to the next multiple of 16 bytes, one SIMD register. */
export function align(bytes: number): number {
  return Math.ceil(bytes / 16) * 16
}

interface Span {
  start: number
  end: number
}

export class WasmHeap {
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: MAX_PAGES })
  /** In order of address; no two touch. */
  #free: Span[] = [{ start: START, end: PAGE }]
  readonly #taken = new Map<number, number>()
  readonly #maxPages: number

  /** `maxBytes` is of the whole memory; by default what an address reaches, 4 GiB. */
  constructor(maxBytes = MAX_PAGES * PAGE) {
    this.#maxPages = Math.min(MAX_PAGES, Math.floor(maxBytes / PAGE))
  }

  /** Bytes of the memory, in use or not. */
  get size(): number {
    return this.memory.buffer.byteLength
  }

  /** Bytes that somebody has. */
  get used(): number {
    let bytes = 0
    for (const length of this.#taken.values()) bytes += length
    return bytes
  }

  /**
   * The address of `bytes` bytes, a multiple of 64; what is in them is undefined. The first span that is large enough.
   * May grow the memory, which ends every view of it made before.
   */
  take(bytes: number): number {
    const length = Math.max(ALIGN, Math.ceil(bytes / ALIGN) * ALIGN)
    let index = this.#free.findIndex(span => span.end - span.start >= length)
    if (index < 0) {
      this.#grow(length)
      index = this.#free.length - 1
    }
    const span = this.#free[index]!
    const { start } = span
    span.start += length
    if (span.start === span.end) this.#free.splice(index, 1)
    this.#taken.set(start, length)
    return start
  }

  /** Gives back what `take` gave. */
  give(start: number): void {
    const length = this.#taken.get(start)
    if (length === undefined) throw new RangeError(`nobody has address ${start}`)
    this.#taken.delete(start)
    this.#insert({ start, end: start + length })
  }

  /** A view of `count` floats; good until the next `take`. */
  floats(start: number, count: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.memory.buffer, start, count)
  }

  /** A view of `count` bytes; good until the next `take`. */
  bytes(start: number, count: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.memory.buffer, start, count)
  }

  #grow(length: number): void {
    const end = this.size
    const last = this.#free.at(-1)
    const there = last?.end === end ? end - last.start : 0
    const pages = Math.ceil((length - there) / PAGE)
    const most = this.#maxPages - end / PAGE
    if (pages > most) throw noRoom(length)
    try {
      // A quarter more than asked for, where there is room: a matrix that grows again and again moves less often.
      this.#growBy(Math.min(most, Math.max(pages, Math.ceil(end / PAGE / 4))), pages)
    } catch (cause) {
      throw noRoom(length, cause)
    }
    this.#insert({ start: end, end: this.size })
  }

  #growBy(wanted: number, needed: number): void {
    try {
      this.memory.grow(wanted)
    } catch (error) {
      if (wanted === needed) throw error
      this.memory.grow(needed)
    }
  }

  #insert(span: Span): void {
    let at = this.#free.findIndex(other => other.start > span.start)
    if (at < 0) at = this.#free.length
    this.#free.splice(at, 0, span)
    const next = this.#free[at + 1]
    if (next?.start === span.end) {
      span.end = next.end
      this.#free.splice(at + 1, 1)
    }
    const before = this.#free[at - 1]
    if (before?.end === span.start) {
      before.end = span.end
      this.#free.splice(at, 1)
    }
  }
}

function noRoom(bytes: number, cause?: unknown): OpDbusError {
  return new OpDbusError(
    'DEVICE_UNAVAILABLE',
    `the WebAssembly memory has no room for ${bytes} more bytes\nfree matrices that are not needed, or keep them as int8`,
    { cause },
  )
}
