// What every kernel asks of its arguments. Throws INVALID_INPUT and changes nothing.
import { OpDbusError } from '../errors.js'
import type { PoolShape } from '../ports.js'

/** More than any model has. Sums of int8 products of so many stay within 32 bits. */
export const MAX_DIMS = 65_536

/**
 * Squared length up to which vectors are taken. Dot products of two such vectors, and every partial sum on the way, stay
 * finite in float32 (Cauchy-Schwarz): no device ever has to agree with another on what infinity minus infinity is.
 */
const MAX_SQUARES = 1e38

export function invalid(message: string): OpDbusError {
  return new OpDbusError('INVALID_INPUT', message)
}

export function checkDims(dims: number): void {
  if (!Number.isInteger(dims) || dims < 1 || dims > MAX_DIMS)
    throw invalid(`dims must be a whole number from 1 to ${MAX_DIMS}; got ${dims}`)
}

/** How many whole rows of `dims` floats `matrix` holds. */
export function rowsOf(matrix: Float32Array, dims: number, what = 'matrix'): number {
  checkDims(dims)
  if (!(matrix instanceof Float32Array)) throw invalid(`${what} must be a Float32Array`)
  if (matrix.length % dims !== 0) throw invalid(`${what} has ${matrix.length} floats: no whole rows of ${dims}`)
  return matrix.length / dims
}

/** Rows that may be multiplied: none holds a NaN or an infinity, or is longer than 1e19. */
export function checkRows(matrix: Float32Array, dims: number, what = 'row'): void {
  for (let start = 0, row = 0; start < matrix.length; start += dims, row++) {
    if (squaresOf(matrix, start, start + dims) <= MAX_SQUARES) continue
    throw invalid(`${what} ${row} holds a number that is not finite, or is longer than 1e19: it has no dot product`)
  }
}

export function checkQuery(query: Float32Array, dims: number): void {
  if (!(query instanceof Float32Array)) throw invalid('a query must be a Float32Array')
  if (query.length !== dims) throw invalid(`the query has ${query.length} floats, the rows have ${dims}`)
  if (!(squaresOf(query, 0, dims) <= MAX_SQUARES))
    throw invalid('the query holds a number that is not finite, or is longer than 1e19: it has no dot product')
}

export function checkK(k: number): void {
  if (!Number.isInteger(k) || k < 0) throw invalid(`k must be a whole number, 0 or more; got ${k}`)
}

export function checkPool(hidden: Float32Array, mask: Uint8Array, { rows, width, dims }: PoolShape): void {
  checkDims(dims)
  for (const [what, value] of Object.entries({ rows, width }))
    if (!Number.isInteger(value) || value < 0) throw invalid(`${what} must be a whole number, 0 or more; got ${value}`)
  const tokens = rows * width
  if (hidden.length !== tokens * dims || mask.length !== tokens)
    throw invalid(
      `${rows} texts of ${width} tokens of ${dims} floats are ${tokens * dims} floats and a mask of ${tokens}; ` +
        `got ${hidden.length} and ${mask.length}`,
    )
}

/** `capacity`, or as much as there is. */
export function checkCapacity(capacity: number | undefined, rows: number): number {
  if (capacity === undefined) return rows
  if (!Number.isInteger(capacity) || capacity < rows)
    throw invalid(`capacity must be a whole number, at least the ${rows} rows that are there; got ${capacity}`)
  return capacity
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
