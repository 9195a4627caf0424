// CRC-32 for runtimes that have none of their own (Node's zlib has). Pure; one table, made once and never changed.

/** The remainder of every byte, for the reflected polynomial of IEEE 802.3. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1
  return remainder
})

/** CRC-32 (IEEE 802.3, as in zlib) of `bytes`, continuing from `seed` (0 to begin). Unsigned. About 2 ns a byte. */
export function crc32(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed
  for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}
