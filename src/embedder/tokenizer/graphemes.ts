// Extended grapheme clusters (UAX 29) as of the Unicode version that the Rust library segments by: engines differ.

import { decodeRanges } from './unicode.js'
import * as tables from './unicode-tables.js'

const EXTEND = 1
const SPACING = 2
const PREPEND = 3
const CONTROL = 4
const PICTOGRAPHIC = 5
const REGIONAL = 6
const L = 7
const V = 8
const T = 9
const LV = 10
const LVT = 11
const KIND = 15
const LINKER = 16
const CONJUNCT = 32
const CONSONANT = 64

const ZWJ = 0x200d

/** One byte a code point: a kind, and what it is to Indic conjuncts. */
function newTable(): Uint8Array {
  const table = new Uint8Array(0x110000)
  const fill = (first: number, last: number, value: number) => {
    for (let code = first; code <= last; code++) table[code]! |= value
  }
  const put = (encoded: string, value: number) => {
    const ranges = decodeRanges(encoded)
    for (let i = 0; i < ranges.length; i += 2) fill(ranges[i]!, ranges[i + 1]!, value)
  }
  put(tables.GRAPHEME_EXTEND, EXTEND)
  put(tables.GRAPHEME_SPACING, SPACING)
  put(tables.GRAPHEME_PREPEND, PREPEND)
  put(tables.GRAPHEME_CONTROL, CONTROL)
  put(tables.GRAPHEME_PICTOGRAPHIC, PICTOGRAPHIC)
  put(tables.GRAPHEME_HANGUL_L, L)
  put(tables.GRAPHEME_HANGUL_V, V)
  put(tables.GRAPHEME_HANGUL_T, T)
  put(tables.GRAPHEME_LINKER, LINKER)
  put(tables.GRAPHEME_CONJUNCT, CONJUNCT)
  put(tables.GRAPHEME_CONSONANT, CONSONANT)
  fill(0x1f1e6, 0x1f1ff, REGIONAL)
  // Hangul syllables: every 28th has no last consonant.
  for (let code = 0xac00; code <= 0xd7a3; code++) table[code] = (code - 0xac00) % 28 === 0 ? LV : LVT
  return table
}

/** Calls `cluster` with the bounds of each, in UTF-16 units. */
export function graphemeClusters(): (text: string, cluster: (from: number, to: number) => void) => void {
  const table = newTable()
  return (text, cluster) => {
    let from = 0
    let before = 0
    /** Flags in a row before this place; whether an emoji and its extenders end here; how far a conjunct has come. */
    let flags = 0
    let emoji = false
    let conjunct: 'none' | 'consonant' | 'linked' = 'none'
    for (let at = 0; at < text.length; ) {
      const code = text.codePointAt(at)!
      const here = table[code]!
      const kind = here & KIND
      const joins = at > 0 && joined(before, code, kind, flags, emoji, conjunct === 'linked' && (here & CONSONANT) > 0)
      if (at > 0 && !joins) {
        cluster(from, at)
        from = at
      }
      flags = kind === REGIONAL ? (joins ? flags + 1 : 1) : 0
      emoji = kind === PICTOGRAPHIC || (kind === EXTEND && emoji)
      if (here & CONSONANT) conjunct = 'consonant'
      else if (conjunct !== 'none' && here & LINKER) conjunct = 'linked'
      else if (!(here & (LINKER | CONJUNCT))) conjunct = 'none'
      before = code
      at += code > 0xffff ? 2 : 1
    }
    if (text.length > 0) cluster(from, text.length)

    /** GB3 to GB13: whether there is no border between `left` and the character `code`. */
    function joined(
      left: number,
      code: number,
      right: number,
      row: number,
      emojiBefore: boolean,
      inConjunct: boolean,
    ): boolean {
      const kind = table[left]! & KIND
      if (left === 13 && code === 10) return true
      if (kind === CONTROL || right === CONTROL) return false
      if (right === EXTEND || right === SPACING || kind === PREPEND || inConjunct) return true
      if (kind === L) return right === L || right === V || right === LV || right === LVT
      if (kind === LV || kind === V) return right === V || right === T
      if (kind === LVT || kind === T) return right === T
      if (right === PICTOGRAPHIC) return emojiBefore && left === ZWJ
      return kind === REGIONAL && right === REGIONAL && row % 2 === 1
    }
  }
}
