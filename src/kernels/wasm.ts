// The kernels in WebAssembly with SIMD. Lays out the memory and calls wasm/kernels.ts; does no arithmetic of its own.
import { KERNELS_WASM } from '../../.build/wasm/kernels.js'
import { messageOf, OpDbusError } from '../errors.js'
import type { KernelMatrix, Kernels, MatrixOptions } from '../ports.js'
import { matrixShape, rowsOf } from './checks.js'
import { HostMatrix, type RowBlock } from './host-matrix.js'
import type { Exports } from './wasm/exports.js'
import { align, WasmHeap } from './wasm/heap.js'
import { Int8Rows } from './wasm/int8-rows.js'

export interface WasmOptions {
  /** Of the WebAssembly memory. Default: 4 GiB, what it can have at most. */
  readonly maxBytes?: number | undefined
}

/**
 * Compiles the kernels; they are part of the bundle, nothing is fetched.
 * Rejects with DEVICE_UNAVAILABLE where WebAssembly or its SIMD is missing or not allowed (a content security policy
 * without `wasm-unsafe-eval`), or there is no memory for it.
 */
export async function openWasmKernels(options: WasmOptions = {}): Promise<Kernels> {
  try {
    const heap = new WasmHeap(options.maxBytes)
    const code = Uint8Array.from(atob(KERNELS_WASM), char => char.charCodeAt(0))
    const { instance } = await WebAssembly.instantiate(code, { env: { memory: heap.memory } })
    return new WasmKernels(heap, instance.exports as unknown as Exports)
  } catch (cause) {
    throw new OpDbusError('DEVICE_UNAVAILABLE', `no WebAssembly kernels here: ${messageOf(cause)}`, { cause })
  }
}

class WasmKernels implements Kernels {
  readonly device = 'wasm'
  closed = false
  #heap: WasmHeap | undefined
  readonly #exports: Exports

  constructor(heap: WasmHeap, exports: Exports) {
    this.#heap = heap
    this.#exports = exports
  }

  async load(matrix: Float32Array, dims: number, options: MatrixOptions = {}): Promise<KernelMatrix> {
    const heap = this.#open()
    const { capacity, precision } = matrixShape(matrix, dims, options)
    const Rows = precision === 'int8' ? Int8Rows : FloatRows
    const loaded = new HostMatrix(this, dims, capacity, new Rows(heap, this.#exports, capacity, dims))
    try {
      loaded.put(0, matrix)
    } catch (error) {
      loaded.free()
      throw error
    }
    return loaded
  }

  normalize(matrix: Float32Array, dims: number): void {
    const heap = this.#open()
    const rows = rowsOf(matrix, dims)
    const at = heap.take(matrix.byteLength)
    try {
      const inside = heap.floats(at, matrix.length)
      inside.set(matrix)
      this.#exports.normalize(at, dims, rows)
      matrix.set(inside)
    } finally {
      heap.give(at)
    }
  }

  close(): void {
    this.closed = true
    this.#heap = undefined
  }

  #open(): WasmHeap {
    if (this.#heap === undefined) throw new OpDbusError('CLOSED', 'these kernels were closed')
    return this.#heap
  }
}

/** One allocation: rows | query | scores. Rows and query end in zeros up to the stride. */
class FloatRows implements RowBlock {
  readonly #stride: number
  readonly #rows: number
  readonly #query: number
  readonly #scores: number

  constructor(
    readonly heap: WasmHeap,
    readonly exports: Exports,
    capacity: number,
    readonly dims: number,
  ) {
    this.#stride = align(4 * dims)
    this.#rows = heap.take((capacity + 1) * this.#stride + 4 * capacity)
    this.#query = this.#rows + capacity * this.#stride
    this.#scores = this.#query + this.#stride
    this.#put(this.#query, new Float32Array(dims))
  }

  write(first: number, vectors: Float32Array): void {
    const start = this.#rows + first * this.#stride
    if (this.#stride === 4 * this.dims) this.heap.floats(start, vectors.length).set(vectors)
    else
      for (let row = 0; row * this.dims < vectors.length; row++)
        this.#put(start + row * this.#stride, vectors.subarray(row * this.dims, (row + 1) * this.dims))
  }

  read(first: number, count: number): Float32Array {
    const out = new Float32Array(count * this.dims)
    for (let row = 0; row < count; row++)
      out.set(this.heap.floats(this.#rows + (first + row) * this.#stride, this.dims), row * this.dims)
    return out
  }

  dot(query: Float32Array, rows: number): Float32Array {
    this.heap.floats(this.#query, this.dims).set(query)
    this.exports.dot(this.#rows, this.#stride, rows, this.#query, this.#scores)
    return this.heap.floats(this.#scores, rows)
  }

  dotAmong(query: Float32Array, among: Uint32Array): Float32Array {
    this.heap.floats(this.#query, this.dims).set(query)
    forRuns(among, (row, count, at) => {
      this.exports.dot(this.#rows + row * this.#stride, this.#stride, count, this.#query, this.#scores + 4 * at)
    })
    return this.heap.floats(this.#scores, among.length)
  }

  free(): void {
    this.heap.give(this.#rows)
  }

  #put(at: number, vector: Float32Array): void {
    const inside = this.heap.floats(at, this.#stride / 4)
    inside.set(vector)
    inside.fill(0, this.dims)
  }
}

/** Rows that follow one another are one call: `row` is the first of `count`, and the place of it in `among` is `at`. */
function forRuns(among: Uint32Array, call: (row: number, count: number, at: number) => void): void {
  for (let at = 0; at < among.length; ) {
    const row = among[at]!
    let count = 1
    while (among[at + count] === row + count) count++
    call(row, count, at)
    at += count
  }
}
