// What every kernel asks of its arguments. Throws INVALID_INPUT and changes nothing.
import { invalid } from '../errors.js'
import type { Kernels, MatrixOptions } from '../ports.js'
import { isFloat32Array } from '../realms.js'

/** More than any model has. Sums of int8 products of so many stay within 32 bits. */
export const MAX_DIMS = 65_536

/**
 * Squared length up to which vectors are taken. Dot products of two such vectors, and every partial sum on the way, stay
 * finite in float32 (Cauchy-Schwarz): no device ever has to agree with another on what infinity minus infinity is.
 */
const MAX_SQUARES = 1e38

/** What was given instead, for a message: short, and for any value at all. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40))
  if (typeof value === 'object' && value !== null) return value.constructor?.name ?? 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}

export function checkDims(dims: number): void {
  if (!Number.isInteger(dims) || dims < 1 || dims > MAX_DIMS)
    throw invalid(`dims must be a whole number from 1 to ${MAX_DIMS}; got ${shown(dims)}`)
}

export function checkFloats(values: Float32Array, what: string): void {
  if (!isFloat32Array(values)) throw invalid(`${what} must be a Float32Array; got ${shown(values)}`)
}

/** 0 or more. */
export function checkCount(count: number, what: string): void {
  if (!Number.isInteger(count) || count < 0)
    throw invalid(`${what} must be a whole number, 0 or more; got ${shown(count)}`)
}

/** Not a promise of them, as it easily comes. */
export function checkKernels(kernels: Kernels): void {
  if (typeof kernels?.load !== 'function')
    throw invalid(`this needs what openKernels resolves with; got ${shown(kernels)}`)
}

export function checkOptions(options: object, what: string): void {
  if (typeof options !== 'object' || options === null) throw invalid(`${what} must be an object; got ${shown(options)}`)
}

/** How many whole rows of `dims` floats `matrix` holds. */
export function rowsOf(matrix: Float32Array, dims: number, what = 'matrix'): number {
  checkDims(dims)
  checkFloats(matrix, what)
  if (matrix.length % dims !== 0) throw invalid(`${what} has ${matrix.length} floats: no whole rows of ${dims}`)
  return matrix.length / dims
}

/** Rows that may be multiplied: none holds a NaN or an infinity, or is longer than 1e19. */
export function checkRows(matrix: Float32Array, dims: number): void {
  for (let start = 0, row = 0; start < matrix.length; start += dims, row++)
    checkLength(matrix, start, start + dims, () => `row ${row}`)
}

/** Whole rows of int8 with a scale each, none of which makes a row longer than may be multiplied; returns how many. */
export function checkInt8Rows(rows: Int8Array, scales: Float32Array, dims: number): number {
  if (Object.prototype.toString.call(rows) !== '[object Int8Array]')
    throw invalid(`rows must be an Int8Array; got ${shown(rows)}`)
  checkFloats(scales, 'scales')
  if (rows.length !== scales.length * dims)
    throw invalid(
      `${scales.length} scales go with ${scales.length} rows of ${dims} numbers; got ${rows.length} numbers`,
    )
  const most = Math.sqrt(MAX_SQUARES / dims) / 128
  for (const [row, scale] of scales.entries())
    if (!(scale >= 0 && scale <= most))
      throw invalid(`row ${row} has the scale ${scale}: it must be 0 or more, and finite`)
  return scales.length
}

/** Rows of a matrix that has `rows`, each higher than the one before. */
export function checkAmong(among: Uint32Array, rows: number): void {
  if (Object.prototype.toString.call(among) !== '[object Uint32Array]')
    throw invalid(`among must be a Uint32Array; got ${shown(among)}`)
  let next = 0
  for (let i = 0; i < among.length; i++) {
    const row = among[i]!
    if (row < next || row >= rows)
      throw invalid(`among must name rows below ${rows}, each higher than the one before; got ${row} at ${i}`)
    next = row + 1
  }
}

/** One vector that may be multiplied. */
export function checkVector(vector: Float32Array, dims: number, what = 'the query'): void {
  checkFloats(vector, what)
  if (vector.length !== dims) throw invalid(`${what} has ${vector.length} floats, not ${dims}`)
  checkLength(vector, 0, dims, () => what)
}

export interface MatrixShape {
  readonly rows: number
  readonly capacity: number
  readonly precision: 'float32' | 'int8'
}

/** What `load` was asked for; room for as many rows as there are, if for no more. */
export function matrixShape(matrix: Float32Array, dims: number, options: MatrixOptions): MatrixShape {
  const rows = rowsOf(matrix, dims)
  checkOptions(options, 'the options of a matrix')
  const { capacity = rows, precision = 'float32' } = options
  if (!Number.isInteger(capacity) || capacity < rows)
    throw invalid(`capacity must be a whole number, at least the ${rows} rows that are there; got ${shown(capacity)}`)
  if (precision !== 'float32' && precision !== 'int8')
    throw invalid(`precision must be float32 or int8; got ${shown(precision)}`)
  return { rows, capacity, precision }
}

function checkLength(values: Float32Array, start: number, end: number, what: () => string): void {
  if (squaresOf(values, start, end) <= MAX_SQUARES) return
  throw invalid(`${what()} holds a number that is not finite, or is longer than 1e19: it has no dot product`)
}

function squaresOf(values: Float32Array, start: number, end: number): number {
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  let i = start
  for (; i + 4 <= end; i += 4) {
    a += values[i]! * values[i]!
    b += values[i + 1]! * values[i + 1]!
    c += values[i + 2]! * values[i + 2]!
    d += values[i + 3]! * values[i + 3]!
  }
  for (; i < end; i++) a += values[i]! * values[i]!
  return a + b + c + d
}
