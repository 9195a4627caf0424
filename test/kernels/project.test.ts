// The map: principal components against what is known of the data, and the same map every time.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { project } from '../../src/kernels/project.js'
import { anyMatrix, lengthOf, randomOf } from './kernels.js'

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

describe('project', () => {
  it('finds the directions in which the vectors differ most', () => {
    const [u, v, w] = [
      [0.6, 0, 0.8, 0, 0],
      [0.8, 0, -0.6, 0, 0],
      [0, 0, 0, 1, 0],
    ]
    const { shares, place } = project(spread(3000, [u, v, w], [10, 3, 0.1]), 5)
    expect(shares[0]).toBeGreaterThan(0.9)
    expect(shares[0] + shares[1]).toBeGreaterThan(0.999)
    // From the mean (about 5 everywhere) one step along u is one step along x.
    const [from, to] = [place(new Float32Array(5).fill(5)), place(Float32Array.from(u, x => 5 + x))]
    expect(Math.abs(to[0] - from[0])).toBeCloseTo(1, 2)
    expect(Math.abs(to[1] - from[1])).toBeLessThan(0.05)
  })

  it('shows as much variance as any other two directions would', () => {
    fc.assert(
      fc.property(anyMatrix, fc.nat(), ({ matrix, dims, rows }, seed) => {
        const { points, shares } = project(matrix, dims)
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

  it('keeps the distances of vectors that lie in a plane', () => {
    const matrix = spread(
      200,
      [
        [0.6, 0.8, 0],
        [0, 0, 1],
      ],
      [4, 2],
      -7,
    )
    const { points, shares } = project(matrix, 3)
    expect(shares[0] + shares[1]).toBeCloseTo(1, 6)
    for (let row = 1; row < 200; row++) {
      const there = matrix.slice(0, 3).map((x, d) => x - matrix[3 * row + d]!)
      const here = points.slice(0, 2).map((x, d) => x - points[2 * row + d]!)
      expect(lengthOf(here)).toBeCloseTo(lengthOf(there), 4)
    }
  })

  it('gives the same map each time, and places a vector where it lies', () => {
    fc.assert(
      fc.property(anyMatrix, ({ matrix, dims, rows }) => {
        const first = project(matrix, dims)
        expect(project(matrix.slice(), dims)).toMatchObject({ points: first.points, shares: first.shares })
        for (let row = 0; row < rows; row++) {
          const [x, y] = first.place(matrix.slice(row * dims, (row + 1) * dims))
          expect([Math.fround(x), Math.fround(y)]).toEqual([...first.points.subarray(2 * row, 2 * row + 2)])
        }
      }),
      { numRuns: 30 },
    )
  })

  it('puts vectors that do not differ, or one alone, in the middle', () => {
    for (const rows of [0, 1, 7]) {
      const { points, shares } = project(new Float32Array(rows * 4).fill(0.3), 4)
      expect([...points]).toEqual(new Array(2 * rows).fill(0))
      expect(shares).toEqual([0, 0])
    }
    // In one dimension there is no second axis.
    expect([...project(Float32Array.of(1, 3), 1).points]).toEqual([-1, 0, 1, 0])
  })

  it('refuses numbers that are not finite', () => {
    const invalid = expect.objectContaining({ code: 'INVALID_INPUT' })
    expect(() => project(Float32Array.of(1, Number.NaN), 2)).toThrow(invalid)
    expect(() => project(new Float32Array(3), 2)).toThrow(invalid)
    expect(() => project(new Float32Array(4), 2).place(new Float32Array(4))).not.toThrow(TypeError)
  })
})

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
