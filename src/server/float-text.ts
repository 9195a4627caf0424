// Vectors as they cross JSON: floats, little-endian, as base64. Knows no cache.
import { endianness } from 'node:os'

const SWAPPED = endianness() === 'BE'

/** @returns base64 of `4 x floats.length` bytes */
export function floatsToText(floats: Float32Array): string {
  const bytes = Buffer.from(floats.buffer, floats.byteOffset, floats.byteLength)
  return (SWAPPED ? Buffer.from(bytes).swap32() : bytes).toString('base64')
}

/** In a buffer of their own; undefined for what is not exactly `count` floats in base64. */
export function floatsFromText(text: unknown, count: number): Float32Array | undefined {
  if (typeof text !== 'string' || text.length !== 4 * Math.ceil((4 * count) / 3)) return undefined
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length !== 4 * count || bytes.toString('base64') !== text) return undefined
  if (SWAPPED) bytes.swap32()
  const floats = new Float32Array(count)
  new Uint8Array(floats.buffer).set(bytes)
  return floats
}
