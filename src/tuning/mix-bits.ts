// 32 bits mixed, so that numbers in a row look as if they were drawn by chance. Pure.

/** The finisher of MurmurHash3 (Austin Appleby, public domain): each bit of what comes in changes half of what goes out. Signed. */
export function mixBits(value: number): number {
  let bits = value | 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return bits ^ (bits >>> 16)
}
