// What stands right around a number and says that it is a meaning: looked at from the number outwards, a bounded number of
// characters. Pure predicates.
import { isBlank, isDigit, isWord, lastHump } from './characters.js'
import {
  ADDRESS,
  COUNTED,
  DONE,
  MEANING_AFTER,
  MEASURE,
  MEASURE_WORDS,
  METHOD,
  OUTCOME,
  REASON,
  SETTING,
  SPENT,
  TOOK,
  UNIT_FORM,
  UNIT_WORDS,
  UNITS,
} from './words.js'

/** Words longer than this say nothing of a number. */
export const WORD_LENGTH = 24
const OTHER_LETTER = /\p{L}/u
/** A whole word, with the letters of units. */
const WORD = /^[A-Za-zµμΩ\u2126]{1,24}(?![A-Za-z0-9])/
const ACCENT = /[\u00c0-\u052f]/

/**
 * Whether some word of the text tells of outcomes, requests or ports, or is of a language whose words are not known
 * here. Looks at the whole text before any number is judged: what a number says may stand behind it.
 */
export function speaksOfOutcomes(text: string): boolean {
  for (let at = 0; at < text.length; ) {
    const start = at
    for (let code = text.charCodeAt(at); isWord(code) && !isDigit(code); code = text.charCodeAt(++at)) {}
    if (at === start) {
      if (text.charCodeAt(at) > 0x2ff && OTHER_LETTER.test(text[at]!)) return true
      at++
      continue
    }
    const word = text.slice(start, Math.min(at, start + WORD_LENGTH + 1))
    if (ACCENT.test(word)) return true
    if (METHOD.has(word) || (text[at + 1] === '/' && METHOD.has(word.toUpperCase()))) return true
    if (word.length <= WORD_LENGTH && (OUTCOME.has(word.toLowerCase()) || OUTCOME.has(lastHump(word)))) return true
  }
  return false
}

/** A unit whose numbers stay, as it is written, or in words, or of bits. */
export function isUnit(word: string): boolean {
  const lower = word.toLowerCase()
  return UNITS.has(word) || UNIT_WORDS.has(lower) || UNIT_FORM.test(lower)
}

/** `ORA-12154`, `CVE-2021`, `C++ 17`. */
export function isCodeOfName(text: string, start: number): boolean {
  return /(?:[A-Z]{2}-|\+[ \t])$/.test(text.slice(Math.max(0, start - 3), start))
}

/** `$5`, `₹: 5`. */
export function followsCurrency(text: string, start: number): boolean {
  return /\p{Sc}[^\p{L}\p{N}]{0,2}$/u.test(text.slice(Math.max(0, start - 3), start))
}

/**
 * `0x5`, `0x80070005`, `STOP: 0x0000007B`: codes; of eight digits it is one unless the word before it says that an address
 * in memory follows.
 */
export function isHexCode(text: string, start: number, end: number, outcome: boolean, before: string): boolean {
  const digits = end - start - 2
  if (digits <= 4) return true
  return digits === 8 && (outcome || (text[start - 1] !== '@' && !ADDRESS.has(before.toLowerCase())))
}

/** How far behind a unit, in words and characters, its clause is looked at. */
const BEHIND_WORDS = 4
const BEHIND_CHARACTERS = 48

/** What the rest of the clause says of a number whose unit ends at `end`: `12 MB left`, `5 bytes result sent`. */
export function lookBehind(text: string, end: number): 'setting' | 'measured' | 'nothing' {
  const rest = /^[^.,;:()[\]{}\n\r]{0,48}/.exec(text.slice(end, end + BEHIND_CHARACTERS))![0]
  let found: 'measured' | 'nothing' = 'nothing'
  for (const word of rest
    .toLowerCase()
    .match(/[a-z]{1,24}/g)
    ?.slice(0, BEHIND_WORDS) ?? []) {
    if (SETTING.has(word)) return 'setting'
    if (DONE.has(word) || SPENT.has(word) || TOOK.has(word)) found = 'measured'
  }
  return found
}

/** What follows a number: after blanks, or right behind it, or behind a sign that joins it to its word, as in `5-second`. */
export interface After {
  readonly sign: string
  /** The word there, if there is one; `''` also where digits are mixed into it. */
  readonly word: string
  readonly joined: boolean
  /** Where the word ends. */
  readonly end: number
}

export function lookAfter(text: string, end: number): After {
  let next = end
  while (next < end + 3 && isBlank(text[next])) next++
  const joined = next === end && /[-/_]/.test(text[end] ?? '')
  if (joined) next++
  const code = text.charCodeAt(next)
  const letter = (isWord(code) && !isDigit(code)) || code === 0x2126
  const word = letter ? (WORD.exec(text.slice(next, next + WORD_LENGTH + 1))?.[0] ?? '') : ''
  return { sign: text[next] ?? '', word, joined, end: next + word.length }
}

/**
 * The unit of time or of bytes that follows a number: `ms` of `5 ms`. Empty where none does, or where more follows: `MB/s`
 * is the speed of a link, which says a state.
 */
export function measureIn(text: string, { word, joined, end }: After, literals: ReadonlySet<string>): string {
  if (word === '' || joined || text[end] === '/') return ''
  const lower = word.toLowerCase()
  if (literals.has(lower)) return ''
  return MEASURE.has(word) || MEASURE_WORDS.has(lower) ? word : ''
}

/** What follows says that the number is an amount or a status. `status`: it could be one of HTTP. `large`: 1,000 or more. */
export function isSaidAfter(
  text: string,
  { sign, word, end }: After,
  { status, large }: { readonly status: boolean; readonly large: boolean },
  literals: ReadonlySet<string>,
): boolean {
  if (/[%‰‱°º℃℉Ω\u2126]|\p{Sc}/u.test(sign)) return true
  if (word === '') return false
  const lower = word.toLowerCase()
  if (COUNTED.has(lower)) return !large || literals.has(lower)
  if (isUnit(word) || MEASURE.has(word) || MEASURE_WORDS.has(lower)) return true
  // `2 of 3`, `12 of them`; but `block 1234 of the file`.
  if (lower === 'of' && large && !/^[ \t]\d/.test(text.slice(end, end + 2))) return literals.has(lower)
  return MEANING_AFTER.has(lower) || literals.has(lower) || (status && REASON.has(word))
}
