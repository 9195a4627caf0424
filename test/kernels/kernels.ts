// What the kernel tests share: every device that runs without a browser, and made-up matrices.
import fc from 'fast-check'
import { JsKernels } from '../../src/kernels/js.js'
import { openWasmKernels } from '../../src/kernels/wasm.js'
import type { Kernels } from '../../src/ports.js'

export const HOSTS: readonly (readonly [string, () => Promise<Kernels>])[] = [
  ['js', async () => new JsKernels()],
  ['wasm', () => openWasmKernels()],
]

/** Dims around every boundary of SIMD code: below, at and above 4, 16 and 64; and some that models have. */
export const anyDims = fc.oneof(
  fc.integer({ min: 1, max: 70 }),
  fc.constantFrom(100, 127, 128, 129, 384, 511, 512, 513),
)

export const anyFloat = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1, max: 1 })

/** rows x dims numbers from -1 to 1; some rows come twice, so that there are ties. */
export const anyMatrix = fc
  .record({ dims: anyDims, rows: fc.integer({ min: 0, max: 40 }), seed: fc.nat(), twins: fc.boolean() })
  .map(({ dims, rows, seed, twins }) => {
    const next = randomOf(seed)
    const matrix = Float32Array.from({ length: rows * dims }, () => 2 * next() - 1)
    for (let row = 1; twins && row < rows; row += 3)
      matrix.copyWithin(row * dims, (row >> 1) * dims, ((row >> 1) + 1) * dims)
    const query = Float32Array.from({ length: dims }, () => 2 * next() - 1)
    return { dims, rows, matrix, query }
  })

export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

export function randomMatrix(rows: number, dims: number, seed = 1): Float32Array {
  const next = randomOf(seed)
  return Float32Array.from({ length: rows * dims }, () => next() - 0.5)
}

/** The definition, in float64. */
export function plainDot(matrix: Float32Array, query: Float32Array): number[] {
  const dims = query.length
  return Array.from({ length: matrix.length / dims }, (_, row) =>
    query.reduce((sum, x, d) => sum + x * matrix[row * dims + d]!, 0),
  )
}

export function lengthOf(vector: Float32Array): number {
  return Math.hypot(...vector)
}

/** For large arrays: `toEqual` looks at each number for long. */
export function sameBits(a: Float32Array, b: Float32Array): boolean {
  return (
    a.length === b.length &&
    Buffer.compare(
      Buffer.from(a.buffer, a.byteOffset, a.byteLength),
      Buffer.from(b.buffer, b.byteOffset, b.byteLength),
    ) === 0
  )
}

/** The largest difference between two arrays of one length; NaN where one has a NaN. */
export function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN
  let most = 0
  for (let i = 0; i < a.length; i++) {
    const apart = Math.abs(a[i]! - b[i]!)
    if (!(apart <= most)) most = apart
  }
  return most
}
