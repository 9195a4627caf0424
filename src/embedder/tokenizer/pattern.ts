// Regular expressions of tokenizer.json, written for onig (Ruby's syntax), as JavaScript's. What is not known to mean the same
// there and here is refused: another reading of a pattern is another vector. Character classes are written out as ranges,
// as onig has them, whatever Unicode the engine knows.

import { fault, isFields } from './fields.js'
import { literalSpans, patternSpans, type Spans } from './split.js'
import { decodeRanges, generalCategories, type Ranges } from './unicode.js'
import { ONIG_WORD, ONIG_WORD_IN_CLASS, WHITE_SPACE } from './unicode-tables.js'

const BLANK = `[${classOf(decodeRanges(WHITE_SPACE))}]`

/** What `{ "String": … }` or `{ "Regex": … }` finds. */
export function spansOf(pattern: unknown): Spans {
  if (isFields(pattern)) {
    if (typeof pattern.String === 'string') return literalSpans(pattern.String)
    if (typeof pattern.Regex === 'string') return patternSpans(compile(pattern.Regex))
  }
  return fault(`has a pattern that is neither a String nor a Regex: ${JSON.stringify(pattern)}`)
}

/** The JavaScript expression for one of onig's. Throws TokenizerFault, with the part that is not served. */
export function compile(source: string): RegExp {
  return new RegExp(LINEAR.get(source) ?? new Translation(source).alternatives(true), 'gu')
}

/**
 * Patterns of well-known models that take time in the square of a run of blanks, and what finds the same in one walk: where
 * the first blank of a run begins no match, no other does.
 */
const LINEAR: ReadonlyMap<string, string> = new Map([['\\s+$', `(?<!${BLANK})${BLANK}+(?![^\\n])`]])

/** Letters that behind a backslash stand for a control character. */
const ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, a: 7, e: 27 }
/** Other characters than the two cases of a letter that match it when case does not count. */
const ALSO: Readonly<Record<string, string>> = { s: '\\u017f', k: '\\u212a' }
/** Letters side by side that onig also finds as one character (ß, ﬁ, ﬆ) when case does not count. */
const LIGATURES = /s[st]|f[fil]/

class Translation {
  #at = 0
  #atomics = 0
  /** How many look-behinds we are in. */
  #behind = 0
  #ignoreCase = false

  readonly #source: string

  constructor(source: string) {
    this.#source = source
  }

  /** One or more alternatives; the whole expression, or up to the bracket that closes a group. */
  alternatives(whole = false): string {
    let out = ''
    for (;;) {
      const char = this.#source[this.#at]
      if (char === undefined) {
        if (!whole) this.#refuse('a group that is not closed')
        return out
      }
      if (char === ')') {
        if (whole) this.#refuse(')')
        return out
      }
      if (char === '|') {
        this.#at++
        out += '|'
      } else out += this.#quantified()
    }
  }

