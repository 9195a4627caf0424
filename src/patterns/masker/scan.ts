// One walk over a text that finds its variables. Linear: each character is looked at a bounded number of times, whatever
// the text (`steps` is the proof). Which number is a variable, numbers.ts says.
import { isHexCode, lookAfter, measureIn, speaksOfOutcomes, WORD_LENGTH } from './around.js'
import { idAnywhere, idInPath, isBucket, isDigit, isHex, isLongName, isWord, type Letters } from './characters.js'
import { Context } from './context.js'
import { judge, type Numeral } from './numbers.js'
import { addressRunEnd, ipv6End, type Kind, shapesFor } from './shapes.js'

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

const SHAPE_GOES_ON = new Set(' -:./,')
/** Groups of thousands, as in 1,234,567. */
const GROUPS = 8

class Scanner {
  steps = 0
  readonly #text: string
  readonly #literals: ReadonlySet<string>
  readonly #spans: Span[] = []
  readonly #context: Context
  /** The text speaks of outcomes, requests or ports, or in a language whose words are not known here. */
  readonly #outcome: boolean
  /** Up to here the signs of an address were looked at, and were none. */
  #noAddress = -1

  constructor(text: string, literals: ReadonlySet<string>) {
    this.#text = text
    this.#literals = literals
    this.steps += text.length
    this.#outcome = speaksOfOutcomes(text)
    this.#context = new Context(text, literals)
  }

  run(): readonly Span[] {
    const text = this.#text
    for (let at = 0; at < text.length; ) {
      this.steps++
      at = isWord(text.charCodeAt(at)) ? this.#piece(at, this.#pieceEnd(at)) : this.#gap(at)
    }
    return this.#spans
  }

