// IEEE 754 half precision, which Node 20 has no array for.
// @ts-check

const SIGN = 0x8000
const INFINITE = 0x7c00
const NOT_A_NUMBER = 0x7e00

/**
 * Rounds to the nearest half, ties to even. Magnitudes from 65,520 become infinite.
 * @param {Float32Array} data
 * @returns {Uint16Array} the bits of each half
 */
export function toFloat16(data) {
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length)
  return Uint16Array.from(words, (word, i) => {
    const sign = (word >>> 16) & SIGN
    const magnitude = word & 0x7fffffff
    if (magnitude > 0x7f800000) return sign | NOT_A_NUMBER
    // Below 2^-14 the halves lie 2^-24 apart, and their bits count those steps.
    if (magnitude < 0x38800000) return sign | roundToEven(Math.abs(data[i] ?? 0) * 2 ** 24)
    // The exponent's bias goes from 127 to 15 and 13 bits of the fraction go; a carry into the exponent is right.
    return sign | Math.min(INFINITE, roundToEven((magnitude - ((127 - 15) << 23)) / 2 ** 13))
  })
}

/**
 * @param {Uint16Array} halves
 * @returns {Float32Array}
 */
export function fromFloat16(halves) {
  return Float32Array.from(halves, half => {
    const sign = half & SIGN ? -1 : 1
    const exponent = (half >>> 10) & 31
    const fraction = half & 1023
    if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
  })
}

/** @param {number} x not negative */
function roundToEven(x) {
  const below = Math.floor(x)
  const rest = x - below
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below
}