  #quantified(): string {
    const atom = this.#atom()
    const [, quantifier, counted, mode = ''] =
      /^([*+?]|(\{\d+(?:,\d*)?\}))([+?]?)/.exec(this.#source.slice(this.#at)) ?? []
    if (quantifier === undefined) return atom
    this.#at += quantifier.length + mode.length
    if (/^[*+?{]/.test(this.#source.slice(this.#at))) this.#refuse('a quantifier of a quantifier')
    // Ruby reads {1,3}+ as a repetition of repetitions, and {2}? as "twice or not at all".
    if (counted !== undefined && mode === '+') return `(?:${atom}${quantifier})+`
    if (counted !== undefined && mode === '?') this.#refuse(`${counted}?`)
    return mode === '+' ? this.#atomic(atom + quantifier) : atom + quantifier + mode
  }

  #atom(): string {
    const char = String.fromCodePoint(this.#source.codePointAt(this.#at)!)
    if (char === '(') return this.#group()
    if (char === '[') return this.#class()
    if (char === '\\') return this.#escape()
    this.#at += char.length
    if (char === '.') return '[^\\n]'
    // At the beginning of each line, but of none that is nothing but the end of the text.
    if (char === '^') return '(?:(?<![\\s\\S])|(?<=\\n)(?=[\\s\\S]))'
    if (char === '$') return '(?![^\\n])'
    if ('*+?{}]'.includes(char)) this.#refuse(char)
    return this.#literal(char)
  }

  /** What a look-ahead has taken is not given back. */
  #atomic(inside: string): string {
    // JavaScript reads a look-behind from its end, where the group would be asked for before it is filled.
    if (this.#behind > 0) this.#refuse('an atomic or possessive part in a look-behind')
    const name = `a${++this.#atomics}`
    return `(?:(?=(?<${name}>${inside}))\\k<${name}>)`
  }

  #group(): string {
    const kinds = ['(?:', '(?=', '(?!', '(?<=', '(?<!', '(?i:', '(?>']
    const kind = kinds.find(start => this.#source.startsWith(start, this.#at)) ?? '('
    if (kind === '(' && this.#source[this.#at + 1] === '?') this.#refuse(this.#source.slice(this.#at, this.#at + 3))
    this.#at += kind.length
    const before = this.#ignoreCase
    if (kind === '(?i:') {
      this.#ignoreCase = true
      const inside = /^(?:[^()\\]|\\.)*/.exec(this.#source.slice(this.#at))![0]
      if (LIGATURES.test(inside.toLowerCase())) this.#refuse(`(?i:${inside}): letters that also match a ligature`)
    }
    if (kind.startsWith('(?<')) this.#behind++
    const inside = this.alternatives()
    this.#at++
    this.#ignoreCase = before
    if (kind.startsWith('(?<')) this.#behind--
    if (kind === '(?>') return this.#atomic(inside)
    // What a group caught is asked by nobody.
    return `${kind === '(' || kind === '(?i:' ? '(?:' : kind}${inside})`
  }

  #class(): string {
    this.#at++
    const negated = this.#source[this.#at] === '^'
    if (negated) this.#at++
    let out = ''
    let first = true
    for (;;) {
      const char = this.#source[this.#at]
      if (char === undefined) this.#refuse('a character class that is not closed')
      if (char === ']' && !first) break
      first = false
      if (char === '[') this.#refuse('a character class inside another')
      if (this.#source.startsWith('&&', this.#at)) this.#refuse('&& in a character class')
      out += this.#classPart()
    }
    this.#at++
    return `[${negated ? '^' : ''}${out}]`
  }

  /** One character, range or shorthand inside a class. */
  #classPart(): string {
    const start = this.#classCharacter()
    if (typeof start === 'string') return start
    if (this.#source[this.#at] !== '-' || this.#source[this.#at + 1] === ']') return this.#cased(start, start)
    this.#at++
    const end = this.#classCharacter()
    if (typeof end === 'string' || end < start) this.#refuse('a range in a character class')
    return this.#cased(start, end)
  }

  /** A code point, or what to write for a shorthand. */
  #classCharacter(): number | string {
    const code = this.#source.codePointAt(this.#at) ?? this.#refuse('a character class that is not closed')
    this.#at += code > 0xffff ? 2 : 1
    if (code !== 0x5c) return code
    const char = this.#source[this.#at++] ?? this.#refuse('a backslash at the end')
    const shorthand = this.#shorthand(char, true)
    if (shorthand) return shorthand
    return this.#escaped(char)
  }

  #cased(start: number, end: number): string {
    const range = classOf([start, end])
    if (!this.#ignoreCase) return range
    if (start !== end) this.#refuse('(?i:) around a range')
    return this.#bothCases(String.fromCodePoint(start)) ?? range
  }

  #escape(): string {
    this.#at++
    const char = this.#source[this.#at++] ?? this.#refuse('a backslash at the end')
    if (char === 'A') return '(?<![\\s\\S])'
    if (char === 'z') return '(?![\\s\\S])'
    const shorthand = this.#shorthand(char, false)
    return shorthand ? `[${shorthand}]` : this.#literal(String.fromCodePoint(this.#escaped(char)))
  }

  /** The ranges of `\s`, `\p{L}` and so on, to be put into a class. */
  #shorthand(char: string, inClass: boolean): string | undefined {
    const [ranges, negated] = this.#shorthandRanges(char, inClass) ?? []
    return ranges && classOf(negated ? outside(ranges) : ranges)
  }

  #shorthandRanges(char: string, inClass: boolean): [Ranges, boolean] | undefined {
    if ('sS'.includes(char)) return [decodeRanges(WHITE_SPACE), char === 'S']
    if ('wW'.includes(char)) return [decodeRanges(inClass ? ONIG_WORD_IN_CLASS : ONIG_WORD), char === 'W']
    if ('dD'.includes(char)) return [rangesOf('Nd')!, char === 'D']
    if (!'pP'.includes(char)) return undefined
    const [all, hat, name] = /^\{(\^?)(\w+)\}/.exec(this.#source.slice(this.#at)) ?? this.#refuse(`\\${char}`)
    this.#at += all!.length
    const ranges = rangesOf(name!) ?? this.#refuse(`\\${char}${all}`)
    return [ranges, (char === 'P') !== (hat === '^')]
  }

  /** The code point of a character behind a backslash, which is behind us. */
  #escaped(char: string): number {
    if (Object.hasOwn(ESCAPES, char)) return ESCAPES[char]!
    const [all, braced, plain] = /^(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{2}))/.exec(this.#source.slice(this.#at)) ?? []
    if (char === 'x' && all !== undefined) {
      this.#at += all.length
      const code = Number.parseInt(braced ?? plain!, 16)
      // Two digits from 80 on are a byte of UTF-8, not a character.
      if (code <= 0x10ffff && (braced !== undefined || code < 0x80)) return code
    }
    const [digits] = /^[0-9a-fA-F]{4}/.exec(this.#source.slice(this.#at)) ?? []
    if (char === 'u' && digits !== undefined) {
      this.#at += 4
      return Number.parseInt(digits, 16)
    }
    if (/[\w]/.test(char)) this.#refuse(`\\${char}`)
    return char.codePointAt(0)!
  }

  #literal(char: string): string {
    const both = this.#ignoreCase ? this.#bothCases(char) : undefined
    if (both) return `[${both}]`
    return /[\^$\\.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char
  }

  /** The inside of a class that matches an ASCII letter in both cases; undefined where there are none. */
  #bothCases(char: string): string | undefined {
    if (char.codePointAt(0)! > 0x7f) this.#refuse(`(?i:) around ${char}`)
    const lower = char.toLowerCase()
    return lower === char.toUpperCase() ? undefined : `${lower}${char.toUpperCase()}${ALSO[lower] ?? ''}`
  }

  #refuse(part: string): never {
    return fault(`has a pattern with a part that is not supported, ${part}: ${JSON.stringify(this.#source)}`)
  }
}

