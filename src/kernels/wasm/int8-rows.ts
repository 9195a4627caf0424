// Rows of int8 in WebAssembly memory. Lays them out and has wasm/kernels.ts multiply them; does no arithmetic of its own.
import type { NearestRows } from '../../ports.js'
import type { RowBlock, Wanted } from '../host-matrix.js'
import { Highest } from '../top-k.js'
import type { Exports } from './exports.js'
import { align, type WasmHeap } from './heap.js'

/** Rows between two looks at what is needed to be among the nearest. */
const SCANNED_AT_ONCE = 4096
/** Where more than one row in so many is wanted, all are multiplied: memory is read in order then, which is faster by as much. */
const SPARSE = 6

/** One allocation: rows | query as int8 | the same as int16 | query | scales, the query's last | places | scores. */
export class Int8Rows implements RowBlock {
  readonly #stride: number
  readonly #rows: number
  readonly #query: number
  readonly #wide: number
  readonly #floats: number
  readonly #scales: number
  readonly #queryScale: number
  readonly #places: number
  readonly #scores: number

  constructor(
    readonly heap: WasmHeap,
    readonly exports: Exports,
    capacity: number,
    readonly dims: number,
  ) {
    this.#stride = align(dims)
    const floats = align(4 * dims)
    this.#rows = heap.take((capacity + 3) * this.#stride + floats + 12 * capacity + 4)
    this.#query = this.#rows + capacity * this.#stride
    this.#wide = this.#query + this.#stride
    this.#floats = this.#wide + 2 * this.#stride
    this.#scales = this.#floats + floats
    this.#queryScale = this.#scales + 4 * capacity
    this.#places = this.#queryScale + 4
    this.#scores = this.#places + 4 * capacity
  }

  write(first: number, vectors: Float32Array): void {
    const { dims, heap } = this
    // Row by row through the room of the query: no second matrix of floats, however many come at once.
    const inside = heap.floats(this.#floats, dims)
    for (let row = first, start = 0; start < vectors.length; row++, start += dims) {
      inside.set(vectors.subarray(start, start + dims))
      this.exports.quantize(
        this.#floats,
        dims,
        1,
        this.#rows + row * this.#stride,
        this.#stride,
        this.#scales + 4 * row,
      )
    }
  }

  writeInt8(first: number, rows: Int8Array, scales: Float32Array): void {
    const { dims, heap } = this
    heap.floats(this.#scales + 4 * first, scales.length).set(scales)
    const inside = new Int8Array(heap.memory.buffer, this.#rows + first * this.#stride, scales.length * this.#stride)
    if (this.#stride === dims) {
      inside.set(rows)
      return
    }
    inside.fill(0)
    for (let row = 0; row < scales.length; row++)
      inside.set(rows.subarray(row * dims, (row + 1) * dims), row * this.#stride)
  }

  read(first: number, count: number): Float32Array {
    const { dims, heap } = this
    const out = new Float32Array(count * dims)
    const scales = heap.floats(this.#scales + 4 * first, count)
    for (let row = 0; row < count; row++) {
      const bytes = new Int8Array(heap.memory.buffer, this.#rows + (first + row) * this.#stride, dims)
      for (let d = 0; d < dims; d++) out[row * dims + d] = bytes[d]! * scales[row]!
    }
    return out
  }

  dot(query: Float32Array, rows: number): Float32Array {
    this.#scan(this.#putQuery(query), 0, rows)
    return this.heap.floats(this.#scores, rows)
  }

  dotAmong(query: Float32Array, among: Uint32Array): Float32Array {
    return this.#withList(among, list => {
      this.#scan(this.#putQuery(query), 0, among.length, list)
      return this.heap.floats(this.#scores, among.length)
    })
  }

  /** The kernel hands over what may be among the nearest so far alone. */
  nearest(query: Float32Array, k: number, { rows, among, higher, least }: Wanted): NearestRows {
    const count = among?.length ?? rows
    const best = new Highest(Math.min(k, count), higher)
    if (k === 0 || count === 0) return best.take()
    if (among === undefined) this.#collect(best, query, rows, { higher, least })
    else if (among.length * SPARSE < rows) {
      this.#withList(among, list => this.#collect(best, query, count, { higher, least, list, among }))
    } else {
      const isWanted = new Uint8Array(rows)
      for (let i = 0; i < among.length; i++) isWanted[among[i]!] = 1
      this.#collect(best, query, rows, { higher, least, isWanted })
    }
    return best.take()
  }

  free(): void {
    this.heap.give(this.#rows)
  }

  /** From the end that wins ties: an equal score that comes later belongs behind all that are in. */
  #collect(
    best: Highest,
    query: Float32Array,
    count: number,
    { higher, least, list = 0, among, isWanted }: Collect,
  ): void {
    const scale = this.#putQuery(query)
    const atOnce = Math.min(count, SCANNED_AT_ONCE)
    const places = new Uint32Array(this.heap.memory.buffer, this.#places, atOnce)
    const scores = this.heap.floats(this.#scores, atOnce)
    const last = Math.ceil(count / SCANNED_AT_ONCE) - 1
    let floor = least
    for (let piece = 0; piece <= last; piece++) {
      const first = (higher ? last - piece : piece) * SCANNED_AT_ONCE
      const found = this.#scan(scale, first, Math.min(SCANNED_AT_ONCE, count - first), list, floor)
      for (let i = 0; i < found; i++) {
        const at = higher ? found - 1 - i : i
        const score = scores[at]!
        if (score < least || (best.full && !(score > best.worst))) continue
        const place = first + places[at]!
        const row = among === undefined ? place : among[place]!
        if (isWanted === undefined || isWanted[row] === 1) best.add(row, score)
      }
      if (best.full) floor = Math.max(least, best.worst)
    }
  }

  /** Of `count` rows from `first` on (by the list, where there is one); returns how many score at least `floor`. */
  #scan(scale: number, first: number, count: number, list = 0, floor = Number.NEGATIVE_INFINITY): number {
    const skipped = list === 0 ? first : 0
    return this.exports.scanInt8(
      this.#rows + skipped * this.#stride,
      this.#stride,
      list === 0 ? 0 : list + 4 * first,
      count,
      this.#scales + 4 * skipped,
      this.#wide,
      scale,
      floor,
      this.#places,
      this.#scores,
    )
  }

  #withList<T>(among: Uint32Array, work: (list: number) => T): T {
    const { heap } = this
    const list = heap.take(among.byteLength)
    try {
      new Uint32Array(heap.memory.buffer, list, among.length).set(among)
      return work(list)
    } finally {
      heap.give(list)
    }
  }

  /** Returns its scale. */
  #putQuery(query: Float32Array): number {
    const { dims, heap } = this
    heap.floats(this.#floats, dims).set(query)
    this.exports.quantize(this.#floats, dims, 1, this.#query, this.#stride, this.#queryScale)
    const { buffer } = heap.memory
    new Int16Array(buffer, this.#wide, this.#stride).set(new Int8Array(buffer, this.#query, this.#stride))
    return heap.floats(this.#queryScale, 1)[0]!
  }
}

interface Collect {
  readonly higher: boolean
  readonly least: number
  /** Address of the rows that are looked at, and what lies there. */
  readonly list?: number
  readonly among?: Uint32Array
  /** By row: whether it counts. */
  readonly isWanted?: Uint8Array
}
