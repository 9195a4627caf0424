// The bytes of one WebAssembly memory: nobody gets somebody else's, and nothing is lost.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WasmHeap } from '../../src/kernels/wasm/heap.js'

test('what is taken overlaps nothing, begins at multiples of 64, and is all there again once given back', () => {
  const step = fc.record({ take: fc.boolean(), bytes: fc.nat(200_000), which: fc.nat() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const heap = new WasmHeap(8 << 20)
      const taken: { start: number; bytes: number }[] = []
      for (const { take, bytes, which } of steps) {
        if (take || taken.length === 0) {
          const start = heap.take(bytes)
          expect(start % 64).toBe(0)
          expect(start).toBeGreaterThan(0)
          expect(start + bytes).toBeLessThanOrEqual(heap.size)
          for (const other of taken)
            expect(start >= other.start + other.bytes || start + Math.max(1, bytes) <= other.start).toBe(true)
          taken.push({ start, bytes: Math.max(1, bytes) })
        } else {
          const [one] = taken.splice(which % taken.length, 1)
          heap.give(one!.start)
        }
      }
      for (const { start } of taken) heap.give(start)
      expect(heap.used).toBe(0)
      // In one piece: as much as the memory has fits again without growing.
      const size = heap.size
      heap.take(size - 64)
      expect(heap.size).toBe(size)
    }),
  )
})

test('keeps what is in it when it grows', () => {
  const heap = new WasmHeap()
  const first = heap.take(40_000)
  heap.bytes(first, 40_000).fill(7)
  const before = heap.memory.buffer
  heap.take(1_000_000)
  expect(heap.memory.buffer).not.toBe(before)
  expect(heap.bytes(first, 40_000).every(byte => byte === 7)).toBe(true)
})

test('refuses what does not fit, and still has the rest', () => {
  const heap = new WasmHeap(1 << 20)
  expect(() => heap.take(1 << 20)).toThrow(expect.objectContaining({ code: 'DEVICE_UNAVAILABLE' }))
  expect(() => heap.take(2 ** 33)).toThrow(expect.objectContaining({ code: 'DEVICE_UNAVAILABLE' }))
  const start = heap.take((1 << 20) - 64)
  expect(() => heap.take(1)).toThrow(expect.objectContaining({ code: 'DEVICE_UNAVAILABLE' }))
  heap.give(start)
  expect(() => heap.give(start)).toThrow(RangeError)
})
