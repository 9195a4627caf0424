// How a value lies in a store that others write to as well: with its full key and a checksum, so that a reader can tell what is
// damaged, cut, or another key's. Guards against mistakes, not against somebody who forges values. Knows no value.
import type { Crc32, Key } from '../ports.js'

/*
   0             4         5       6        8          12                12 + n
  +-------------+---------+-------+--------+----------+-----------------+---------- - -
  | "opd" 0x1a  | version | n: u8 |   0    | crc u32  | key, n bytes    | value
  +-------------+---------+-------+--------+----------+-----------------+---------- - -
   The checksum (little-endian) is over everything but itself. A key is ASCII.
*/
const MAGIC = [0x6f, 0x70, 0x64, 0x1a]
const VERSION = 1
const CRC_AT = 8
const KEY_AT = 12

export function seal(crc32: Crc32, key: Key, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(KEY_AT + key.length + value.length)
  bytes.set(MAGIC)
  bytes[4] = VERSION
  bytes[5] = key.length
  for (let i = 0; i < key.length; i++) bytes[KEY_AT + i] = key.charCodeAt(i)
  bytes.set(value, KEY_AT + key.length)
  new DataView(bytes.buffer).setUint32(CRC_AT, checksum(crc32, bytes), true)
  return bytes
}

/** The value that was sealed under `key`, copied into `own`, which is as long; undefined when `bytes` are anything else. */
export function unseal(
  crc32: Crc32,
  key: Key,
  bytes: Uint8Array,
  own: Uint8Array = new Uint8Array(bytes.length),
): Uint8Array | undefined {
  const valueAt = KEY_AT + key.length
  if (bytes.length < valueAt || bytes[4] !== VERSION || bytes[5] !== key.length) return undefined
  for (let i = 0; i < MAGIC.length; i++) if (bytes[i] !== MAGIC[i]) return undefined
  // A copy before the check: the store may go on using its buffer, and `slice` of Node's Buffer would be a view onto it.
  own.set(bytes)
  for (let i = 0; i < key.length; i++) if (own[KEY_AT + i] !== key.charCodeAt(i)) return undefined
  if (new DataView(own.buffer, own.byteOffset).getUint32(CRC_AT, true) !== checksum(crc32, own)) return undefined
  return own.subarray(valueAt)
}

function checksum(crc32: Crc32, bytes: Uint8Array): number {
  return crc32(bytes.subarray(KEY_AT), crc32(bytes.subarray(0, CRC_AT)))
}
