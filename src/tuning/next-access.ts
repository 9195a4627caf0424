// For each request the next one to the same key: what an offline-optimal policy knows, and oracleGeneral says. Pure.

/** No request comes again. */
export const NO_NEXT = 0xffff_ffff

/**
 * The number of the next request to the key of each one, or {@link NO_NEXT}. One pass from the end, with a table of keys: about 16 to 28 bytes a
 * request.
 */
export function nextAccesses(keys: Float64Array): Uint32Array {
  const next = new Uint32Array(keys.length)
  const bits = Math.max(4, Math.ceil(Math.log2(1.5 * keys.length + 1)))
  const slots = 2 ** bits
  // Open addressing: places from 1, so that 0 is free.
  const places = new Uint32Array(slots)
  for (let i = keys.length - 1; i >= 0; i--) {
    const key = keys[i]!
    let slot = slotOf(key, bits)
    while (places[slot] !== 0 && keys[places[slot]! - 1] !== key) slot = (slot + 1) & (slots - 1)
    next[i] = places[slot] === 0 ? NO_NEXT : places[slot]! - 1
    places[slot] = i + 1
  }
  return next
}

/** A multiplicative hash (Knuth): keys of others may be counted up from 0. */
function slotOf(key: number, bits: number): number {
  const folded = (key % 2 ** 32) ^ (key / 2 ** 32)
  return Math.imul(folded, 0x9e37_79b1) >>> (32 - bits)
}
