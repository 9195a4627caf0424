// WASM against the reference, number by number, and the memory that it lays out.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { int8Error } from '../../src/kernels/int8.js'
import { JsKernels } from '../../src/kernels/js.js'
import { selfCheck } from '../../src/kernels/self-check.js'
import { openWasmKernels } from '../../src/kernels/wasm.js'
import { anyMatrix, plainDot, randomMatrix, sameBits } from './kernels.js'

const js = new JsKernels()

describe('wasm and js', () => {
  it('agree within 1e-5 on vectors of length 1, and on the rows that are nearest but for ties', async () => {
    const wasm = await openWasmKernels()
    await fc.assert(
      fc.asyncProperty(anyMatrix, fc.integer({ min: 1, max: 50 }), async ({ matrix, dims, query }, k) => {
        js.normalize(matrix, dims)
        js.normalize(query, dims)
        const [a, b] = [await js.load(matrix, dims), await wasm.load(matrix, dims)]
        const [exact, scores] = [await a.dot(query), await b.dot(query)]
        for (const [row, score] of exact.entries()) expect(Math.abs(scores[row]! - score)).toBeLessThanOrEqual(1e-5)
        const [known, found] = [await a.nearest(query, k), await b.nearest(query, k)]
        expect(found.rows).toHaveLength(known.rows.length)
        for (const [place, row] of known.rows.entries()) {
          const other = found.rows[place]!
          if (other !== row) expect(Math.abs(exact[other]! - exact[row]!)).toBeLessThanOrEqual(1e-6)
        }
        a.free()
        b.free()
      }),
    )
    wasm.close()
  })

  it('keep and multiply int8 to the same bit, within the error that is stated', async () => {
    const wasm = await openWasmKernels()
    await fc.assert(
      fc.asyncProperty(
        anyMatrix,
        fc.constantFrom(1, 1e-20, 1e-33, 1e15),
        async ({ matrix, dims, rows, query }, size) => {
          const sized = matrix.map(x => x * size)
          const options = { precision: 'int8' } as const
          const [a, b] = [await js.load(sized, dims, options), await wasm.load(sized, dims, options)]
          expect(b.read(0, rows)).toEqual(a.read(0, rows))
          const scores = await b.dot(query)
          expect(scores).toEqual(await a.dot(query))
          for (const [row, exact] of plainDot(sized, query).entries()) {
            const error = int8Error(sized.subarray(row * dims, (row + 1) * dims), query)
            expect(Math.abs(scores[row]! - exact)).toBeLessThanOrEqual(1.0001 * error + 1e-6 * size + 1e-29)
          }
          a.free()
          b.free()
        },
      ),
    )
    wasm.close()
  })

  it('pass the check that a GPU has to pass', async () => {
    const wasm = await openWasmKernels()
    await selfCheck(wasm, js)
    wasm.close()
  })
})

describe('the memory of wasm', () => {
  it('serves many matrices at once, whatever is loaded, changed and freed between', async () => {
    const wasm = await openWasmKernels()
    const step = fc.record({
      which: fc.nat(5),
      rows: fc.nat(300),
      dims: fc.constantFrom(1, 5, 64, 100),
      int8: fc.boolean(),
      seed: fc.nat(1000),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), async steps => {
        const open = new Map<number, Awaited<ReturnType<typeof pair>>>()
        for (const { which, rows, dims, int8, seed } of steps) {
          open.get(which)?.forEach(matrix => void matrix.free())
          open.delete(which)
          if (seed % 5 > 0) open.set(which, await pair(rows, dims, int8, seed))
          // Nobody's bytes were touched by what happened to another.
          for (const [a, b] of open.values()) expect(sameBits(b.read(0, b.rows), a.read(0, a.rows))).toBe(true)
        }
        for (const [a, b] of open.values()) {
          const query = randomMatrix(1, a.dims, 3)
          const [exact, scores] = [await a.dot(query), await b.dot(query)]
          expect(scores.every((score, row) => Math.abs(score - exact[row]!) <= 1e-4)).toBe(true)
          a.free()
          b.free()
        }
      }),
      { numRuns: 40 },
    )
    wasm.close()

    async function pair(rows: number, dims: number, int8: boolean, seed: number) {
      const matrix = randomMatrix(rows, dims, seed)
      const options = { precision: int8 ? 'int8' : 'float32', capacity: rows + (seed % 7) } as const
      return [await js.load(matrix, dims, options), await wasm.load(matrix, dims, options)] as const
    }
  })

  it('has an end: what does not fit is refused, what was freed is used again', async () => {
    const wasm = await openWasmKernels({ maxBytes: 4 << 20 })
    const big = randomMatrix(2000, 384)
    for (let round = 0; round < 20; round++) {
      const loaded = await wasm.load(big, 384)
      await expect(wasm.load(big, 384)).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' })
      expect((await loaded.nearest(big.subarray(384, 768), 1)).rows[0]).toBe(1)
      loaded.free()
      // Refused rows give their room back too.
      const bad = big.slice()
      bad[767_999] = Number.NaN
      await expect(wasm.load(bad, 384)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
      wasm.normalize(big.slice(), 384)
    }
    wasm.close()
  })
})
