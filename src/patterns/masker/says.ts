// What one word says of the numbers after it, by itself: the lists of words.ts as one table. Knows no text and no position;
// context.ts keeps what was said while the walk goes on.
import {
  AMOUNT,
  CODE_PART,
  DONE,
  FILLER,
  MEANING,
  MEASURE,
  MEASURE_WORDS,
  MEASURED_OF,
  ORDINAL,
  OVER,
  PORT,
  SETTING,
  SPENT,
  THING,
  TOOK,
  VERSION,
} from './words.js'

/**
 * What the words before a number say of it. `used`: said of the last number, and of the next one if `to` follows.
 * `spent`: a meaning without a unit, measured with one.
 */
export type Said = 'nothing' | 'meaning' | 'version' | 'used' | 'ordinal' | 'port' | 'amount' | 'thing' | 'spent'

/**
 * What the words of the clause so far say of a number with a unit. `setting`: it was set, is left, or is due. `measured`:
 * it was measured. `past`: something is over, so that `in 5 ms` tells how long it took.
 */
export type Clause = 'nothing' | 'past' | 'measured' | 'setting'

/** What a word is: to the next number, and to its clause. `noun`: the word before it tells whether it is an amount. */
export interface Entry {
  readonly said: Said | 'filler' | 'noun' | 'other'
  readonly clause: Clause | 'took'
}

/** Where a word is on two lists, the earlier one here counts: a meaning first. */
const SAID: readonly (readonly [ReadonlySet<string>, Entry['said']])[] = [
  [SETTING, 'meaning'],
  [MEANING, 'meaning'],
  [VERSION, 'version'],
  [PORT, 'port'],
  [ORDINAL, 'ordinal'],
  [TOOK, 'amount'],
  [AMOUNT, 'noun'],
  [SPENT, 'spent'],
  [THING, 'thing'],
  [FILLER, 'filler'],
]
const OF_CLAUSE: readonly (readonly [ReadonlySet<string>, Entry['clause']])[] = [
  [SETTING, 'setting'],
  [TOOK, 'took'],
  [DONE, 'measured'],
  [SPENT, 'measured'],
  [OVER, 'past'],
]

/** Every listed word, in lower case. */
export const ENTRIES: ReadonlyMap<string, Entry> = table()

function table(): ReadonlyMap<string, Entry> {
  const said = lookup(SAID)
  const clause = lookup(OF_CLAUSE)
  return new Map(
    [...said.keys(), ...clause.keys()].map(word => [
      word,
      { said: said.get(word) ?? 'other', clause: clause.get(word) ?? 'nothing' },
    ]),
  )
}

function lookup<T>(lists: readonly (readonly [ReadonlySet<string>, T])[]): ReadonlyMap<string, T> {
  return new Map([...lists].reverse().flatMap(([words, value]) => [...words].map(word => [word, value] as const)))
}

/** What the end of a longer name may say: the `Code` of `exitCode`. */
const AT_END = new Set<Entry['said']>(['version', 'meaning', 'port', 'noun', 'amount', 'spent'])
/** What each match of CODE_AT_EDGE holds: cheaper to look for. */
const MAY_BE_CODE = ['err', 'code', 'stat', 'exception']
const CODE_AT_EDGE = /^(?:err|sqlcode|sqlstate)|(?:err|error|errno|code|status|exception)s?$|error|errno/
/** The parts of a name in camel case. */
const HUMPS = /[A-Z]{2,24}(?![a-z])|[A-Z]?[a-z]{1,24}/g
const CAMEL = /[a-z][A-Z]|[A-Z]{2}[a-z]/

const UNLISTED: Entry = { said: 'other', clause: 'nothing' }
const PAST: Entry = { said: 'other', clause: 'past' }
const A_CODE: Entry = { said: 'meaning', clause: 'nothing' }
const A_SETTING: Entry = { said: 'meaning', clause: 'setting' }
const A_NOUN: Entry = { said: 'noun', clause: 'nothing' }

/** What a word says that is on no list: by its form, and by the parts of a name: `exitCode`, `NSURLErrorDomain`. */
export function entryOfName(word: string, lower: string): Entry {
  if (MAY_BE_CODE.some(part => lower.includes(part)) && CODE_AT_EDGE.test(lower)) return A_CODE
  if (word !== lower && CAMEL.test(word)) {
    const humps = word.match(HUMPS) ?? []
    for (const hump of humps) {
      const part = hump.toLowerCase()
      if (CODE_PART.has(part)) return A_CODE
      if (SETTING.has(part)) return A_SETTING
    }
    const last = ENTRIES.get((humps.at(-1) ?? '').toLowerCase())
    return last !== undefined && AT_END.has(last.said) ? last : UNLISTED
  }
  if (lower.endsWith('size') || lower.endsWith('length')) return A_NOUN
  return lower.length > 3 && lower.endsWith('ed') ? PAST : UNLISTED
}

/** Whether what stands before the noun of a name is measured: the `response` of `responseTime`; `''` where nothing does. */
export function qualifierIn(word: string): string {
  const humps = word.match(HUMPS) ?? []
  if (humps.length > 1) return humps.at(-2)!.toLowerCase()
  return word.toLowerCase().replace(/(?:size|length|time|memory)$/, '')
}

/** `file size`, `of size`, `5 MB size`: measured; `key size` is chosen. */
export function isMeasuredOf(word: string): boolean {
  const qualifier = word.toLowerCase()
  if (MEASURE.has(word) || MEASURE_WORDS.has(qualifier)) return true
  return MEASURED_OF.has(qualifier) || FILLER.has(qualifier) || DONE.has(qualifier) || TOOK.has(qualifier)
}
