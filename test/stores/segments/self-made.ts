// Values that prove themselves: what a key may hold can be told from the value alone, whichever process made it.

/** A value for key `n`; `version` says which, and everything else follows from the two. */
export function selfMade(n: number, version: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, n)
  view.setUint32(4, version)
  let state = Math.imul(n + 1, 0x9e3779b1) ^ version
  for (let at = 8; at < length; at++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d)
    bytes[at] = state >>> 24
  }
  return bytes
}

export function isSelfMade(value: Uint8Array, n: number): boolean {
  const version = new DataView(value.buffer, value.byteOffset).getUint32(4)
  return Buffer.compare(value, selfMade(n, version, value.length)) === 0
}
