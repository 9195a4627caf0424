// Vectors on a map: their two principal components. The kernels multiply; the same map for the same vectors.
import { invalid } from '../errors.js'
import type { KernelMatrix, Kernels } from '../ports.js'
import { checkKernels, checkVector, shown } from './checks.js'

/** Rows that the axes are found on, evenly spaced among all: more make the axes steadier, not other ones. */
const FITTED = 1024
const MAX_ROUNDS = 60
/** The axes are found when a round adds less than this share to the variance that they show: another plane is no better. */
const STILL = 1e-6
/** What is so much smaller than what it was computed from is rounding: of the kernels' float32, of a mean in float64. */
const ROUNDING = 1e-6
const MEAN_ROUNDING = 1e-12

export interface Projection {
  /** rows x 2, row-major: x along the direction in which the vectors differ most, y along the next one. */
  readonly points: Float32Array
  /** The share of the vectors' variance that x and y show, each from 0 to 1. */
  readonly shares: readonly [number, number]
  /** Where another vector of the same dims lies on this map. Throws INVALID_INPUT for what is none. */
  place(vector: Float32Array): [number, number]
}

/**
 * Principal component analysis of the rows of `matrix` by orthogonal iteration (power iteration on two vectors at once; Golub
 * and Van Loan, Matrix Computations, 7.3.2). Nothing in it is random: it begins at the row farthest from the mean, and an
 * axis points to where its largest number is positive. `kernels` hold a sample of the rows meanwhile. Points are off by
 * about 1e-7 of the length of a row, more in an int8 matrix. Rejects as `load` and `dot` do, and with INVALID_INPUT for
 * rows that were not loaded.
 */
export async function project(kernels: Kernels, matrix: KernelMatrix): Promise<Projection> {
  checkKernels(kernels)
  if (typeof matrix?.dot !== 'function') throw invalid(`a map needs a matrix that was loaded; got ${shown(matrix)}`)
  const { dims } = matrix
  const sample = sampleOf(matrix)
  const { x, y, shares } = await axesOf(kernels, sample, dims)
  const [alongX, alongY] = await Promise.all([dotOf(matrix, x), dotOf(matrix, y)])
  const [middleX, middleY] = [product(sample.mean, x), product(sample.mean, y)]
  const points = new Float32Array(2 * alongX.length)
  for (let row = 0; row < alongX.length; row++) {
    points[2 * row] = alongX[row]! - middleX
    points[2 * row + 1] = alongY[row]! - middleY
  }
  return {
    points,
    shares,
    place(vector) {
      checkVector(vector, dims, 'the vector')
      const exact = new Float64Array(vector)
      return [product(exact, x) - middleX, product(exact, y) - middleY]
    },
  }
}

interface Sample {
  readonly mean: Float64Array
  /** Rows less their mean, at most 1 long; none where they do not differ. */
  readonly rows: Float32Array
}

function sampleOf(matrix: KernelMatrix): Sample {
  const { dims } = matrix
  const count = Math.min(matrix.rows, FITTED)
  const rows = new Float64Array(count * dims)
  for (let i = 0; i < count; i++) rows.set(matrix.read(Math.floor((i * matrix.rows) / count), 1), i * dims)
  const before = longest(rows, dims)
  const mean = new Float64Array(dims)
  for (let at = 0; at < rows.length; ) for (let d = 0; d < dims; d++, at++) mean[d] = mean[d]! + rows[at]! / count
  for (let at = 0; at < rows.length; ) for (let d = 0; d < dims; d++, at++) rows[at] = rows[at]! - mean[d]!
  const length = longest(rows, dims)
  if (length <= MEAN_ROUNDING * before) return { mean, rows: new Float32Array(0) }
  // Neither axes nor shares depend on the scale, but float32 does.
  for (let at = 0; at < rows.length; at++) rows[at] = rows[at]! / length
  return { mean, rows: new Float32Array(rows) }
}

interface Axes {
  readonly x: Float64Array
  readonly y: Float64Array
  readonly shares: readonly [number, number]
}

/** Two axes at right angles; zeros where the rows differ in fewer directions. */
async function axesOf(kernels: Kernels, { rows }: Sample, dims: number): Promise<Axes> {
  if (rows.length === 0) return { x: new Float64Array(dims), y: new Float64Array(dims), shares: [0, 0] }
  // By rows and by columns: multiplying with the rows, and adding them up by weights, both are dot products.
  const byRow = await kernels.load(rows, dims)
  try {
    const byColumn = await kernels.load(transposed(rows, dims), rows.length / dims)
    try {
      return await iterated(byRow, byColumn, rows)
    } finally {
      byColumn.free()
    }
  } finally {
    byRow.free()
  }
}

