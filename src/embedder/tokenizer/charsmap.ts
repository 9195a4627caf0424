// The `precompiled_charsmap` of SentencePiece: a double-array trie over UTF-8 (darts-clone) and the texts that it points into.
// Read as the Rust crate `spm_precompiled` does, which looks at grapheme clusters of fewer than 6 bytes as a whole and then
// takes the shortest entry that such a cluster begins with: what lies behind it in the cluster is lost, there and here.

import { fault } from './fields.js'
import { graphemeClusters } from './graphemes.js'
import { changeEach } from './unicode.js'

/** Clusters of so many bytes of UTF-8 are looked up character by character. */
const LONG_CLUSTER = 6
/** What could be a cluster of more than one character: a text without such is looked up character by character. */
const PLAIN = /^[\0-\x0c\x0e-\x7f]*$/

/** The normaliser for one map, given in base64. Throws TokenizerFault when it is none. */
export function charsmap(base64: string): (text: string) => string {
  const { units, texts } = parse(base64)
  const clusters = graphemeClusters()
  const bytes = new Uint8Array(LONG_CLUSTER * 4)
  const encoder = new TextEncoder()
  /** Of single characters: most of a text comes again. */
  const seen = new Map<number, string | undefined>()
  const ascii = Array.from({ length: 128 }, (_, code) => shortest(String.fromCharCode(code)))
  const asciiStays = ascii.every((to, code) => code < 0x20 || code === 0x7f || to === undefined)

  return text => {
    if (asciiStays && /^[\x20-\x7e]*$/.test(text)) return text
    if (PLAIN.test(text)) return changeEach(text, each)
    let out = ''
    let kept = 0
    clusters(text, (from, to) => {
      const changed = ofCluster(text, from, to)
      if (changed === undefined) return
      out += text.slice(kept, from) + changed
      kept = to
    })
    return kept === 0 ? text : out + text.slice(kept)
  }

  function each(code: number): string | undefined {
    if (code < 128) return ascii[code]
    if (seen.has(code)) return seen.get(code)
    const found = shortest(String.fromCodePoint(code))
    if (seen.size >= MOST_SEEN) seen.clear()
    seen.set(code, found)
    return found
  }

  function ofCluster(text: string, from: number, to: number): string | undefined {
    const first = text.codePointAt(from)!
    const single = to - from === (first > 0xffff ? 2 : 1)
    if (single) return each(first)
    // No cluster has fewer bytes than UTF-16 units.
    if (to - from < LONG_CLUSTER) {
      const cluster = text.slice(from, to)
      if (encoder.encode(cluster).length < LONG_CLUSTER) {
        const whole = shortest(cluster)
        if (whole !== undefined) return whole
      }
    }
    const cluster = text.slice(from, to)
    const changed = changeEach(cluster, each)
    return changed === cluster ? undefined : changed
  }

  /** The text for the shortest entry that `part` begins with. */
  function shortest(part: string): string | undefined {
    const { written } = encoder.encodeInto(part, bytes)
    let node = offsetOf(units[0]!)
    for (let i = 0; i < written && bytes[i] !== 0; i++) {
      node ^= bytes[i]!
      const unit = units[node] ?? 0
      // The label, and the bit that only values have.
      if ((unit & 0x800000ff) !== bytes[i]) return undefined
      node ^= offsetOf(unit)
      if ((unit >>> 8) & 1) return texts((units[node] ?? 0) & 0x7fffffff)
    }
    return undefined
  }
}

const MOST_SEEN = 20_000

const offsetOf = (unit: number) => (unit >>> 10) << ((unit & (1 << 9)) >>> 6)

function parse(base64: string) {
  let bytes: Uint8Array
  try {
    bytes = Uint8Array.from(atob(base64), char => char.charCodeAt(0))
  } catch {
    return fault('has a "precompiled_charsmap" that is not base64')
  }
  const view = new DataView(bytes.buffer)
  const size = bytes.length < 4 ? 0 : view.getUint32(0, true)
  if (size < 4 || size % 4 !== 0 || 4 + size > bytes.length) fault('has a "precompiled_charsmap" that is cut or none')
  const units = new Int32Array(size / 4)
  for (let i = 0; i < units.length; i++) units[i] = view.getInt32(4 + 4 * i, true)
  const blob = bytes.subarray(4 + size)
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const texts = (start: number): string => {
    const end = blob.indexOf(0, start)
    return decoder.decode(blob.subarray(start, end < 0 ? blob.length : end))
  }
  return { units, texts }
}
