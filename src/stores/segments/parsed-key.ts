// One key in the form the index and the records use: eight words and a 64-bit fingerprint. Reused, so look-ups allocate nothing.

/** A key that was parsed. Holds until the next parse into it. */
export interface ParsedKey {
  /** The 32 bytes of the key, four to a word, the first byte lowest. */
  readonly words: Int32Array
  /** The fingerprint: two words mixed from all eight, so that keys that share a beginning still spread. */
  a: number
  b: number
}

export function newParsedKey(): ParsedKey {
  return { words: new Int32Array(8), a: 0, b: 0 }
}

const NO_DIGIT = 16
const DIGITS = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(code))
  return digit < 0 ? NO_DIGIT : digit
})

/** Parses `key` into `parsed`. False where it is not 64 lowercase hex digits; then `parsed` holds nothing of use. */
export function parseKey(key: string, parsed: ParsedKey): boolean {
  if (key.length !== 64) return false
  let digits = 0
  let codes = 0
  // Eight digits a turn, written out: a loop over digits takes a third longer, and this is in every look-up.
  for (let w = 0, at = 0; w < 8; w++, at += 8) {
    const c0 = key.charCodeAt(at)
    const c1 = key.charCodeAt(at + 1)
    const c2 = key.charCodeAt(at + 2)
    const c3 = key.charCodeAt(at + 3)
    const c4 = key.charCodeAt(at + 4)
    const c5 = key.charCodeAt(at + 5)
    const c6 = key.charCodeAt(at + 6)
    const c7 = key.charCodeAt(at + 7)
    const d0 = DIGITS[c0 & 127]!
    const d1 = DIGITS[c1 & 127]!
    const d2 = DIGITS[c2 & 127]!
    const d3 = DIGITS[c3 & 127]!
    const d4 = DIGITS[c4 & 127]!
    const d5 = DIGITS[c5 & 127]!
    const d6 = DIGITS[c6 & 127]!
    const d7 = DIGITS[c7 & 127]!
    codes |= c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7
    digits |= d0 | d1 | d2 | d3 | d4 | d5 | d6 | d7
    parsed.words[w] = (d0 << 4) | d1 | (d2 << 12) | (d3 << 8) | (d4 << 20) | (d5 << 16) | (d6 << 28) | (d7 << 24)
  }
  if (codes > 127 || digits >= NO_DIGIT) return false
  mix(parsed)
  return true
}

/** Reads the 32 bytes of a key that begin at `at` into `parsed`. */
export function keyAt(bytes: Uint8Array, at: number, parsed: ParsedKey): void {
  for (let i = 0; i < 8; i++, at += 4) {
    parsed.words[i] = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
  }
  mix(parsed)
}

/** The key as it was before it was parsed. */
export function keyText(parsed: ParsedKey): string {
  return Buffer.from(parsed.words.buffer).toString('hex')
}

/** Multiply-and-shift mixing with the odd constants of MurmurHash3. Part of the format: footers hold its result. */
function mix(parsed: ParsedKey): void {
  let a = 0
  let b = 0
  for (let i = 0; i < 8; i++) {
    const word = parsed.words[i]!
    a = Math.imul(a ^ word, 0xcc9e2d51)
    a ^= a >>> 15
    b = Math.imul(b + word, 0x1b873593)
    b ^= b >>> 13
  }
  parsed.a = a
  parsed.b = b
}
