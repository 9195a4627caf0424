// One walk over a text that finds its variables. A number stays where the words around it say that it is a meaning and
// not a name. Linear: each character is looked at a bounded number of times, whatever the text (`steps` is the proof).
import {
  followsCurrency,
  isCodeOfName,
  isHexCode,
  isSaidAfter,
  isUnit,
  speaksOfOutcomes,
  WORD_LENGTH,
} from './around.js'
import { idAnywhere, idInPath, isDigit, isHex, isSign, isWord, lastHump } from './characters.js'
import { addressRunEnd, ipv6End, type Kind, shapesFor } from './shapes.js'
import { CHAIN, FILLER, MEANING, ORDINAL, PORT, SOURCE_FILE, VERSION } from './words.js'

/** A part of a text, as UTF-16 offsets. */
export interface Span {
  readonly kind: string
  readonly start: number
  readonly end: number
}

export interface Scan {
  readonly spans: readonly Span[]
  /** Characters looked at, and shapes tried: grows with the length of the text and with nothing else. */
  readonly steps: number
}

/** The variables of `text`, in order. `literals`: further words, in lower case, beside which numbers stay. */
export function scan(text: string, literals: ReadonlySet<string>): Scan {
  const scanner = new Scanner(text, literals)
  return { spans: scanner.run(), steps: scanner.steps }
}

/** What the words before a number say of it. `used`: said of the last number, and of the next one if `to` follows. */
type Said = 'nothing' | 'meaning' | 'version' | 'used' | 'ordinal' | 'port'

/** From here up a port that stands with an address names a connection: Linux's own range (RFC 6056 on why). */
const EPHEMERAL_PORT = 32_768
/** A number below this may be a status, an exit code, a well-known port. */
const CODE = 1000
const ENDS_A_PATH = new Set(' \t\n\r\v\f\u00a0"\'`()[]{},;')
/** `status 200/404`, `exit codes 1, 2`, `200 -> 404`. */
const GOES_ON = new Set(',/|>→')
/** Ties a number to the number before it, so that they are one meaning: `80-90`, `200/503`, `1.2-3`. */
const TIES = new Set('-/.:_~+\u2013')
const SHAPE_GOES_ON = new Set(' -:./,')
/** Groups of thousands, as in 1,234,567. */
const GROUPS = 8

class Scanner {
  steps = 0
  readonly #spans: Span[] = []
  #said: Said = 'nothing'
  /** In a file name or URL path, until white space, a quote or a bracket. */
  #path = false
  /** Behind `://`, where a port may stand. */
  #authority = false
  /** In what follows a version: `5.15.0-91-generic`. */
  #version = false
  /** The text speaks of outcomes, requests or ports, or in a language whose words are not known here. */
  readonly #outcome: boolean
  /** Where the last number that stayed ended. */
  #stayed = -1
  /** Up to here the signs of an address were looked at, and were none. */
  #noAddress = -1
  /** The last word is a unit, or says an amount: `elapsed_ms=5`. */
  #wordIsUnit = false
  /** Where the last address and the last word ended. */
  #address = -1
  #word = -1
  /** The last word is the ending of a source file. */
  #wordIsFile = false
  /** The last word ended in a digit: `python3` in `python3.11`. */
  #wordEndsInDigit = false

  constructor(
    private readonly text: string,
    private readonly literals: ReadonlySet<string>,
  ) {
    this.steps += text.length
    this.#outcome = speaksOfOutcomes(text)
  }

  run(): readonly Span[] {
    const { text } = this
    for (let at = 0; at < text.length; ) {
      this.steps++
      at = isWord(text.charCodeAt(at)) ? this.#piece(at, this.#pieceEnd(at)) : this.#gap(at)
    }
    return this.#spans
  }

