// What the walk over a text knows when it comes to a number: which word said something of it, and what it is joined to.
// Fed with the words, signs and numbers in their order; decides nothing itself (numbers.ts does).
import { isUnit, WORD_LENGTH } from './around.js'
import { isBlank, isDigit, lastHump } from './characters.js'
import { type Clause, ENTRIES, entryOfName, isMeasuredOf, qualifierIn, type Said } from './says.js'
import {
  CHAIN,
  COUNTED,
  ID,
  MEANING,
  MEASURE,
  MEASURE_WORDS,
  METHOD,
  ORDINAL,
  PORT,
  SETTING,
  SOURCE_FILE,
  VERSION,
} from './words.js'

const ENDS_A_PATH = new Set(' \t\n\r\v\f\u00a0"\'`()[]{},;')
/** `status 200/404`, `exit codes 1, 2`, `200 -> 404`, `Bank 5: b200000000070f0f`. */
const GOES_ON = new Set(',/|>→:')
/** Hold the pieces of one name together: `attempt_17_0001_m_000003_0`, `web-7d9f8c6b5-x2x4z`. */
export const JOINS_A_NAME = new Set('-_~')
/** A number of this many digits is nobody's meaning: what it is part of is a name. */
const LONG_NUMBER = 6

/** Of a name longer than WORD_LENGTH, so much is looked at for an error in it. */
const NAME_LENGTH = 64
/** `failed to renew it for 51 seconds` was measured. */
const FAILED = /^(?:failed|failing|unable)$/i

export class Context {
  said: Said = 'nothing'
  /** What the clause says of a number with a unit. */
  clause: Clause = 'nothing'
  /** The line speaks of a request of HTTP: a duration in it was measured. */
  request = false
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

  readonly #text: string
  readonly #literals: ReadonlySet<string>
  /** Where the last word began, if it may be a unit; else -1. */
  #unit = -1
  /** Where the last word began. */
  #start = -1
  /** The last word set the clause, and so does a name that it begins: the `max` of `max_connections`. */
  #sets = false

  constructor(text: string, literals: ReadonlySet<string>) {
    this.#text = text
    this.#literals = literals
  }

