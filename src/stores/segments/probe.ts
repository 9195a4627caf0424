// One key in the form the index and the records use: eight words and a 64-bit fingerprint. Reused, so look-ups allocate nothing.

/** A key that was parsed. Holds until the next parse into it. */
export interface Probe {
  /** The 32 bytes of the key, four to a word, the first byte lowest. */
  readonly words: Int32Array
  /** The fingerprint: two words mixed from all eight, so that keys that share a beginning still spread. */
  a: number
  b: number
}

export function newProbe(): Probe {
  return { words: new Int32Array(8), a: 0, b: 0 }
}

const NO_DIGIT = 16
const DIGITS = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(code))
  return digit < 0 ? NO_DIGIT : digit
})

/** False where `key` is not 64 lowercase hex digits; then the probe holds nothing of use. */
export function parseKey(key: string, probe: Probe): boolean {
  if (key.length !== 64) return false
  const words = probe.words
  let digits = 0
  let codes = 0
  for (let w = 0, at = 0; w < 8; w++) {
    let word = 0
    for (let shift = 0; shift < 32; shift += 8) {
      const code = key.charCodeAt(at++)
      const code2 = key.charCodeAt(at++)
      const high = DIGITS[code & 127]!
      const low = DIGITS[code2 & 127]!
      codes |= code | code2
      digits |= high | low
      word |= ((high << 4) | low) << shift
    }
    words[w] = word
  }
  if (codes > 127 || digits >= NO_DIGIT) return false
  mix(probe)
  return true
}

/** The key of the record that begins at `at - 8`, that is, whose key begins at `at`. */
export function probeBytes(bytes: Uint8Array, at: number, probe: Probe): void {
  for (let i = 0; i < 8; i++, at += 4) {
    probe.words[i] = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
  }
  mix(probe)
}

/** The key as it was before it was parsed. */
export function keyText(probe: Probe): string {
  return Buffer.from(probe.words.buffer).toString('hex')
}

/** Multiply-and-shift mixing with the odd constants of MurmurHash3. Part of the format: footers hold its result. */
function mix(probe: Probe): void {
  let a = 0
  let b = 0
  for (let i = 0; i < 8; i++) {
    const word = probe.words[i]!
    a = Math.imul(a ^ word, 0xcc9e2d51)
    a ^= a >>> 15
    b = Math.imul(b + word, 0x1b873593)
    b ^= b >>> 13
  }
  probe.a = a
  probe.b = b
}
