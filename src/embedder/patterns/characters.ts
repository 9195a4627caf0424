// What characters and runs of them are, for the walk over a text: letters, digits, signs, ids. Pure predicates.
import type { Kind } from './shapes.js'

/** A run of hex digits from this length on is an id, if a decimal digit is among them. */
const LONG_HEX = 8

/** Letters mixed with digits that no one would say aloud. `turns`: how often letters give way to digits or back. */
export function idAnywhere(length: number, digits: number, turns: number, hex: boolean): Kind | undefined {
  if (hex && digits > 0 && length >= LONG_HEX) return 'hex'
  return turns >= 3 && length >= 8 ? 'id' : undefined
}

/** In a path less is needed: nobody counts there. */
export function idInPath(length: number, digits: number, turns: number, hex: boolean): Kind | undefined {
  if (hex && length >= 4 && length < LONG_HEX && turns >= 2) return 'id'
  return turns >= 3 && length >= 5 && !(hex && length >= LONG_HEX) ? 'id' : idAnywhere(length, digits, turns, hex)
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

/** Ties a number to its neighbour, so that it does not stand free. */
export function isJoint(character: string | undefined): boolean {
  return character !== undefined && /[-_./:#=@\\]/.test(character)
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