/** A general category (`Lu`), or all of one letter (`L`). */
function rangesOf(name: string): Ranges | undefined {
  const categories = generalCategories()
  const parts = [...categories]
    .filter(([category]) => category === name || category[0] === name)
    .map(([, ranges]) => ranges)
  return parts.length === 0 ? undefined : union(parts)
}

function union(parts: readonly Ranges[]): Ranges {
  const pairs = parts.flatMap(part => part.flatMap((first, i) => (i % 2 === 0 ? [[first, part[i + 1]!] as const] : [])))
  const out: number[] = []
  for (const [first, last] of pairs.sort((a, b) => a[0] - b[0])) {
    if (out.length > 0 && first <= out.at(-1)! + 1) out[out.length - 1] = Math.max(out.at(-1)!, last)
    else out.push(first, last)
  }
  return out
}

function outside(ranges: Ranges): Ranges {
  const out: number[] = []
  let next = 0
  for (let i = 0; i < ranges.length; i += 2) {
    if (ranges[i]! > next) out.push(next, ranges[i]! - 1)
    next = ranges[i + 1]! + 1
  }
  if (next <= 0x10ffff) out.push(next, 0x10ffff)
  return out
}

/** Ranges as the inside of a class. */
function classOf(ranges: Ranges): string {
  const hex = (code: number) =>
    code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`
  let out = ''
  for (let i = 0; i < ranges.length; i += 2) {
    const [first, last] = [ranges[i]!, ranges[i + 1]!]
    out += first === last ? hex(first) : `${hex(first)}-${hex(last)}`
  }
  return out
}
