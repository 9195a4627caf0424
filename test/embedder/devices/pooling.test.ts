// Pooling and scaling against the plain definition.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { finishRow, poolRow } from '../../../src/embedder/devices/pooling.js'

const floats = (min: number, max: number) =>
  fc.float32Array({ minLength: min, maxLength: max, noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 })

function pool(hidden: Float32Array, offset: number, tokens: number, mode: 'mean' | 'cls', dims: number): Float32Array {
  const out = new Float32Array(dims)
  poolRow(hidden, offset, dims, tokens, mode, new Float64Array(dims).fill(7), out)
  return out
}

const finish = (row: Float32Array, scale: boolean) => finishRow(row, 0, row.length, scale)

test('mean is the mean over the real tokens only; padding is not looked at', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 5 }),
      fc.nat(3),
      floats(0, 200),
      (dims, tokens, row, data) => {
        const width = tokens + 2
        const hidden = new Float32Array((row + 1) * width * dims).fill(Number.NaN)
        const offset = row * width * dims
        for (let i = 0; i < tokens * dims; i++) hidden[offset + i] = data[i % Math.max(data.length, 1)] ?? 0
        const expected = Float32Array.from({ length: dims }, (_, d) => {
          let sum = 0
          for (let token = 0; token < tokens; token++) sum += hidden[offset + token * dims + d]!
          return sum / Math.max(tokens, 1)
        })
        const pooled = pool(hidden, offset, tokens, 'mean', dims)
        for (const [d, value] of expected.entries()) expect(pooled[d]).toBeCloseTo(value, 5)
      },
    ),
  )
})

test('cls is the first token', () => {
  expect(pool(Float32Array.of(9, 9, 1, 2, 3, 4), 2, 2, 'cls', 2)).toEqual(Float32Array.of(1, 2))
})

test('scaling gives length 1 and keeps the direction', () => {
  fc.assert(
    fc.property(floats(1, 40), row => {
      const norm = Math.hypot(...row)
      fc.pre(norm > 1e-3)
      const scaled = row.slice()
      expect(finish(scaled, true)).toBe(true)
      expect(Math.hypot(...scaled)).toBeCloseTo(1, 5)
      for (const [i, x] of row.entries()) expect(scaled[i]).toBeCloseTo(x / norm, 5)
    }),
  )
})

test('zeros stay zeros; unscaled rows stay as they are', () => {
  const zeros = new Float32Array(5)
  expect(finish(zeros, true)).toBe(true)
  expect(zeros).toEqual(new Float32Array(5))
  const row = Float32Array.of(3, 4)
  expect(finish(row, false)).toBe(true)
  expect(row).toEqual(Float32Array.of(3, 4))
})

test('a row among others is scaled alone', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(3), (dims, row) => {
      const rows = Float32Array.from({ length: 4 * dims }, (_, i) => i + 1)
      const expected = rows.slice()
      const own = expected.subarray(row * dims, (row + 1) * dims)
      finish(own, true)
      expect(finishRow(rows, row * dims, dims, true)).toBe(true)
      expect(rows).toEqual(expected)
    }),
  )
})

test('a NaN or an infinity anywhere is no vector', () => {
  for (const bad of [Number.NaN, Infinity, -Infinity])
    for (let at = 0; at < 6; at++)
      for (const scale of [true, false]) {
        const row = Float32Array.of(1, 2, 3, 4, 5, 6)
        row[at] = bad
        expect(finish(row, scale)).toBe(false)
      }
})
