// One suite for every device without a browser: the port's promises, against plain definitions.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Kernels } from '../../src/ports.js'
import { anyDims, anyFloat, anyMatrix, farthest, HOSTS, lengthOf, plainDot } from './kernels.js'

describe.each(HOSTS)('%s kernels', (name, open) => {
  let kernels: Kernels
  beforeAll(async () => {
    kernels = await open()
  })
  afterAll(() => kernels.close())

  it('is the device that it says', () => expect(kernels.device).toBe(name))

  it('multiplies every row with the query, whatever the shape', async () => {
    await fc.assert(
      fc.asyncProperty(anyMatrix, async ({ matrix, dims, rows, query }) => {
        const loaded = await kernels.load(matrix, dims)
        const scores = await loaded.dot(query)
        loaded.free()
        expect(scores).toHaveLength(rows)
        for (const [row, expected] of plainDot(matrix, query).entries()) {
          const lengths = lengthOf(query) * lengthOf(matrix.subarray(row * dims, (row + 1) * dims))
          expect(Math.abs(scores[row]! - expected)).toBeLessThanOrEqual(1e-5 * Math.max(1, lengths))
        }
      }),
    )
  })

  it('finds the nearest rows as a full sort of its own scores would, ties by the lower row', async () => {
    await fc.assert(
      fc.asyncProperty(anyMatrix, fc.nat(50), async ({ matrix, dims, rows, query }, k) => {
        const loaded = await kernels.load(matrix, dims)
        const all = await loaded.dot(query)
        const nearest = await loaded.nearest(query, k)
        loaded.free()
        const order = [...all.keys()].sort((a, b) => all[b]! - all[a]! || a - b).slice(0, k)
        expect([...nearest.rows]).toEqual(order)
        expect([...nearest.scores]).toEqual(order.map(row => all[row]))
        expect(nearest.rows).toHaveLength(Math.min(k, rows))
      }),
    )
  })

  it('copies what it loads, and leaves arguments as they are', async () => {
    const matrix = Float32Array.of(1, 2, 3, 4)
    const query = Float32Array.of(1, 1)
    const loaded = await kernels.load(matrix, 2)
    matrix.fill(9)
    const scores = await loaded.dot(query)
    query.fill(7)
    expect([...scores]).toEqual([3, 7])
    await loaded.dot(query)
    expect([...scores]).toEqual([3, 7])
    expect([...loaded.read(1, 1)]).toEqual([3, 4])
    loaded.read(0, 2).fill(0)
    expect([...loaded.read(0, 2)]).toEqual([1, 2, 3, 4])
    loaded.free()
  })

  it('follows any sequence of puts and cuts, as an array of rows would', async () => {
    const step = fc.oneof(
      fc.record({ put: fc.nat(20), rows: fc.nat(4), value: anyFloat }),
      fc.record({ cut: fc.nat(20) }),
    )
    await fc.assert(
      fc.asyncProperty(
        anyDims,
        fc.array(step, { maxLength: 12 }),
        fc.constantFrom('float32', 'int8'),
        async (dims, steps, precision) => {
          const model: number[] = []
          const loaded = await kernels.load(new Float32Array(0), dims, { capacity: 20, precision })
          for (const one of steps) {
            if ('cut' in one) {
              loaded.cut(one.cut)
              model.length = Math.min(model.length, one.cut)
            } else {
              const first = Math.min(one.put, model.length)
              const rows = Math.min(one.rows, 20 - first)
              loaded.put(first, new Float32Array(rows * dims).fill(one.value))
              for (let row = 0; row < rows; row++) model[first + row] = one.value
            }
            expect(loaded.rows).toBe(model.length)
          }
          const kept = loaded.read(0, loaded.rows)
          const scores = await loaded.dot(new Float32Array(dims).fill(1 / dims))
          loaded.free()
          // Rows of equal numbers lose nothing as int8, but for rounding.
          for (const [row, value] of model.entries()) {
            expect(kept[row * dims + dims - 1]).toBeCloseTo(value, 5)
            expect(scores[row]).toBeCloseTo(value, 5)
          }
        },
      ),
    )
  })

  it('refuses what does not fit, and changes nothing', async () => {
    const loaded = await kernels.load(Float32Array.of(1, 2, 3, 4), 2, { capacity: 3 })
    const query = Float32Array.of(1, 0)
    const invalid = { code: 'INVALID_INPUT' }
    for (const dims of [0, -1, 1.5, Number.NaN, 65_537])
      await expect(kernels.load(new Float32Array(4), dims), `dims ${dims}`).rejects.toMatchObject(invalid)
    await expect(kernels.load(new Float32Array(5), 2)).rejects.toMatchObject(invalid)
    await expect(kernels.load([1, 2] as unknown as Float32Array, 2)).rejects.toMatchObject(invalid)
    for (const capacity of [1, -1, 2.5, Number.POSITIVE_INFINITY])
      await expect(kernels.load(new Float32Array(4), 2, { capacity })).rejects.toMatchObject(invalid)
    for (const wrong of [new Float32Array(3), new Float32Array(0), Float32Array.of(1, Number.NaN), [1, 0] as never]) {
      await expect(loaded.dot(wrong)).rejects.toMatchObject(invalid)
      await expect(loaded.nearest(wrong, 1)).rejects.toMatchObject(invalid)
    }
    for (const k of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
      await expect(loaded.nearest(query, k)).rejects.toMatchObject(invalid)
    const code = expect.objectContaining(invalid)
    expect(() => loaded.put(3, new Float32Array(2))).toThrow(code)
    expect(() => loaded.put(-1, new Float32Array(2))).toThrow(code)
    expect(() => loaded.put(2, new Float32Array(4))).toThrow(code)
    expect(() => loaded.put(0, new Float32Array(3))).toThrow(code)
    expect(() => loaded.cut(-1)).toThrow(code)
    expect(() => loaded.read(1, 2)).toThrow(code)
    expect([...(await loaded.dot(query))]).toEqual([1, 3])
    loaded.free()
  })

  it('says what is wrong with an argument of another type', async () => {
    const loaded = await kernels.load(Float32Array.of(1, 2), 2)
    const floats = new Float32Array(2)
    const asked: [() => unknown, RegExp][] = [
      [() => kernels.load([1, 2] as never, 2), /^matrix must be a Float32Array; got Array$/],
      [() => kernels.load(floats, '2' as never), /^dims must be .*; got "2"$/],
      [() => kernels.load(floats, Symbol('two') as never), /^dims must be .*; got Symbol\(two\)$/],
      [() => kernels.load(floats, 2, null as never), /^the options of a matrix must be an object; got null$/],
      [
        () => kernels.load(floats, 2, { precision: 'int4' as never }),
        /^precision must be float32 or int8; got "int4"$/,
      ],
      [() => kernels.load(floats, 2, { capacity: '3' as never }), /^capacity must be .*; got "3"$/],
      [() => loaded.dot(new Float64Array(2) as never), /^the query must be a Float32Array; got Float64Array$/],
      [() => loaded.nearest(floats, null as never), /^k must be .*; got null$/],
      [() => loaded.put('0' as never, floats), /; got "0"$/],
      [() => loaded.put(0, [1, 2] as never), /must be a Float32Array; got Array$/],
      [() => loaded.cut(undefined as never), /^rows must be .*; got undefined$/],
      [() => loaded.read(undefined as never, 1), /^first must be .*; got undefined$/],
      [() => loaded.read(0, 0.5), /^count must be .*; got 0.5$/],
      [() => kernels.normalize([3, 4] as never, 2), /^matrix must be a Float32Array; got Array$/],
    ]
    for (const [ask, message] of asked)
      await expect((async () => ask())(), String(message)).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.stringMatching(message),
      })
    loaded.free()
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38])('takes no row with %f', async bad => {
    const row = new Float32Array(21)
    row[20] = bad
    await expect(kernels.load(row, 21)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    const loaded = await kernels.load(new Float32Array(21), 21)
    expect(() => loaded.put(0, row)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
    expect([...loaded.read(0, 1)]).toEqual([...new Float32Array(21)])
    loaded.free()
  })

  it('gives finite scores for the longest vectors that it takes', async () => {
    const long = new Float32Array(512).fill(4e17)
    const loaded = await kernels.load(long, 512)
    const [score] = await loaded.dot(long.map((x, i) => (i % 2 ? -x : x)))
    const [most] = await loaded.dot(long)
    loaded.free()
    expect(Math.abs(score!)).toBeLessThan(1e32)
    expect(most! / (512 * 1.6e35)).toBeCloseTo(1, 4)
  })

  it('has matrices without rows, with room or without', async () => {
    for (const options of [{}, { capacity: 5 }, { precision: 'int8' as const }]) {
      const loaded = await kernels.load(new Float32Array(0), 7, options)
      expect(await loaded.dot(new Float32Array(7))).toHaveLength(0)
      expect((await loaded.nearest(new Float32Array(7), 3)).rows).toHaveLength(0)
      loaded.free()
    }
  })

  it('answers nothing once freed or closed', async () => {
    const other = await open()
    const [freed, left] = [await other.load(new Float32Array(4), 2), await other.load(new Float32Array(4), 2)]
    freed.free()
    freed.free()
    const closed = { code: 'CLOSED' }
    await expect(freed.dot(new Float32Array(2))).rejects.toMatchObject(closed)
    expect(() => freed.put(0, new Float32Array(2))).toThrow(expect.objectContaining(closed))
    expect([...(await left.dot(new Float32Array(2)))]).toEqual([0, 0])
    other.close()
    other.close()
    await expect(left.dot(new Float32Array(2))).rejects.toMatchObject(closed)
    await expect(other.load(new Float32Array(2), 2)).rejects.toMatchObject(closed)
    expect(() => other.normalize(new Float32Array(2), 2)).toThrow(expect.objectContaining(closed))
    left.free()
  })

  it('scales rows to length 1; zeros and rows that are not finite stay', () => {
    fc.assert(
      fc.property(anyMatrix, ({ matrix, dims, rows }) => {
        const scaled = matrix.slice()
        kernels.normalize(scaled, dims)
        for (let start = 0; start < rows * dims; start += dims) {
          const row = matrix.subarray(start, start + dims)
          const length = lengthOf(row) || 1
          const expected = row.map(x => x / length)
          expect(farthest(scaled.subarray(start, start + dims), expected)).toBeLessThanOrEqual(1e-6)
        }
      }),
    )
    const odd = Float32Array.of(
      0,
      0,
      0,
      0,
      0,
      1,
      Number.NaN,
      2,
      3,
      4,
      3,
      Number.POSITIVE_INFINITY,
      0,
      0,
      0,
      0,
      3,
      4,
      0,
      0,
    )
    kernels.normalize(odd, 5)
    expect([...odd]).toEqual(
      [0, 0, 0, 0, 0, 1, Number.NaN, 2, 3, 4, 3, Number.POSITIVE_INFINITY, 0, 0, 0, 0].concat(
        [...Float32Array.of(0.6, 0.8)],
        [0, 0],
      ),
    )
    const huge = Float32Array.of(3e38, 3e38)
    kernels.normalize(huge, 2)
    expect(huge[0]).toBeCloseTo(Math.SQRT1_2, 6)
  })
})
