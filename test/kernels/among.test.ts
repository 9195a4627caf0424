// Rows that are int8 already, a part of the rows, and ties: every device against the reference and against all rows.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { quantize } from '../../src/kernels/int8.js'
import { JsKernels } from '../../src/kernels/js.js'
import { topK } from '../../src/kernels/top-k.js'
import { anyMatrix, HOSTS, sameBits } from './kernels.js'

const PRECISIONS = ['float32', 'int8'] as const

describe.each(HOSTS)('%s kernels', (_name, open) => {
  it('keeps rows that are int8 already as it keeps those that it made int8 itself', async () => {
    const kernels = await open()
    const reference = new JsKernels()
    await fc.assert(
      fc.asyncProperty(anyMatrix, async ({ matrix, dims, rows, query }) => {
        const [bytes, scales] = [new Int8Array(matrix.length), new Float32Array(rows)]
        quantize(matrix, dims, bytes, scales)
        const made = await reference.load(matrix, dims, { precision: 'int8' })
        const put = await kernels.load(new Float32Array(0), dims, { precision: 'int8', capacity: rows })
        const half = rows >> 1
        put.putInt8(0, bytes.subarray(0, half * dims), scales.subarray(0, half))
        put.putInt8(half, bytes.subarray(half * dims), scales.subarray(half))
        expect(put.rows).toBe(rows)
        expect(sameBits(put.read(0, rows), made.read(0, rows))).toBe(true)
        expect(sameBits(await put.dot(query), await made.dot(query))).toBe(true)
        put.free()
      }),
    )
    kernels.close()
  })

  it('multiplies the rows that it is told and no other, with the very scores of all rows', async () => {
    const kernels = await open()
    const some = fc.tuple(
      anyMatrix,
      fc.infiniteStream(fc.boolean()),
      fc.nat(50),
      fc.boolean(),
      fc.constantFrom(...PRECISIONS),
    )
    await fc.assert(
      fc.asyncProperty(some, async ([{ matrix, dims, rows, query }, picks, k, higher, precision]) => {
        const loaded = await kernels.load(matrix, dims, { precision })
        const all = await loaded.dot(query)
        const among = Uint32Array.from({ length: rows }, (_, row) => row).filter(() => picks.next().value)
        const ties = higher ? 'higher' : 'lower'
        const found = await loaded.nearest(query, k, { among, ties })
        const order = [...among].sort((a, b) => all[b]! - all[a]! || (higher ? b - a : a - b)).slice(0, k)
        expect([...found.rows]).toEqual(order)
        expect([...found.scores]).toEqual(order.map(row => all[row]))
        const every = await loaded.nearest(query, k, { ties })
        const whole = await loaded.nearest(query, k, { ties, among: Uint32Array.from(all.keys()) })
        expect([...every.rows]).toEqual([...whole.rows])
        const least = order.length > 0 ? all[order[order.length >> 1]!]! : 0
        const good = await loaded.nearest(query, k, { among, ties, least })
        expect([...good.rows]).toEqual(order.filter(row => all[row]! >= least))
        loaded.free()
      }),
    )
    kernels.close()
  })

  it('finds the nearest of many rows, whichever part of them is wanted', async () => {
    const kernels = await open()
    const [dims, rows] = [3, 10_000]
    const matrix = Float32Array.from({ length: rows * dims }, (_, i) => Math.sin(i % 7919))
    const loaded = await kernels.load(matrix, dims, { precision: 'int8' })
    const query = Float32Array.of(1, -1, 0.5)
    const all = await loaded.dot(query)
    for (const step of [1, 2, 5, 50]) {
      const among = Uint32Array.from(all.keys()).filter(row => row % step === 0)
      for (const ties of ['higher', 'lower'] as const) {
        const order = [...among].sort((a, b) => all[b]! - all[a]! || (ties === 'higher' ? b - a : a - b)).slice(0, 99)
        expect([...(await loaded.nearest(query, 99, { among, ties })).rows]).toEqual(order)
        if (step === 1) expect([...(await loaded.nearest(query, 99, { ties })).rows]).toEqual(order)
      }
    }
    kernels.close()
  })

  it('refuses what is no such thing', async () => {
    const kernels = await open()
    const floats = await kernels.load(new Float32Array(4), 2)
    const bytes = await kernels.load(new Float32Array(4), 2, { precision: 'int8', capacity: 3 })
    const invalid = expect.objectContaining({ code: 'INVALID_INPUT' })
    const one = Float32Array.of(1)
    expect(() => floats.putInt8(0, new Int8Array(2), one)).toThrow(invalid)
    for (const [first, rows, scales] of [
      [2, new Int8Array(4), Float32Array.of(1, 1)],
      [3, new Int8Array(2), one],
      [0, new Int8Array(3), one],
      [0, new Uint8Array(2) as never, one],
      [0, new Int8Array(2), Float32Array.of(Number.NaN)],
      [0, new Int8Array(2), Float32Array.of(-1)],
      [0, new Int8Array(2), Float32Array.of(Number.POSITIVE_INFINITY)],
    ] as const)
      expect(() => bytes.putInt8(first, rows, scales)).toThrow(invalid)
    const query = new Float32Array(2)
    for (const among of [Uint32Array.of(2), Uint32Array.of(1, 1), Uint32Array.of(1, 0), [0] as never])
      await expect(bytes.nearest(query, 1, { among })).rejects.toEqual(invalid)
    await expect(bytes.nearest(query, 1, { ties: 'newer' as never })).rejects.toEqual(invalid)
    await expect(bytes.nearest(query, 1, { least: Number.NaN })).rejects.toEqual(invalid)
    await expect(bytes.nearest(query, 1, null as never)).rejects.toEqual(invalid)
    kernels.close()
  })
})

it('gives equal scores in the order of the end that is asked for', () => {
  const scores = Float32Array.of(1, 3, 3, 1, 3, 2)
  expect([...topK(scores, 4).rows]).toEqual([1, 2, 4, 5])
  expect([...topK(scores, 4, true).rows]).toEqual([4, 2, 1, 5])
  expect([...topK(scores, 5, true).rows]).toEqual([4, 2, 1, 5, 3])
})
