// Keys and values that the store contract uses; tests of stores, and processes that they start, use the same. Pure.
import type { Key } from '../ports.js'

/** The n-th key: 64 hex digits, as a SHA-256 has. */
export function keyOf(n: number): Key {
  let hex = ''
  for (let word = 0; word < 8; word++) {
    hex += (Math.imul(n + 1, 0x9e3779b1 + 2 * word) >>> 0).toString(16).padStart(8, '0')
  }
  return hex as Key
}

/** The n-th value of `length` bytes. */
export function bytesOf(n: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = Math.imul(n + 7, 31 * i + 17) >>> 3
  for (let i = 0; i < Math.min(4, length); i++) bytes[i] = n >>> (8 * i)
  return bytes
}
