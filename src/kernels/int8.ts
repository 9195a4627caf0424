// Vectors as one byte a number: the reference that wasm/kernels.ts must give bit by bit. Pure arithmetic.
import { checkFloats, checkVector } from './checks.js'

/** Longest number below which a row is taken for zeros: its scale would not be a normal float32. */
const NOTHING = 1e-30

/**
 * The rows of `matrix` (rows x `dims`) as int8 into `out` from row `first` on, and what to multiply them by into `scales`.
 * Symmetric and per row: floor(x * 127 / max|x| + 0.5). Every step is rounded to float32, as the SIMD kernel does it.
 */
export function quantize(matrix: Float32Array, dims: number, out: Int8Array, scales: Float32Array, first = 0): void {
  const { fround } = Math
  for (let start = 0, row = first; start < matrix.length; start += dims, row++) {
    let most = 0
    for (let i = start; i < start + dims; i++) most = Math.max(most, Math.abs(matrix[i]!))
    const empty = most < fround(NOTHING)
    const inverse = empty ? 0 : fround(127 / most)
    scales[row] = empty ? 0 : most / 127
    for (let i = 0; i < dims; i++) out[row * dims + i] = Math.floor(fround(fround(matrix[start + i]! * inverse) + 0.5))
  }
}

/**
 * How far the dot product of `a` and `b`, both kept as int8, may be from the exact one: each number is off by at most half
 * a step, and the other vector multiplies that. For vectors of length 1 and 512 dims about 0.01; as a rule a tenth of it.
 * Throws INVALID_INPUT where they have no dot product.
 */
export function int8Error(a: Float32Array, b: Float32Array): number {
  checkFloats(a, 'a')
  checkVector(b, a.length, 'b')
  checkVector(a, b.length, 'a')
  return (stepOf(a) * (sumOf(b) + (b.length * stepOf(b)) / 2) + stepOf(b) * sumOf(a)) / 2
}

function stepOf(vector: Float32Array): number {
  return vector.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127
}

function sumOf(vector: Float32Array): number {
  return vector.reduce((sum, x) => sum + Math.abs(x), 0)
}