  /** A word ends at `end`: what does it say of the numbers after it? */
  readWord(start: number, end: number): void {
    const text = this.#text
    const lastEnd = this.word
    const joined = lastEnd === start - 1
    if (this.said === 'thing' && isNextTo(text, this.word, start)) this.inName = true
    this.word = end
    this.wordEndsInDigit = isDigit(text.charCodeAt(end - 1))
    this.#unit = -1
    this.wordIsDotted = joined && text[start - 1] === '.'
    this.wordIsFile = false
    const [before, beforeEnd] = [this.#start, lastEnd]
    this.#start = start
    if (end - start > WORD_LENGTH) {
      const long = end - start <= NAME_LENGTH && /err(?:or|no)|status|code|exception/i.test(text.slice(start, end))
      this.said = long ? 'meaning' : 'nothing'
      this.#sets = false
      return
    }
    const word = text.slice(start, end)
    const lower = word.toLowerCase()
    // The `m` of `task_17_m_0` is no unit.
    if (!this.inName) this.#unit = start
    this.wordIsFile = this.wordIsDotted && SOURCE_FILE.has(lower)
    if (/^v\d+$/.test(lower)) this.version = true
    if (METHOD.has(word)) this.request = true
    // The `java` of `Main.java` says nothing of a version.
    if (this.wordIsFile) {
      this.said = 'nothing'
      this.#sets = false
    } else {
      this.#hear(word, lower, start, before, beforeEnd)
    }
    if (text[start - 1] === '_' && this.said !== 'meaning') {
      // `elapsed_ms: 5`; but of `db_ms` nobody knows.
      const unit = this.wordUnit
      if (unit === 'measure') this.said = this.clause === 'measured' ? 'amount' : 'meaning'
      else if (unit === 'other') this.said = 'meaning'
    }
  }

  /** What the last word measures or counts: `elapsed_ms=5`. */
  get wordUnit(): 'none' | 'measure' | 'counted' | 'other' {
    if (this.#unit < 0) return 'none'
    const word = this.#text.slice(this.#unit, this.word)
    const lower = word.toLowerCase()
    if (MEASURE.has(word) || MEASURE_WORDS.has(lower)) return 'measure'
    return COUNTED.has(lower) ? 'counted' : isUnit(word) ? 'other' : 'none'
  }

  /** A character that is neither letter nor digit. */
  readSign(at: number): void {
    const text = this.#text
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
    if (character === '\n' || character === '\r' || character === ';') {
      this.said = 'nothing'
      this.clause = 'nothing'
      if (character !== ';') this.request = false
    } else if (character === ',' || (character === '.' && isBlank(text[at + 1]))) {
      this.clause = 'nothing'
    }
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
    return [this.#literals, MEANING, SETTING, VERSION, PORT, ORDINAL].some(words => words.has(lower))
  }

  /** The last word as it is written; `''` before the first. */
  get lastWord(): string {
    return this.#start < 0 ? '' : this.#text.slice(this.#start, Math.min(this.word, this.#start + WORD_LENGTH))
  }

  /** The last word is a key of what is a name: `keyId`. */
  get wordIsId(): boolean {
    const word = this.lastWord
    return ID.has(word.toLowerCase()) || ID.has(lastHump(word))
  }

  /** What a word says, of the next number and of its clause. `before` to `beforeEnd`: the word before it. */
  #hear(word: string, lower: string, start: number, before: number, beforeEnd: number): void {
    const text = this.#text
    const entry = ENTRIES.get(lower) ?? entryOfName(word, lower)
    const joint = start - beforeEnd === 1 ? text[beforeEnd]! : ''
    const inName = this.#sets && (joint === '_' || joint === '-')
    let { said } = entry
    if ((this.#literals.size > 0 && this.#literals.has(lower)) || word === 'STOP') said = 'meaning'
    if (said === 'noun') {
      const own = qualifierIn(word)
      const beside = before >= 0 && (joint === '_' || joint === '-' || isBlank(joint))
      const qualifier = own !== '' && own !== lower ? own : beside ? text.slice(before, beforeEnd) : ''
      const measured = qualifier === '' ? this.said !== 'meaning' : isMeasuredOf(qualifier)
      said = measured && this.clause !== 'setting' ? 'amount' : 'meaning'
      if (said === 'amount') this.clause = 'measured'
    } else if (said === 'other' && inName) {
      said = 'meaning'
    }
    this.#sets = entry.clause === 'setting' || inName
    this.#hearClause(entry.clause, lower, before, beforeEnd)
    if (said === 'filler') {
      if (this.said === 'thing') this.said = 'nothing'
      else if (this.said === 'used' && CHAIN.has(lower)) this.said = 'meaning'
      return
    }
    this.said = said === 'other' ? 'nothing' : said
  }

  #hearClause(says: Clause | 'took', lower: string, before: number, beforeEnd: number): void {
    if (says === 'took') this.clause = 'measured'
    else if (says === 'setting') this.clause = 'setting'
    else if (this.clause === 'setting') return
    else if (says === 'measured') this.clause = 'measured'
    else if (lower === 'in') this.clause = this.clause === 'past' ? 'measured' : this.clause
    else if (lower === 'to' && FAILED.test(this.#text.slice(before, beforeEnd))) this.clause = 'measured'
    else if (says === 'past' && this.clause === 'nothing') this.clause = 'past'
    else if (this.clause === 'past' && lower.length > 4 && lower.endsWith('ing')) this.clause = 'nothing'
  }
}

/** Nothing but a blank, a sign that names, and an opening quote or bracket lie between a thing and its name. */
export function isNextTo(text: string, end: number, start: number): boolean {
  return start - end <= 3 && /^(?:[-_#]|:? {0,2}['"`[(#]?)$/.test(text.slice(end, start))
}
