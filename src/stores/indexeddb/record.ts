// The bytes of one value in the database: checked, so that what is damaged is never served.
import type { Crc32, Key } from '../../ports.js'

/** See {@link Key}. */
export const KEY = /^[a-z0-9_-][a-z0-9._-]{0,99}$/

/*
   0          4
  +----------+------------- - -
  | CRC-32   | the value          over the key and the value, little-endian: a value under another's key is damage too
  +----------+------------- - -
*/
const HEADER_BYTES = 4

export function encodeRecord(crc32: Crc32, key: Key, value: Uint8Array): Uint8Array {
  const record = new Uint8Array(HEADER_BYTES + value.length)
  new DataView(record.buffer).setUint32(0, checksum(crc32, key, value), true)
  record.set(value, HEADER_BYTES)
  return record
}

/** The value, as a view onto the record, or undefined when it is damaged. */
export function decodeRecord(crc32: Crc32, key: Key, record: unknown): Uint8Array | undefined {
  if (!(record instanceof Uint8Array) || record.length < HEADER_BYTES) return undefined
  const value = record.subarray(HEADER_BYTES)
  const stated = new DataView(record.buffer, record.byteOffset).getUint32(0, true)
  return stated === checksum(crc32, key, value) ? value : undefined
}

export function valueBytes(record: Uint8Array): number {
  return record.length - HEADER_BYTES
}

function checksum(crc32: Crc32, key: Key, value: Uint8Array): number {
  return crc32(value, crc32(new TextEncoder().encode(key)))
}
