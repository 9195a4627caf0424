// The arithmetic of the stored weights: half precision, and int8 in blocks.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromFloat16, toFloat16 } from '../../build/builtin-model/float16.mjs'
import { quantize } from '../../build/builtin-model/quantize.mjs'

const float = fc.float({ noNaN: true, noDefaultInfinity: true })

describe('float16', () => {
  const every = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits)

  test('every half survives the way to float32 and back', () => {
    const numbers = fromFloat16(every)
    const back = toFloat16(numbers)
    expect(every.filter(bits => !Number.isNaN(numbers[bits]) && back[bits] !== bits)).toEqual(new Uint16Array())
    expect(fromFloat16(toFloat16(Float32Array.of(Number.NaN)))).toEqual(Float32Array.of(Number.NaN))
  })

  test('known halves', () => {
    const known = Float32Array.of(0, 1, -2, 1 / 3, 65504, 65520, 2 ** -24, 2 ** -25, 2 ** -14)
    expect([...toFloat16(known)]).toEqual([0, 0x3c00, 0xc000, 0x3555, 0x7bff, 0x7c00, 1, 0, 0x400])
  })

  test('no other half is nearer', () => {
    const positive = fromFloat16(every.subarray(0, 0x7c00))
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: 0, max: 65504 }), x => {
        const [bits] = toFloat16(Float32Array.of(x))
        const distance = Math.abs(positive[bits!]! - x)
        for (const other of [bits! - 1, bits! + 1]) {
          const neighbour = Math.abs((positive[other] ?? Infinity) - x)
          // Of two equally near the even one is taken.
          if (neighbour === distance) expect(bits! % 2).toBe(0)
          else expect(neighbour).toBeGreaterThan(distance)
        }
        expect([...toFloat16(Float32Array.of(-x))]).toEqual([bits! | 0x8000])
      }),
      { numRuns: 2000 },
    )
  })
})

describe('int8 in blocks', () => {
  test('no number is off by more than half a step of its block', () => {
    fc.assert(
      fc.property(
        fc.array(float, { minLength: 4, maxLength: 32 }),
        fc.integer({ min: -20, max: 3 }),
        (numbers, power) => {
          const data = Float32Array.from(
            { length: numbers.length - (numbers.length % 4) },
            (_, i) => Math.max(-1, Math.min(1, numbers[i]!)) * 10 ** (power / 4),
          )
          const { values, scales } = quantize(data, 4)
          const steps = fromFloat16(scales)
          for (const [i, x] of data.entries()) {
            const step = steps[i >> 2]!
            // Steps below 2^-14 are rounded to multiples of 2^-24, which counts up to 127 times.
            expect(Math.abs(values[i]! * step - x)).toBeLessThanOrEqual(step * 0.5001 + 127 * 2 ** -25)
          }
        },
      ),
    )
  })

  test('blocks do not share a scale, and zeros stay zeros', () => {
    const { values, scales } = quantize(Float32Array.of(0, 127, 0, 0, -1, 0.5), 2)
    expect([...values]).toEqual([0, 127, 0, 0, -127, 64])
    expect([...fromFloat16(scales)].map(x => x.toFixed(4))).toEqual(['1.0000', '0.0000', '0.0079'])
  })

  test('half a block is refused', () => {
    expect(() => quantize(new Float32Array(33), 32)).toThrow('33 values do not divide into blocks of 32')
  })
})