async function iterated(byRow: KernelMatrix, byColumn: KernelMatrix, rows: Float32Array): Promise<Axes> {
  const { dims } = byRow
  const squares = squaresOf(rows, dims)
  let x = unit(rowAt(rows, dims, indexOfMost(squares)))
  const onX = await dotOf(byRow, x)
  let y = unit(without(rowAt(rows, dims, indexOfMost(squares.map((square, i) => square - onX[i]! ** 2))), x), ROUNDING)
  const total = squares.reduce((sum, square) => sum + square, 0)
  for (let round = 0, shown = 0; ; round++) {
    const plane = turned(x, await dotOf(byRow, x), y, await dotOf(byRow, y))
    const [varianceX, varianceY] = [product(plane.alongX, plane.alongX), product(plane.alongY, plane.alongY)]
    const before = shown
    shown = varianceX + varianceY
    if (round === MAX_ROUNDS || shown - before <= STILL * shown) {
      const shareOf = (variance: number) => Math.min(1, variance / total)
      return { x: upright(plane.x), y: upright(plane.y), shares: [shareOf(varianceX), shareOf(varianceY)] }
    }
    const towardsX = await dotOf(byColumn, unit(plane.alongX))
    const towardsY = await dotOf(byColumn, unit(plane.alongY))
    x = unit(towardsX)
    y = unit(without(towardsY, x), ROUNDING * lengthOf(towardsX))
  }
}

/** In float64, so that what is computed from it adds no error. */
async function dotOf(matrix: KernelMatrix, vector: Float64Array): Promise<Float64Array> {
  return new Float64Array(await matrix.dot(new Float32Array(vector)))
}

function transposed(rows: Float32Array, dims: number): Float32Array {
  const count = rows.length / dims
  const columns = new Float32Array(rows.length)
  for (let row = 0, at = 0; row < count; row++)
    for (let d = 0; d < dims; d++, at++) columns[d * count + row] = rows[at]!
  return columns
}

/**
 * Turns both axes within their plane so that the first shows as much as the plane can (Rayleigh-Ritz): where two directions
 * count almost the same, iterating alone would take long to tell them apart. `alongX` and `alongY` are the rows on them.
 */
function turned(x: Float64Array, alongX: Float64Array, y: Float64Array, alongY: Float64Array) {
  const angle = Math.atan2(2 * product(alongX, alongY), product(alongX, alongX) - product(alongY, alongY)) / 2
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  const first = (a: Float64Array, b: Float64Array) => a.map((value, i) => cos * value + sin * b[i]!)
  const second = (a: Float64Array, b: Float64Array) => b.map((value, i) => cos * value - sin * a[i]!)
  return { x: first(x, y), y: second(x, y), alongX: first(alongX, alongY), alongY: second(alongX, alongY) }
}

function squaresOf(rows: Float64Array | Float32Array, dims: number): Float64Array {
  const squares = new Float64Array(rows.length / dims)
  for (let row = 0, at = 0; row < squares.length; row++)
    for (let d = 0; d < dims; d++, at++) squares[row] = squares[row]! + rows[at]! * rows[at]!
  return squares
}

function longest(rows: Float64Array, dims: number): number {
  return Math.sqrt(squaresOf(rows, dims).reduce((most, square) => Math.max(most, square), 0))
}

/** The first of those that are the most, but for rounding. */
function indexOfMost(values: Float64Array): number {
  let index = 0
  for (const [i, value] of values.entries()) if (value > values[index]! * (1 + ROUNDING)) index = i
  return index
}

function rowAt(rows: Float32Array, dims: number, row: number): Float64Array {
  return new Float64Array(rows.subarray(row * dims, (row + 1) * dims))
}

function without(vector: Float64Array, axis: Float64Array): Float64Array {
  const share = product(vector, axis)
  return vector.map((value, d) => value - share * axis[d]!)
}

/** At length 1; zeros where it is no longer than `rounding`. */
function unit(vector: Float64Array, rounding = 0): Float64Array {
  const length = lengthOf(vector)
  return length > rounding ? vector.map(value => value / length) : vector.fill(0)
}

function upright(axis: Float64Array): Float64Array {
  let largest = 0
  for (const value of axis) if (Math.abs(value) > Math.abs(largest) + 1e-9) largest = value
  return largest < 0 ? axis.map(value => -value) : axis
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

function lengthOf(vector: Float64Array): number {
  return Math.sqrt(product(vector, vector))
}
