// Vectors on a map: their two principal components. Pure arithmetic, and the same map for the same vectors.
import { checkRows, rowsOf } from './checks.js'

/** Rows that the axes are found on, evenly spaced among all: more make the axes steadier, not other ones. */
const FITTED = 1024
const MAX_ROUNDS = 60
/** The axes are found when a round adds less than this share to the variance that they show: another plane is no better. */
const STILL = 1e-6

export interface Projection {
  /** rows x 2, row-major: x along the direction in which the vectors differ most, y along the next one. */
  readonly points: Float32Array
  /** The share of the vectors' variance that x and y show, each from 0 to 1. */
  readonly shares: readonly [number, number]
  /** Where another vector of the same dims lies on this map. */
  place(vector: Float32Array): [number, number]
}

/**
 * Principal component analysis by orthogonal iteration (power iteration on two vectors at once; Golub and Van Loan, Matrix
 * Computations, 7.3.2), on `matrix` of rows x `dims`, row-major. Nothing in it is random: it begins at the row farthest from
 * the mean, and an axis points to where its largest number is positive. Throws INVALID_INPUT for numbers that are not finite.
 */
export function project(matrix: Float32Array, dims: number): Projection {
  const rows = rowsOf(matrix, dims)
  checkRows(matrix, dims)
  const sample = sampleOf(matrix, rows, dims)
  const mean = meanOf(sample, dims)
  center(sample, mean)
  const [x, y] = axesOf(sample, dims)
  const total = sample.reduce((sum, value) => sum + value * value, 0)
  const shareOf = (axis: Float64Array) => (total > 0 ? Math.min(1, lengthOf(times(sample, axis)) ** 2 / total) : 0)
  const along = (from: Float32Array, start: number, axis: Float64Array) => {
    let sum = 0
    for (let d = 0; d < dims; d++) sum += (from[start + d]! - mean[d]!) * axis[d]!
    return sum
  }
  const points = new Float32Array(2 * rows)
  for (let row = 0; row < rows; row++) {
    points[2 * row] = along(matrix, row * dims, x)
    points[2 * row + 1] = along(matrix, row * dims, y)
  }
  return {
    points,
    shares: [shareOf(x), shareOf(y)],
    place(vector) {
      rowsOf(vector, dims, 'vector')
      checkRows(vector, dims, 'vector')
      return [along(vector, 0, x), along(vector, 0, y)]
    },
  }
}

function sampleOf(matrix: Float32Array, rows: number, dims: number): Float64Array {
  const count = Math.min(rows, FITTED)
  const sample = new Float64Array(count * dims)
  for (let i = 0; i < count; i++) {
    const start = Math.floor((i * rows) / count) * dims
    sample.set(matrix.subarray(start, start + dims), i * dims)
  }
  return sample
}

function meanOf(sample: Float64Array, dims: number): Float64Array {
  const mean = new Float64Array(dims)
  for (let i = 0; i < sample.length; i++) mean[i % dims] = mean[i % dims]! + sample[i]!
  const count = Math.max(1, sample.length / dims)
  return mean.map(sum => sum / count)
}

function center(sample: Float64Array, mean: Float64Array): void {
  for (let i = 0; i < sample.length; i++) sample[i] = sample[i]! - mean[i % mean.length]!
}

/** Two axes at right angles; zeros where the rows differ in fewer directions. */
function axesOf(sample: Float64Array, dims: number): [Float64Array, Float64Array] {
  let x = farthestRow(sample, dims, undefined)
  let y = farthestRow(sample, dims, x)
  let shown = 0
  for (let round = 0; ; round++) {
    const plane = turned(x, times(sample, x), y, times(sample, y))
    ;[x, y] = [plane.x, plane.y]
    const before = shown
    shown = product(plane.alongX, plane.alongX) + product(plane.alongY, plane.alongY)
    if (round === MAX_ROUNDS || shown - before <= STILL * shown) return [upright(x), upright(y)]
    x = unit(back(sample, plane.alongX, dims))
    y = unit(without(back(sample, plane.alongY, dims), x))
  }
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

/** The direction of the row that is longest, of what `axis` does not already show of it. */
function farthestRow(sample: Float64Array, dims: number, axis: Float64Array | undefined): Float64Array {
  let best: Float64Array = new Float64Array(dims)
  let most = 0
  for (let start = 0; start < sample.length; start += dims) {
    const row = sample.slice(start, start + dims)
    const rest = axis ? without(row, axis) : row
    const length = lengthOf(rest)
    if (length > most * (1 + 1e-9)) [best, most] = [rest, length]
  }
  return unit(best)
}

/** sample x axis: one number a row. */
function times(sample: Float64Array, axis: Float64Array): Float64Array {
  const dims = axis.length
  const out = new Float64Array(sample.length / dims)
  for (let row = 0, at = 0; row < out.length; row++) {
    let sum = 0
    for (let d = 0; d < dims; d++, at++) sum += sample[at]! * axis[d]!
    out[row] = sum
  }
  return out
}

/** The rows of the sample added up, each as often as `weights` says. */
function back(sample: Float64Array, weights: Float64Array, dims: number): Float64Array {
  const out = new Float64Array(dims)
  for (let row = 0, at = 0; row < weights.length; row++) {
    const weight = weights[row]!
    for (let d = 0; d < dims; d++, at++) out[d] = out[d]! + weight * sample[at]!
  }
  return out
}

function without(vector: Float64Array, axis: Float64Array): Float64Array {
  const share = product(vector, axis)
  return vector.map((value, d) => value - share * axis[d]!)
}

/** At length 1; zeros where nothing is left but rounding. */
function unit(vector: Float64Array): Float64Array {
  const length = lengthOf(vector)
  return length > 1e-12 ? vector.map(value => value / length) : vector.fill(0)
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
