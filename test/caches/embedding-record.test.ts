import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeVec, encodeVec, vecBytes } from '../../src/caches/embedding-record.js'
import type { Device } from '../../src/ports.js'

const embedding = fc.record({
  vector: fc.float32Array({ minLength: 1, maxLength: 20 }),
  tokens: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  truncated: fc.boolean(),
  device: fc.constantFrom<Device>('cpu', 'wasm', 'webgpu', 'cuda', 'custom'),
})

describe('the bytes of a vector', () => {
  it('bring back what went in, bit for bit, from any offset of a larger buffer', () => {
    fc.assert(
      fc.property(embedding, fc.nat(9), (value, offset) => {
        const bytes = encodeVec(value)
        expect(bytes).toHaveLength(vecBytes(value.vector.length))
        const large = new Uint8Array(bytes.length + 20)
        large.set(bytes, offset)
        const back = decodeVec(large.subarray(offset, offset + bytes.length), value.vector.length)!
        expect(back).toMatchObject({ tokens: value.tokens, truncated: value.truncated, device: value.device })
        expect(new Uint8Array(Float32Array.from(back.vector).buffer)).toEqual(
          new Uint8Array(value.vector.slice().buffer),
        )
      }),
    )
  })

  it('are undefined for another length, another form, an unknown device', () => {
    const bytes = encodeVec({ vector: new Float32Array(4), tokens: 1, truncated: false, device: 'cpu' })
    expect(decodeVec(bytes, 4)).toBeDefined()
    expect(decodeVec(bytes, 5)).toBeUndefined()
    expect(decodeVec(bytes.subarray(1), 4)).toBeUndefined()
    expect(decodeVec(new Uint8Array(0), 4)).toBeUndefined()
    for (const [at, value] of [
      [0, 2],
      [2, 99],
    ] as const) {
      const other = bytes.slice()
      other[at] = value
      expect(decodeVec(other, 4)).toBeUndefined()
    }
  })
})
