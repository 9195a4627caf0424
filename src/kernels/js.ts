// The kernels in plain JavaScript: the reference for every other, and what is left where nothing faster is there.
import { OpDbusError } from '../errors.js'
import type { KernelMatrix, Kernels, MatrixOptions } from '../ports.js'
import { type MatrixShape, matrixShape, rowsOf } from './checks.js'
import { HostMatrix, type RowBlock } from './host-matrix.js'
import { quantize } from './int8.js'

/** As in torch.nn.functional.normalize. */
const EPSILON = 1e-12

export class JsKernels implements Kernels {
  readonly device = 'js'
  closed = false

  async load(matrix: Float32Array, dims: number, options: MatrixOptions = {}): Promise<KernelMatrix> {
    this.#check()
    const { capacity, precision } = matrixShape(matrix, dims, options)
    const loaded = new HostMatrix(this, dims, capacity, blockFor(capacity, dims, precision))
    loaded.put(0, matrix)
    return loaded
  }

  normalize(matrix: Float32Array, dims: number): void {
    this.#check()
    rowsOf(matrix, dims)
    for (let start = 0; start < matrix.length; start += dims) {
      let squares = 0
      for (let i = start; i < start + dims; i++) squares += matrix[i]! * matrix[i]!
      if (!Number.isFinite(squares)) continue
      const factor = 1 / Math.max(Math.sqrt(squares), EPSILON)
      for (let i = start; i < start + dims; i++) matrix[i] = matrix[i]! * factor
    }
  }

  close(): void {
    this.closed = true
  }

  #check(): void {
    if (this.closed) throw new OpDbusError('CLOSED', 'these kernels were closed')
  }
}

function blockFor(capacity: number, dims: number, precision: MatrixShape['precision']): RowBlock {
  try {
    return precision === 'int8' ? new Int8Rows(capacity, dims) : new FloatRows(capacity, dims)
  } catch (cause) {
    throw new OpDbusError('DEVICE_UNAVAILABLE', `there is no memory for ${capacity} rows of ${dims} numbers`, { cause })
  }
}

class FloatRows implements RowBlock {
  readonly #matrix: Float32Array

  constructor(
    capacity: number,
    readonly dims: number,
  ) {
    this.#matrix = new Float32Array(capacity * dims)
  }

  write(first: number, vectors: Float32Array): void {
    this.#matrix.set(vectors, first * this.dims)
  }

  read(first: number, count: number): Float32Array {
    return this.#matrix.slice(first * this.dims, (first + count) * this.dims)
  }

  dot(query: Float32Array, rows: number): Float32Array {
    const scores = new Float32Array(rows)
    for (let row = 0; row < rows; row++) scores[row] = this.#dotRow(query, row)
    return scores
  }

  dotAmong(query: Float32Array, among: Uint32Array): Float32Array {
    return Float32Array.from(among, row => this.#dotRow(query, row))
  }

  /** The garbage collector does it. */
  free(): void {}

  #dotRow(query: Float32Array, row: number): number {
    const { dims } = this
    const matrix = this.#matrix
    const even = dims - (dims % 4)
    let at = row * dims
    // Four sums at once: one alone waits for itself at every step.
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    let i = 0
    for (; i < even; i += 4, at += 4) {
      a += matrix[at]! * query[i]!
      b += matrix[at + 1]! * query[i + 1]!
      c += matrix[at + 2]! * query[i + 2]!
      d += matrix[at + 3]! * query[i + 3]!
    }
    for (; i < dims; i++, at++) a += matrix[at]! * query[i]!
    return a + b + c + d
  }
}

class Int8Rows implements RowBlock {
  readonly #rows: Int8Array
  readonly #scales: Float32Array

  constructor(
    capacity: number,
    readonly dims: number,
  ) {
    this.#rows = new Int8Array(capacity * dims)
    this.#scales = new Float32Array(capacity)
  }

  write(first: number, vectors: Float32Array): void {
    quantize(vectors, this.dims, this.#rows, this.#scales, first)
  }

  writeInt8(first: number, rows: Int8Array, scales: Float32Array): void {
    this.#rows.set(rows, first * this.dims)
    this.#scales.set(scales, first)
  }

  read(first: number, count: number): Float32Array {
    return Float32Array.from(
      this.#rows.subarray(first * this.dims, (first + count) * this.dims),
      (x, i) => x * this.#scales[first + Math.floor(i / this.dims)]!,
    )
  }

  dot(query: Float32Array, rows: number): Float32Array {
    const dotRow = this.#dotter(query)
    const scores = new Float32Array(rows)
    for (let row = 0; row < rows; row++) scores[row] = dotRow(row)
    return scores
  }

  dotAmong(query: Float32Array, among: Uint32Array): Float32Array {
    return Float32Array.from(among, this.#dotter(query))
  }

  free(): void {}

  /** The dot product of one row with `query`, which is made int8 once. */
  #dotter(query: Float32Array): (row: number) => number {
    const { dims } = this
    const small = new Int8Array(dims)
    const scale = new Float32Array(1)
    quantize(query, dims, small, scale)
    return row => {
      let sum = 0
      for (let i = 0, at = row * dims; i < dims; i++, at++) sum += this.#rows[at]! * small[i]!
      return Math.fround(Math.fround(sum) * this.#scales[row]!) * scale[0]!
    }
  }
}
