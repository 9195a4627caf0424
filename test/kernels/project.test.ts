// The map: principal components against what is known of the data, and the same map every time.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { JsKernels } from '../../src/kernels/js.js'
import { type Projection, project } from '../../src/kernels/project.js'
import { openWasmKernels } from '../../src/kernels/wasm.js'
import type { Kernels } from '../../src/ports.js'
import { anyMatrix, farthest, HOSTS, lengthOf, randomOf } from './kernels.js'

async function mapOf(kernels: Kernels, matrix: Float32Array, dims: number): Promise<Projection> {
  const loaded = await kernels.load(matrix, dims)
  try {
    return await project(kernels, loaded)
  } finally {
    loaded.free()
  }
}

/** Points spread along given directions, each with its own width. */
function spread(
  rows: number,
  axes: readonly (readonly number[])[],
  widths: readonly number[],
  shift = 5,
): Float32Array {
  const next = randomOf(3)
  const dims = axes[0]!.length
  const matrix = new Float32Array(rows * dims).fill(shift)
  for (let row = 0; row < rows; row++)
    for (const [i, axis] of axes.entries()) {
      // Two uniform numbers added: a single peak, and no equal widths by chance.
      const at = widths[i]! * (next() + next() - 1)
      for (let d = 0; d < dims; d++) matrix[row * dims + d]! += at * axis[d]!
    }
  return matrix
}

