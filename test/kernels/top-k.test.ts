// The k highest against a full sort.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { topK } from '../../src/kernels/top-k.js'

/** Few different values, so that most are tied. */
const scores = fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.float({ noNaN: true })), { maxLength: 300 })

test('gives what a stable sort gives', () => {
  fc.assert(
    fc.property(scores, fc.nat(320), (list, k) => {
      const values = Float32Array.from(list)
      const order = [...values.keys()].sort((a, b) =>
        values[b]! > values[a]! ? 1 : values[b]! < values[a]! ? -1 : a - b,
      )
      const found = topK(values, k)
      expect([...found.rows]).toEqual(order.slice(0, k))
      expect(found.scores).toEqual(Float32Array.from(found.rows, row => values[row]!))
    }),
    { numRuns: 500 },
  )
})