  /** A run of letters and digits: a shape, a number, an id, or a word. Answers where to go on. */
  #piece(start: number, end: number): number {
    const shape = this.#shape(start, end)
    if (shape !== undefined) {
      if (this.#said === 'version' || this.#version) return this.#literal(shape.end)
      if (shape.kind === 'ip') this.#address = shape.end
      return this.#variable(shape.kind, start, shape.end)
    }
    const { digits, letters, turns, hex } = this.#count(start, end)
    if (letters === 0) return this.#number(start, end)
    const kind = this.#path ? idInPath(end - start, digits, turns, hex) : idAnywhere(end - start, digits, turns, hex)
    const prefixed = digits > 0 && /^0x[0-9a-f]{1,64}$/i.test(this.text.slice(start, Math.min(end, start + 67)))
    if (prefixed || kind !== undefined) {
      const meant = this.#said === 'meaning' || this.#said === 'version' || this.#version
      if (meant || (prefixed && isHexCode(this.text, start, end, this.#outcome))) return this.#literal(end)
      return this.#variable(prefixed ? 'hex' : kind!, start, end)
    }
    this.#readWord(start, end)
    return end
  }

  #shape(start: number, end: number): { kind: Kind; end: number } | undefined {
    const { text } = this
    const first = text.charCodeAt(start)
    // Dates begin with a digit or a capital, addresses with a hex digit.
    if (!isDigit(first) && !isHex(first) && !(first >= 65 && first <= 90)) return undefined
    const next = text[end]
    // And go on with a sign or, after a month, a blank; or are written in one: 20240131T120000Z.
    if ((next === undefined || !SHAPE_GOES_ON.has(next)) && end - start < 15) return undefined
    if (next === ':' && end - start <= 4) {
      const found = this.#ipv6(start)
      if (found > 0) return { kind: 'ip', end: found }
    }
    for (const { kind, expression } of shapesFor(first, end - start, next)) {
      this.steps++
      expression.lastIndex = start
      if (expression.test(text)) return { kind, end: expression.lastIndex }
    }
    return undefined
  }

  /** A number whose first digits are `start` to `digitsEnd`: masked, unless something says that it is a meaning. */
  #number(start: number, digitsEnd: number): number {
    const { text } = this
    const { end, parts } = this.#numberEnd(digitsEnd)
    const value = Number(text.slice(start, Math.min(digitsEnd, start + 16)))
    const versioned =
      parts > 2 || this.#version || this.#afterWordWithDigit(start) || this.#productVersion(start, parts)
    if (versioned || isWord(text.charCodeAt(end))) {
      // `1.2.3`, `HTTP/1.1`, or a number with a unit or a suffix of its own, as 30s and 1.5GB.
      this.#version = parts > 1
      this.#stayed = this.#rest(end)
      return this.#stayed
    }
    const port = this.#portOfAddress(start)
    if (port) return value >= EPHEMERAL_PORT ? this.#variable('port', start, end) : this.#literal(end)
    this.steps += WORD_LENGTH
    const said = this.#said !== 'nothing' && this.#said !== 'used'
    if (said && (this.#said !== 'ordinal' || value < 100)) return this.#literal(end)
    const stays =
      // Decimals measure or tell versions; one digit counts or tells which of a few; 007 is a code, 2024 a year.
      parts > 1 ||
      end - start === 1 ||
      text[start] === '0' ||
      (end - start === 4 && value >= 1900 && value < 2100) ||
      (this.#outcome && value < CODE) ||
      (this.#stayed === start - 1 && TIES.has(text[start - 1]!)) ||
      (this.#wordIsUnit && this.#word === start - 1 && /[=:]/.test(text[start - 1]!)) ||
      isCodeOfName(text, start) ||
      this.#isPort(start) ||
      isSign(text, start) ||
      followsCurrency(text, start) ||
      (start === 1 && text[0] === '<' && text[end] === '>') ||
      isSaidAfter(text, end, value >= 100 && value <= 599 && end - start === 3, this.literals)
    return stays ? this.#literal(end) : this.#variable('number', start, end)
  }

  /** `:8080`, `*:80`, `db:5432`: right behind a colon; but `Main.java:12` tells a line. */
  #isPort(start: number): boolean {
    const { text } = this
    if (text[start - 1] !== ':' || /["'`]/.test(text[start - 2] ?? '')) return false
    return !(this.#word === start - 1 && this.#wordIsFile)
  }

  /** An address that begins at `start`. Of one run of its signs only the beginning is tried: -1 from then on. */
  #ipv6(start: number): number {
    if (start < this.#noAddress) return -1
    this.steps += 46
    const end = ipv6End(this.text, start)
    if (end < 0) {
      this.#noAddress = addressRunEnd(this.text, start)
      this.steps += this.#noAddress - start
    }
    return end
  }

  /** Takes in groups of thousands and what follows points; `parts` counts what points divide. */
  #numberEnd(digitsEnd: number): { end: number; parts: number } {
    const { text } = this
    let end = digitsEnd
    for (let group = 0; group < GROUPS && text[end] === ','; group++) {
      const next = this.#pieceEnd(end + 1)
      if (next !== end + 4 || !this.#isNumber(end + 1, next)) break
      end = next
    }
    let parts = 1
    while (text[end] === '.' && isDigit(text.charCodeAt(end + 1))) {
      const next = this.#pieceEnd(end + 1)
      parts++
      if (!this.#isNumber(end + 1, next)) {
        // The fraction runs into letters: 1.5GB. Where the digits end is enough to know.
        end = end + 2
        break
      }
      end = next
    }
    return { end, parts }
  }

  /** `:51234` or ` port 51234` directly behind an address, and the width of a network, `/8`, which is as small. */
  #portOfAddress(start: number): boolean {
    if (this.#address < 0 || start - this.#address > 7) return false
    return /^(?:\]?[:#/]| port[ :=])$/i.test(this.text.slice(this.#address, start))
  }

  /** `python3.11`, `v1.2`, `x86_64`, `localhost:8080`, `example.com:443`. */
  #afterWordWithDigit(start: number): boolean {
    const joint = this.text[start - 1]
    if (this.#word !== start - 1) return false
    if (joint === ':' && this.#authority) return true
    return this.#wordEndsInDigit && (joint === '.' || joint === '_')
  }

  /** `HTTP/1.1`, `nginx/1.24`. */
  #productVersion(start: number, parts: number): boolean {
    return parts === 2 && this.text[start - 1] === '/' && this.#word === start - 1
  }

  /** What a word says of the numbers after it. */
  #readWord(start: number, end: number): void {
    const { text } = this
    const dotted = text[start - 1] === '.' && this.#word === start - 1
    this.#word = end
    this.#wordEndsInDigit = isDigit(text.charCodeAt(end - 1))
    this.#wordIsUnit = false
    this.#wordIsFile = false
    if (end - start > WORD_LENGTH) {
      this.#said = 'nothing'
      return
    }
    const word = text.slice(start, end)
    const lower = word.toLowerCase()
    this.#wordIsUnit = isUnit(word)
    this.#wordIsFile = dotted && SOURCE_FILE.has(lower)
    if (/^v\d+$/.test(lower)) this.#version = true
    // The `java` of `Main.java` says nothing of a version.
    this.#said = this.#wordIsFile ? 'nothing' : this.#saidBy(lower, lastHump(word))
    // `elapsed_ms: 5`.
    if (this.#wordIsUnit && text[start - 1] === '_') this.#said = 'meaning'
  }

  #saidBy(word: string, hump: string): Said {
    if (this.literals.has(word) || MEANING.has(word)) return 'meaning'
    if (VERSION.has(word)) return 'version'
    if (PORT.has(word)) return 'port'
    if (ORDINAL.has(word)) return 'ordinal'
    if (FILLER.has(word)) return this.#said === 'used' && CHAIN.has(word) ? 'meaning' : this.#said
    if (hump === word) return 'nothing'
    if (VERSION.has(hump)) return 'version'
    return MEANING.has(hump) ? 'meaning' : PORT.has(hump) ? 'port' : 'nothing'
  }

  /** One character that is neither letter nor digit. Answers where to go on. */
  #gap(at: number): number {
    const { text } = this
    const character = text[at]!
    if (character === ':' && text[at + 1] === ':' && this.#word !== at) {
      const end = this.#ipv6(at)
      if (end > 0) {
        this.#address = end
        return this.#variable('ip', at, end)
      }
    }
    if (character === '/') {
      this.#authority = text[at - 1] === '/' && text[at - 2] === ':'
      this.#path = true
    }
    if (ENDS_A_PATH.has(character)) {
      this.#path = false
      this.#authority = false
      this.#version = false
    }
    if (character === '\n' || character === '\r' || character === ';') this.#said = 'nothing'
    if (this.#said === 'used' && GOES_ON.has(character)) this.#said = 'meaning'
    return at + 1
  }

  #variable(kind: string, start: number, end: number): number {
    this.#spans.push({ kind, start, end })
    this.#said = 'nothing'
    return end
  }

  #literal(end: number): number {
    this.#said = 'used'
    this.#stayed = end
    return end
  }

  /** Leaves the rest of a run of letters and digits as it is. */
  #rest(at: number): number {
    const end = isWord(this.text.charCodeAt(at)) ? this.#pieceEnd(at) : at
    // `HTTP/1.1" 200`: a version does not use up what was said.
    if (this.#said === 'ordinal') this.#said = 'nothing'
    return end
  }

  #pieceEnd(start: number): number {
    let end = start
    while (end < this.text.length && isWord(this.text.charCodeAt(end))) end++
    this.steps += end - start
    return end
  }

  #isNumber(start: number, end: number): boolean {
    this.steps += end - start
    for (let at = start; at < end; at++) if (!isDigit(this.text.charCodeAt(at))) return false
    return end > start
  }

  #count(start: number, end: number): { digits: number; letters: number; turns: number; hex: boolean } {
    this.steps += end - start
    let digits = 0
    let turns = 0
    let hex = true
    let before = isDigit(this.text.charCodeAt(start))
    for (let at = start; at < end; at++) {
      const code = this.text.charCodeAt(at)
      const digit = isDigit(code)
      if (digit) digits++
      else if (!isHex(code)) hex = false
      if (digit !== before) turns++
      before = digit
    }
    return { digits, letters: end - start - digits, turns, hex }
  }
}