describe.each(HOSTS)('a map drawn by %s kernels', (_, open) => {
  let kernels: Kernels
  beforeAll(async () => {
    kernels = await open()
  })
  afterAll(() => kernels.close())

  it('finds the directions in which the vectors differ most', async () => {
    const [u, v, w] = [
      [0.6, 0, 0.8, 0, 0],
      [0.8, 0, -0.6, 0, 0],
      [0, 0, 0, 1, 0],
    ]
    const { shares, place } = await mapOf(kernels, spread(3000, [u, v, w], [10, 3, 0.1]), 5)
    expect(shares[0]).toBeGreaterThan(0.9)
    expect(shares[0] + shares[1]).toBeGreaterThan(0.999)
    // From the mean (about 5 everywhere) one step along u is one step along x.
    const [from, to] = [place(new Float32Array(5).fill(5)), place(Float32Array.from(u, x => 5 + x))]
    expect(Math.abs(to[0] - from[0])).toBeCloseTo(1, 2)
    expect(Math.abs(to[1] - from[1])).toBeLessThan(0.05)
  })

  it('shows as much variance as any other two directions would', async () => {
    await fc.assert(
      fc.asyncProperty(anyMatrix, fc.nat(), async ({ matrix, dims, rows }, seed) => {
        const { points, shares } = await mapOf(kernels, matrix, dims)
        expect(points).toHaveLength(2 * rows)
        expect(points.every(Number.isFinite)).toBe(true)
        expect(shares[0]).toBeGreaterThanOrEqual(shares[1] - 1e-3)
        expect(shares[0] + shares[1]).toBeLessThanOrEqual(1 + 1e-6)
        const next = randomOf(seed)
        const axis = Float32Array.from({ length: dims }, () => next() - 0.5)
        expect(shareAlong(matrix, dims, axis)).toBeLessThanOrEqual(shares[0] + 1e-3)
      }),
    )
  })

  it('keeps the distances of vectors that lie in a plane', async () => {
    const matrix = spread(
      200,
      [
        [0.6, 0.8, 0],
        [0, 0, 1],
      ],
      [4, 2],
      -7,
    )
    const { points, shares } = await mapOf(kernels, matrix, 3)
    expect(shares[0] + shares[1]).toBeCloseTo(1, 6)
    for (let row = 1; row < 200; row++) {
      const there = matrix.slice(0, 3).map((x, d) => x - matrix[3 * row + d]!)
      const here = points.slice(0, 2).map((x, d) => x - points[2 * row + d]!)
      expect(lengthOf(here)).toBeCloseTo(lengthOf(there), 4)
    }
  })

  it('gives the same map each time, and places a vector where it lies', async () => {
    await fc.assert(
      fc.asyncProperty(anyMatrix, async ({ matrix, dims, rows }) => {
        const first = await mapOf(kernels, matrix, dims)
        expect(await mapOf(kernels, matrix.slice(), dims)).toMatchObject({ points: first.points, shares: first.shares })
        for (let row = 0; row < rows; row++) {
          const placed = first.place(matrix.slice(row * dims, (row + 1) * dims))
          expect(farthest(placed, first.points.subarray(2 * row, 2 * row + 2))).toBeLessThanOrEqual(1e-5)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('puts vectors that do not differ, or one alone, in the middle', async () => {
    for (const rows of [0, 1, 7]) {
      const { points, shares } = await mapOf(kernels, new Float32Array(rows * 4).fill(0.3), 4)
      expect([...points]).toEqual(new Array(2 * rows).fill(0))
      expect(shares).toEqual([0, 0])
    }
    // In one dimension there is no second axis.
    expect([...(await mapOf(kernels, Float32Array.of(1, 3), 1)).points]).toEqual([-1, 0, 1, 0])
  })

  it('sees one direction where there is but one, whatever the size of the numbers', async () => {
    for (const size of [1e-30, 1, 1e15]) {
      const line = Float32Array.from({ length: 300 }, (_, i) => size * ((i % 3) + 1) * Math.floor(i / 3))
      const { points, shares } = await mapOf(kernels, line, 3)
      expect(shares[0]).toBeCloseTo(1, 6)
      expect(shares[1]).toBe(0)
      for (let row = 1; row < 100; row++) {
        expect((points[2 * row]! - points[0]!) / (size * Math.sqrt(14) * row)).toBeCloseTo(1, 4)
        expect(points[2 * row + 1]).toBe(0)
      }
    }
  })

  it('places no vector that is none', async () => {
    const { place } = await mapOf(kernels, new Float32Array(4), 2)
    for (const bad of [new Float32Array(4), Float32Array.of(1, Number.NaN), [1, 2] as never])
      expect(() => place(bad)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
  })

  it('is drawn of a matrix that was loaded, and of nothing else', async () => {
    const invalid = { code: 'INVALID_INPUT' }
    await expect(project(kernels, new Float32Array(4) as never)).rejects.toMatchObject(invalid)
    await expect(
      project(Promise.resolve(kernels) as never, await kernels.load(new Float32Array(4), 2)),
    ).rejects.toMatchObject(invalid)
    const freed = await kernels.load(new Float32Array(4), 2)
    freed.free()
    await expect(project(kernels, freed)).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe('the same map', () => {
  it('is drawn by every device, and by plain float64: up to 1e-5 and the sign of an axis', async () => {
    const [js, wasm] = [new JsKernels(), await openWasmKernels()]
    const next = randomOf(11)
    for (const [rows, dims] of [
      [40, 3],
      [900, 70],
      [3000, 512],
    ] as const) {
      const axes = [0, 1, 2].map(() => Array.from({ length: dims }, () => (next() - 0.5) / Math.sqrt(dims)))
      const matrix = spread(rows, axes, [1, 0.4, 0.02], 0.01)
      const exact = exactMap(matrix, dims)
      for (const kernels of [js, wasm]) {
        const { points } = await mapOf(kernels, matrix, dims)
        for (const axis of [0, 1]) {
          const [ours, known] = [points, exact].map(map => map.filter((_, i) => i % 2 === axis))
          const apart = Math.min(
            farthest(ours!, known!),
            farthest(
              ours!,
              known!.map(value => -value),
            ),
          )
          expect(apart, `${kernels.device}, ${rows} x ${dims}, axis ${axis}`).toBeLessThanOrEqual(1e-5)
        }
      }
    }
    wasm.close()
  })
})

/** The definition, in float64: eigenvectors of the covariance of the rows that the axes are found on, until they stand still. */
function exactMap(matrix: Float32Array, dims: number): Float64Array {
  const rows = matrix.length / dims
  const count = Math.min(rows, 1024)
  const rowsAt = Array.from({ length: count }, (_, i) => Math.floor((i * rows) / count) * dims)
  const mean = Float64Array.from({ length: dims }, (_, d) =>
    rowsAt.reduce((sum, at) => sum + matrix[at + d]! / count, 0),
  )
  const points = new Float64Array(2 * rows)
  const found: Float64Array[] = []
  for (const place of [0, 1]) {
    let axis = Float64Array.from({ length: dims }, (_, d) => 1 + (d % 7))
    for (let round = 0; round < 20; round++) {
      const sum = new Float64Array(dims)
      for (const at of rowsAt) {
        let along = 0
        for (let d = 0; d < dims; d++) along += (matrix[at + d]! - mean[d]!) * axis[d]!
        for (let d = 0; d < dims; d++) sum[d]! += along * (matrix[at + d]! - mean[d]!)
      }
      for (const other of found) {
        const share = sum.reduce((total, value, d) => total + value * other[d]!, 0)
        for (let d = 0; d < dims; d++) sum[d]! -= share * other[d]!
      }
      const length = Math.hypot(...sum)
      axis = sum.map(value => value / length)
    }
    found.push(axis)
    for (let row = 0; row < rows; row++)
      for (let d = 0; d < dims; d++) points[2 * row + place]! += (matrix[row * dims + d]! - mean[d]!) * axis[d]!
  }
  return points
}

function shareAlong(matrix: Float32Array, dims: number, axis: Float32Array): number {
  const rows = matrix.length / dims
  const length = lengthOf(axis)
  const mean = Float64Array.from({ length: dims }, (_, d) => {
    let sum = 0
    for (let row = 0; row < rows; row++) sum += matrix[row * dims + d]! / rows
    return sum
  })
  let [along, total] = [0, 0]
  for (let row = 0; row < rows; row++) {
    let product = 0
    for (let d = 0; d < dims; d++) {
      const x = matrix[row * dims + d]! - mean[d]!
      product += (x * axis[d]!) / length
      total += x * x
    }
    along += product * product
  }
  return total > 0 ? along / total : 0
}
