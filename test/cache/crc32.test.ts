// The table-driven CRC-32 against Node's own.
import { crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { crc32 } from '../../src/cache/crc32.js'

it('is the CRC-32 of zlib, for any bytes and any seed', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
  const bytes = fc.uint8Array({ maxLength: 600 })
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect(crc32(a)).toBe(zlibCrc32(a))
      expect(crc32(b, crc32(a))).toBe(zlibCrc32(b, zlibCrc32(a)))
      expect(crc32(b, crc32(a))).toBe(crc32(Uint8Array.of(...a, ...b)))
    }),
  )
})
