// What the Rust library knows of characters, for all engines alike: an engine's own `\p{…}` and `toLowerCase` follow its
// Unicode version, so that two runtimes would give one text different ids. Only what is not ASCII ever gets here.

import * as tables from './unicode-tables.js'

/** Bits of {@link traitsTable}. */
export const WHITE_SPACE = 1
export const PUNCTUATION = 2
export const NUMERIC = 4
/** `\w` of the crate `regex`. */
export const WORD = 8
/** Control, format, private use. */
export const OTHER = 16
/** Mn. */
export const NONSPACING = 32
/** M. */
export const COMBINING = 64
/** Not assigned where the library's normalisation forms end: such a character is left alone, and so is what is around it. */
const UNKNOWN_TO_FORMS = 128

/** `[first, last, first, last, …]`, ascending. */
export type Ranges = readonly number[]

/** Reads `gap.more,gap.more,…` in base 36. */
export function decodeRanges(encoded: string): Ranges {
  const ranges: number[] = []
  let at = 0
  for (const range of encoded.split(',')) {
    const [gap, more] = range.split('.')
    const first = at + Number.parseInt(gap!, 36)
    const last = first + (more === undefined ? 0 : Number.parseInt(more, 36))
    ranges.push(first, last)
    at = last + 1
  }
  return ranges
}

let traits: Uint8Array | undefined

/** One byte of traits a code point. Written once, when the first tokenizer is loaded. */
export function traitsTable(): Uint8Array {
  if (traits) return traits
  traits = new Uint8Array(0x110000)
  const sets: [string, number][] = [
    [tables.WHITE_SPACE, WHITE_SPACE],
    [tables.PUNCTUATION, PUNCTUATION],
    [tables.NUMERIC, NUMERIC],
    [tables.WORD, WORD],
    [tables.OTHER, OTHER],
    [tables.NONSPACING, NONSPACING],
    [tables.COMBINING, COMBINING],
    [tables.AFTER_UNICODE_9, UNKNOWN_TO_FORMS],
  ]
  for (const [encoded, bit] of sets) {
    const ranges = decodeRanges(encoded)
    for (let i = 0; i < ranges.length; i += 2)
      for (let code = ranges[i]!; code <= ranges[i + 1]!; code++) traits[code]! |= bit
  }
  return traits
}

/**
 * `text` with every code point replaced by what `change` says of it; undefined leaves it as it is. Characters that stay are
 * copied in runs.
 */
export function changeEach(text: string, change: (code: number) => string | undefined): string {
  let out = ''
  let kept = 0
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at)!
    const next = at + (code > 0xffff ? 2 : 1)
    const changed = change(code)
    if (changed !== undefined) {
      out += text.slice(kept, at) + changed
      kept = next
    }
    at = next
  }
  return kept === 0 ? text : out + text.slice(kept)
}

const NOT_ASCII = /[^\0-\x7f]/

export const isAscii = (text: string) => !NOT_ASCII.test(text)

let lowerCases: Map<number, string> | undefined

/**
 * Each character's own lower case, whatever stands around it: `ΟΔΟΣ` becomes `οδοσ`, where `toLowerCase` knows that a sigma
 * at the end of a word is written `ς`.
 */
export function lowerCase(text: string): string {
  if (isAscii(text)) return text.toLowerCase()
  lowerCases ??= decodeLowerCases()
  const lower = lowerCases
  return changeEach(text, code => {
    if (code < 0x80) return code >= 0x41 && code <= 0x5a ? String.fromCharCode(code + 32) : undefined
    return lower.get(code)
  })
}

function decodeLowerCases(): Map<number, string> {
  const lower = new Map<number, string>()
  const number = (digits: string) => Number.parseInt(digits, 36)
  let first = 0
  for (const row of tables.LOWER.split(',')) {
    const [gap, distance, more = '0', step = '0'] = row.split('.')
    first += number(gap!)
    for (let i = 0; i <= number(more); i++) {
      const code = first + i * number(step)
      lower.set(code, String.fromCodePoint(code + number(distance!)))
    }
  }
  for (const row of tables.LOWER_SPECIAL.split(',')) {
    const [from, to] = row.split(':')
    lower.set(
      number(from!),
      to!
        .split(' ')
        .map(digits => String.fromCodePoint(number(digits)))
        .join(''),
    )
  }
  return lower
}

export type NormalForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD'

/**
 * A normalisation form as of Unicode 9. Assigned characters keep their forms for ever (UAX 15, stability), so the engine's
 * own `normalize` is right for them; a character from later is one that nothing happens to, as if it were a wall.
 */
export function normalForm(text: string, form: NormalForm): string {
  if (isAscii(text)) return text
  const table = traitsTable()
  let out = ''
  let from = 0
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at)!
    const next = at + (code > 0xffff ? 2 : 1)
    if (code >= 0x80 && table[code]! & UNKNOWN_TO_FORMS) {
      out += text.slice(from, at).normalize(form) + text.slice(at, next)
      from = next
    }
    at = next
  }
  return out + text.slice(from).normalize(form)
}

/** Characters of each of the 30 general categories, `Lu` and so on, as onig has them. Decoded anew: rarely needed. */
export function generalCategories(): ReadonlyMap<string, Ranges> {
  const names = tables.CATEGORY_NAMES.split(' ')
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%'
  const categories = new Map<string, number[]>(names.map(name => [name, []]))
  let at = 0
  for (const [, letter, length] of tables.CATEGORIES.matchAll(/([A-Z!#$%])([0-9a-z]*)/g)) {
    const many = length ? Number.parseInt(length, 36) : 1
    categories.get(names[letters.indexOf(letter!)]!)!.push(at, at + many - 1)
    at += many
  }
  return categories
}
