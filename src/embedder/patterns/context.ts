// What the walk over a text knows when it comes to a number: which word said something of it, and what it is joined to.
// Fed with the words, signs and numbers in their order; decides nothing itself (numbers.ts does).
import { isUnit, WORD_LENGTH } from './around.js'
import { isDigit, lastHump } from './characters.js'
import {
  AMOUNT,
  CHAIN,
  COUNTED,
  FILLER,
  MEANING,
  MEASURE,
  MEASURE_WORDS,
  ORDINAL,
  PORT,
  SOURCE_FILE,
  THING,
  VERSION,
} from './words.js'

/** What the words before a number say of it. `used`: said of the last number, and of the next one if `to` follows. */
export type Said = 'nothing' | 'meaning' | 'version' | 'used' | 'ordinal' | 'port' | 'amount' | 'thing'

const ENDS_A_PATH = new Set(' \t\n\r\v\f\u00a0"\'`()[]{},;')
/** `status 200/404`, `exit codes 1, 2`, `200 -> 404`. */
const GOES_ON = new Set(',/|>→')
/** Hold the pieces of one name together: `attempt_17_0001_m_000003_0`, `web-7d9f8c6b5-x2x4z`. */
export const JOINS_A_NAME = new Set('-_~')
/** A number of this many digits is nobody's meaning: what it is part of is a name. */
const LONG_NUMBER = 6

/** The lists of words.ts as one; where a word is on two, the earlier one here counts. */
const SAYS = lookup([
  [MEANING, 'meaning'],
  [VERSION, 'version'],
  [PORT, 'port'],
  [ORDINAL, 'ordinal'],
  [AMOUNT, 'amount'],
  [THING, 'thing'],
])
/** The same for the end of a longer word: the `Code` of `exitCode`. */
const SAYS_AT_END = lookup([
  [VERSION, 'version'],
  [MEANING, 'meaning'],
  [PORT, 'port'],
  [AMOUNT, 'amount'],
])

function lookup(lists: readonly (readonly [ReadonlySet<string>, Said])[]): ReadonlyMap<string, Said> {
  return new Map([...lists].reverse().flatMap(([words, said]) => [...words].map(word => [word, said] as const)))
}

export class Context {
  said: Said = 'nothing'
  /** In a file name or URL path, until white space, a quote or a bracket. */
  path = false
  /** Behind `://`, where a port may stand. */
  authority = false
  /** In what follows a version: `5.15.0-91-generic`. */
  version = false
  /** The pieces here belong to one name: it has an id in it, or a word before it said that it is a name. */
  inName = false
  /** Some number of the text was a name with a point, as in `task 3.0`: then `stage 7.0` is another. */
  dottedNames = false
  /** Where the last number that stayed ended; the last address; the last word. */
  stayed = -1
  address = -1
  word = -1
  /** The last word is the ending of a source file; follows a point. */
  wordIsFile = false
  wordIsDotted = false
  /** The last word ended in a digit: `python3` in `python3.11`. */
  wordEndsInDigit = false

  /** Where the last word began, if it may be a unit; else -1. */
  #unit = -1

  constructor(
    private readonly text: string,
    private readonly literals: ReadonlySet<string>,
  ) {}

  /** A word ends at `end`: what does it say of the numbers after it? */
  readWord(start: number, end: number): void {
    const { text } = this
    const joined = this.word === start - 1
    if (this.said === 'thing' && isNextTo(text, this.word, start)) this.inName = true
    this.word = end
    this.wordEndsInDigit = isDigit(text.charCodeAt(end - 1))
    this.#unit = -1
    this.wordIsDotted = joined && text[start - 1] === '.'
    this.wordIsFile = false
    if (end - start > WORD_LENGTH) {
      this.said = 'nothing'
      return
    }
    const word = text.slice(start, end)
    const lower = word.toLowerCase()
    // The `m` of `task_17_m_0` is no unit.
    if (!this.inName) this.#unit = start
    this.wordIsFile = this.wordIsDotted && SOURCE_FILE.has(lower)
    if (/^v\d+$/.test(lower)) this.version = true
    // The `java` of `Main.java` says nothing of a version.
    this.said = this.wordIsFile ? 'nothing' : this.#saidBy(lower, lastHump(word))
    if (text[start - 1] === '_') {
      // `elapsed_ms: 5`.
      const unit = this.wordUnit
      if (unit === 'measure') this.said = 'amount'
      else if (unit === 'other') this.said = 'meaning'
    }
  }

  /** What the last word measures or counts: `elapsed_ms=5`. */
  get wordUnit(): 'none' | 'measure' | 'counted' | 'other' {
    if (this.#unit < 0) return 'none'
    const word = this.text.slice(this.#unit, this.word)
    const lower = word.toLowerCase()
    if (MEASURE.has(word) || MEASURE_WORDS.has(lower)) return 'measure'
    return COUNTED.has(lower) ? 'counted' : isUnit(word) ? 'other' : 'none'
  }

  /** A character that is neither letter nor digit. */
  readSign(at: number): void {
    const { text } = this
    const character = text[at]!
    if (character === '/') {
      this.authority = text[at - 1] === '/' && text[at - 2] === ':'
      this.path = true
      // `/v2/17`: the version was that of the interface alone.
      this.version = false
    }
    if (ENDS_A_PATH.has(character)) {
      this.path = false
      this.authority = false
      this.version = false
    }
    if (!JOINS_A_NAME.has(character)) this.inName = false
    if (character === '\n' || character === '\r' || character === ';') this.said = 'nothing'
    if (this.said === 'used' && GOES_ON.has(character)) this.said = 'meaning'
  }

  /** What stood there was masked. */
  readVariable(kind: string, start: number, end: number): void {
    this.said = 'nothing'
    if (kind === 'ip') this.address = end
    if (kind === 'uuid' || kind === 'hex' || kind === 'id' || (kind === 'number' && end - start >= LONG_NUMBER)) {
      this.inName = true
    }
  }

  /** A number stayed as it is. */
  readLiteral(end: number): void {
    this.said = 'used'
    this.stayed = end
  }

  /** Whether a number right behind this word, in one with it, would be a meaning. */
  isMeaning(stem: string): boolean {
    const lower = stem.toLowerCase()
    return [this.literals, MEANING, VERSION, PORT, ORDINAL].some(words => words.has(lower))
  }

  #saidBy(word: string, hump: string): Said {
    if (this.literals.has(word)) return 'meaning'
    const said = SAYS.get(word)
    if (said !== undefined) return said
    if (FILLER.has(word)) {
      if (this.said === 'thing') return 'nothing'
      return this.said === 'used' && CHAIN.has(word) ? 'meaning' : this.said
    }
    return (hump !== word && SAYS_AT_END.get(hump)) || 'nothing'
  }
}

/** Nothing but a blank, a sign that names, and an opening quote or bracket lie between a thing and its name. */
export function isNextTo(text: string, end: number, start: number): boolean {
  return start - end <= 3 && /^(?:[-_#]|:? {0,2}['"`[(#]?)$/.test(text.slice(end, start))
}