  /** A run of letters and digits: a shape, a number, an id, or a word. Answers where to go on. */
  #piece(start: number, end: number): number {
    const context = this.#context
    const shape = this.#shape(start, end)
    if (shape !== undefined) {
      if (context.said === 'version' || context.version) return this.#literal(shape.end)
      return this.#variable(shape.kind, start, shape.end)
    }
    const letters = this.#letters(start, end)
    if (letters.letters === 0) return this.#number(start, end)
    const meant = context.said === 'meaning' || context.said === 'version' || context.version
    const prefixed =
      letters.digits > 0 && /^0x[0-9a-f]{1,64}$/i.test(this.#text.slice(start, Math.min(end, start + 67)))
    const kind = context.path || context.inName ? idInPath(end - start, letters) : idAnywhere(end - start, letters)
    if (prefixed || kind !== undefined) {
      if (meant || (prefixed && isHexCode(this.#text, start, end, this.#outcome, context.lastWord)))
        return this.#literal(end)
      return this.#variable(prefixed ? 'hex' : kind!, start, end)
    }
    if (letters.turns === 1) {
      if (isDigit(this.#text.charCodeAt(start))) {
        // `30s`, `512MB`.
        const digitsEnd = start + letters.digits
        if (this.#isMeasureAt(digitsEnd)) return this.#number(start, digitsEnd)
      } else if (!context.version && this.#endsInName(start, end, letters)) {
        return this.#variable('number', start + letters.letters, end)
      }
    }
    context.readWord(start, end)
    return end
  }

  /** `KB` and a long number within a name, `ORD12345678`, `subdir51` right above `blk_1608999687919862906`. */
  #endsInName(start: number, end: number, letters: Letters): boolean {
    this.steps += WORD_LENGTH
    const long = this.#context.said !== 'meaning' && isLongName(this.#text, start, end, letters)
    if (!long && !isBucket(this.#text, start, end, letters)) return false
    return !this.#context.isMeaning(this.#text.slice(start, start + letters.letters))
  }

  #isMeasureAt(end: number): boolean {
    this.steps += WORD_LENGTH
    return measureIn(this.#text, lookAfter(this.#text, end), this.#literals) !== ''
  }

  #shape(start: number, end: number): { kind: Kind; end: number } | undefined {
    const text = this.#text
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

  /** A number whose first digits are `start` to `digitsEnd`. */
  #number(start: number, digitsEnd: number): number {
    const text = this.#text
    const context = this.#context
    const number = this.#numeral(start, digitsEnd)
    const { end, parts } = number
    const versioned =
      parts > 2 || context.version || this.#afterWordWithDigit(start) || this.#productVersion(start, parts)
    const suffixed = isWord(text.charCodeAt(end)) && !this.#isMeasureAt(end)
    if (versioned || suffixed) {
      // `1.2.3`, `HTTP/1.1`, or a number with a suffix of its own, as 2nd and 1.5x.
      context.version = parts > 1
      context.stayed = this.#rest(end)
      return context.stayed
    }
    this.steps += WORD_LENGTH
    const verdict = judge(text, context, number, this.#outcome, this.#literals)
    return verdict === undefined ? this.#literal(end) : this.#variable(verdict.kind, verdict.start, end)
  }

  /** Takes in groups of thousands and what follows points. */
  #numeral(start: number, digitsEnd: number): Numeral {
    const text = this.#text
    let end = digitsEnd
    for (let group = 0; group < GROUPS && text[end] === ','; group++) {
      const next = this.#pieceEnd(end + 1)
      if (next !== end + 4 || !this.#isNumber(end + 1, next)) break
      end = next
    }
    const whole = Number(text.slice(start, Math.min(end, start + 21)).replaceAll(',', ''))
    let parts = 1
    let fraction = 0
    while (text[end] === '.' && isDigit(text.charCodeAt(end + 1))) {
      const next = this.#digitsEnd(end + 1)
      parts++
      fraction = next - end - 1
      end = next
      // The fraction may run into letters: 1.5GB.
      if (isWord(text.charCodeAt(end))) break
    }
    return { start, end, parts, fraction, whole }
  }

  /** An address that begins at `start`. Of one run of its signs only the beginning is tried: -1 from then on. */
  #ipv6(start: number): number {
    if (start < this.#noAddress) return -1
    this.steps += 46
    const end = ipv6End(this.#text, start)
    if (end < 0) {
      this.#noAddress = addressRunEnd(this.#text, start)
      this.steps += this.#noAddress - start
    }
    return end
  }

  /** `python3.11`, `v1.2`, `x86_64`, `localhost:8080`, `example.com:443`. */
  #afterWordWithDigit(start: number): boolean {
    const context = this.#context
    const joint = this.#text[start - 1]
    if (context.word !== start - 1) return false
    if (joint === ':' && context.authority) return true
    return context.wordEndsInDigit && (joint === '.' || joint === '_')
  }

  /** `HTTP/1.1`, `nginx/1.24`. */
  #productVersion(start: number, parts: number): boolean {
    return parts === 2 && this.#text[start - 1] === '/' && this.#context.word === start - 1
  }

  /** One character that is neither letter nor digit. Answers where to go on. */
  #gap(at: number): number {
    const text = this.#text
    if (text[at] === ':' && text[at + 1] === ':' && this.#context.word !== at) {
      const end = this.#ipv6(at)
      if (end > 0) return this.#variable('ip', at, end)
    }
    this.#context.readSign(at)
    return at + 1
  }

  #variable(kind: Kind, start: number, end: number): number {
    this.#spans.push({ kind, start, end })
    this.#context.readVariable(kind, start, end)
    return end
  }

  #literal(end: number): number {
    this.#context.readLiteral(end)
    return end
  }

  /** Leaves the rest of a run of letters and digits as it is. */
  #rest(at: number): number {
    const end = isWord(this.#text.charCodeAt(at)) ? this.#pieceEnd(at) : at
    // `HTTP/1.1" 200`: a version does not use up what was said.
    if (this.#context.said === 'ordinal') this.#context.said = 'nothing'
    return end
  }

  #pieceEnd(start: number): number {
    let end = start
    while (end < this.#text.length && isWord(this.#text.charCodeAt(end))) end++
    this.steps += end - start
    return end
  }

  #digitsEnd(start: number): number {
    let end = start
    while (isDigit(this.#text.charCodeAt(end))) end++
    this.steps += end - start
    return end
  }

  #isNumber(start: number, end: number): boolean {
    return end > start && this.#digitsEnd(start) >= end
  }

  #letters(start: number, end: number): Letters {
    this.steps += end - start
    let digits = 0
    let turns = 0
    let hex = true
    let lower = true
    let before = isDigit(this.#text.charCodeAt(start))
    for (let at = start; at < end; at++) {
      const code = this.#text.charCodeAt(at)
      const digit = isDigit(code)
      if (digit) digits++
      else if (!isHex(code)) hex = false
      if (!digit && code < 97) lower = false
      if (digit !== before) turns++
      before = digit
    }
    return { digits, letters: end - start - digits, turns, hex, lower }
  }
}
