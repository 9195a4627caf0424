// What characters and runs of them are, for the walk over a text: letters, digits, signs, ids. Pure predicates.
import type { Kind } from './shapes.js'

/** What a run of letters and digits consists of. */
export interface Letters {
  readonly digits: number
  readonly letters: number
  /** How often letters give way to digits or back. */
  readonly turns: number
  /** No letter but those of hex digits. */
  readonly hex: boolean
  /** No capital. */
  readonly lower: boolean
}

/** A run of hex digits from this length on is an id, if a decimal digit is among them. */
const LONG_HEX = 8
/** As short as `git log --oneline` and Java's `Object@9f4ef63` write them: then in lower case and well mixed. */
const SHORT_HEX = 7
/** Digits at the end of a word that no version or model number has. */
const LONG_END = 8
/** Enough where the word is in the middle of a name. */
const END_IN_NAME = 5

/** Letters mixed with digits that no one would say aloud. */
export function idAnywhere(length: number, { digits, turns, hex, lower }: Letters): Kind | undefined {
  if (hex && digits > 0 && length >= LONG_HEX) return 'hex'
  if (hex && lower && length === SHORT_HEX && turns >= 2 && digits < length - 1) return 'hex'
  return turns >= 3 && length >= 8 ? 'id' : undefined
}

/** In a path, and beside an id, less is needed: nobody counts there. */
export function idInPath(length: number, letters: Letters): Kind | undefined {
  const { turns, hex } = letters
  if (hex && length >= 4 && length < LONG_HEX && turns >= 2) return 'id'
  return turns >= 3 && length >= 5 && !(hex && length >= LONG_HEX) ? 'id' : idAnywhere(length, letters)
}

/** A word that ends in a long number: `ORD12345678`, or `_KB3121255~`. */
export function isLongName(text: string, start: number, end: number, { digits }: Letters): boolean {
  if (digits >= LONG_END) return true
  return digits >= END_IN_NAME && /[-_~]/.test(text[start - 1] ?? '') && /[-_~]/.test(text[end] ?? '')
}

/** A numbered folder right above something that has an id: `/subdir51/blk_1608999687919862906`. */
export function isBucket(text: string, start: number, end: number, { letters, digits }: Letters): boolean {
  if (letters < 3 || digits < 2 || !/[/\\]/.test(text[start - 1] ?? '') || !/[/\\]/.test(text[end] ?? '')) return false
  return /^[A-Za-z]{1,16}[-_]{1,2}\d{9}/.test(text.slice(end + 1, end + 28))
}

/** `-5` and `+5` where something may begin; in `web-5` and `3-5` the dash joins. */
export function isSign(text: string, start: number): boolean {
  const sign = text[start - 1]
  if (sign !== '-' && sign !== '+' && sign !== '\u2212' && sign !== '\u2013') return false
  return start === 1 || /[\s"'`()[\]{}<>,;:=]/.test(text[start - 2]!)
}

/** A blank of whatever width that stays within its line. */
export function isBlank(character: string | undefined): boolean {
  return character !== undefined && /[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]/.test(character)
}

/** The last word of a camelCase name, in lower case: `code` of `exitCode`. */
export function lastHump(word: string): string {
  return (/[A-Z][a-z]{1,23}$/.exec(word)?.[0] ?? word).toLowerCase()
}

export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

export function isHex(code: number): boolean {
  return isDigit(code) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102)
}

/** A letter or digit of ASCII, or a letter of Latin, Greek or Cyrillic. Scripts without spaces do not join numbers. */
export function isWord(code: number): boolean {
  if (code < 128) return isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
  return code === 0xb5 || (code >= 0xc0 && code <= 0x52f && code !== 0xd7 && code !== 0xf7)
}
