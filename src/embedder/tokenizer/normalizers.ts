// The normalisers of tokenizer.json, exactly as the Rust library applies them: text in, text out.

import { charsmap } from './charsmap.js'
import { type Fields, fault, flag, isFields, kindOf, list, text } from './fields.js'
import { spansOf } from './pattern.js'
import {
  COMBINING,
  changeEach,
  isAscii,
  lowerCase,
  NONSPACING,
  type NormalForm,
  normalForm,
  OTHER,
  traitsTable,
  WHITE_SPACE,
} from './unicode.js'

/** What a normaliser is told beside the text, and tells. Metaspace with prepend_scheme `first` asks for it. */
export interface Lead {
  /**
   * Whether the first character of the text is, or was made of, the first character of what was given in. A step that takes
   * it away sets it to false.
   */
  kept: boolean
}

export type Normalize = (text: string, lead: Lead) => string

type Builder = (fields: Fields) => Normalize

/** The steps by the names in the file. */
const NORMALIZERS: Readonly<Record<string, Builder>> = {
  BertNormalizer: bertNormalizer,
  NFC: () => form('NFC'),
  NFD: () => form('NFD'),
  NFKC: () => form('NFKC'),
  NFKD: () => form('NFKD'),
  Lowercase: () => lowerCase,
  StripAccents: () => without(COMBINING),
  Nmt: () => nmt,
  Strip: strip,
  Prepend: fields => prepend(text(fields, 'prepend')),
  Replace: replace,
  Precompiled: fields => charsmap(text(fields, 'precompiled_charsmap')),
  ByteLevel: () => byteLevel,
  Sequence: fields => sequence(list(fields, 'normalizers').map(normalizerOf)),
}

/** The step that `fields` describe. Throws TokenizerFault for one that is not served. */
export function normalizerOf(fields: Fields): Normalize {
  const kind = kindOf(fields)
  const build = Object.hasOwn(NORMALIZERS, kind) ? NORMALIZERS[kind] : undefined
  return build ? build(fields) : fault(`has a normalizer of type ${kind}, which is not supported`)
}

function sequence(steps: readonly Normalize[]): Normalize {
  return (input, lead) => steps.reduce((done, step) => step(done, lead), input)
}

function form(name: NormalForm): Normalize {
  return input => normalForm(input, name)
}

/** Leaves out the characters that `drops`, and notes when the first was one. */
function filtered(input: string, lead: Lead, drops: (code: number) => boolean): string {
  if (input !== '' && drops(input.codePointAt(0)!)) lead.kept = false
  return changeEach(input, code => (drops(code) ? '' : undefined))
}

function without(trait: number): Normalize {
  const table = traitsTable()
  return (input, lead) => (isAscii(input) ? input : filtered(input, lead, code => (table[code]! & trait) > 0))
}

const PRINTABLE = /^[\x20-\x7e]*$/

/** BERT's: clean, set CJK characters apart, strip accents, lower case; in this order. */
function bertNormalizer(fields: Fields): Normalize {
  const cleans = flag(fields, 'clean_text')
  const spacesChinese = flag(fields, 'handle_chinese_chars')
  const lowers = flag(fields, 'lowercase')
  const strips = fields.strip_accents == null ? lowers : flag(fields, 'strip_accents')
  const table = traitsTable()
  const stripMarks = without(NONSPACING)
  const isDropped = (code: number) => code === 0 || code === 0xfffd || ((table[code]! & OTHER) > 0 && !isBlank(code))
  const isSpace = (code: number) => isBlank(code) || (table[code]! & WHITE_SPACE) > 0

  return (input, lead) => {
    let done = input
    if (!PRINTABLE.test(done)) {
      if (cleans) done = changeEach(filtered(done, lead, isDropped), code => (isSpace(code) ? ' ' : undefined))
      if (!isAscii(done)) {
        if (spacesChinese)
          done = changeEach(done, code => (isChinese(code) ? ` ${String.fromCodePoint(code)} ` : undefined))
        if (strips) done = stripMarks(normalForm(done, 'NFD'), lead)
      }
    }
    return lowers ? lowerCase(done) : done
  }
}

const isBlank = (code: number) => code === 9 || code === 10 || code === 13

/** The blocks that BERT calls Chinese; the gaps between them are BERT's own. */
function isChinese(code: number): boolean {
  if (code < 0x3400) return false
  return (
    (code >= 0x4e00 && code <= 0x9fff) ||
    (code >= 0x3400 && code <= 0x4dbf) ||
    (code >= 0x20000 && code <= 0x2a6df) ||
    (code >= 0x2a700 && code <= 0x2b73f) ||
    (code >= 0x2b740 && code <= 0x2b81f) ||
    (code >= 0x2b920 && code <= 0x2ceaf) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0x2f800 && code <= 0x2fa1f)
  )
}

/** SentencePiece's cleaning for machine translation: control characters go, odd spaces become blanks. */
function nmt(input: string, lead: Lead): string {
  const drops = (code: number) =>
    (code >= 1 && code <= 8) ||
    code === 0xb ||
    (code >= 0xe && code <= 0x1f) ||
    code === 0x7f ||
    code === 0x8f ||
    code === 0x9f
  return changeEach(filtered(input, lead, drops), code => (NMT_SPACES.has(code) ? ' ' : undefined))
}

const NMT_SPACES: ReadonlySet<number> = new Set([
  9, 0xa, 0xc, 0xd, 0x1680, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029, 0x2581, 0xfeff, 0xfffd,
])

function strip(fields: Fields): Normalize {
  const [left, right] = [flag(fields, 'strip_left'), flag(fields, 'strip_right')]
  const table = traitsTable()
  const isSpace = (input: string, at: number) => (table[input.charCodeAt(at)]! & WHITE_SPACE) > 0
  return (input, lead) => {
    let [from, to] = [0, input.length]
    if (left) while (from < to && isSpace(input, from)) from++
    if (right) while (to > from && isSpace(input, to - 1)) to--
    if (from > 0) lead.kept = false
    return input.slice(from, to)
  }
}

function prepend(prefix: string): Normalize {
  if (prefix === '') fault('has a Prepend of nothing')
  return input => (input === '' ? input : prefix + input)
}

function replace(fields: Fields): Normalize {
  // Refuses what is no pattern, an empty text too.
  const spans = spansOf(fields.pattern)
  const content = text(fields, 'content')
  const literal = isFields(fields.pattern) ? fields.pattern.String : undefined
  if (typeof literal === 'string') {
    // Most files replace each blank: one native pass. The first character is lost as below.
    const loses = content === '' || [...literal].length > 1
    return (input, lead) => {
      if (loses && input.startsWith(literal)) lead.kept = false
      return input.split(literal).join(content)
    }
  }
  return (input, lead) => {
    let out = ''
    let kept = 0
    let from = 0
    spans(input, (isMatch, end) => {
      if (isMatch) {
        out += input.slice(kept, from) + content
        kept = end
        // What replaces a match of several characters counts as the last of them.
        if (from === 0 && (content === '' || end > (input.codePointAt(0)! > 0xffff ? 2 : 1))) lead.kept = false
      }
      from = end
      return false
    })
    return kept === 0 && out === '' ? input : out + input.slice(kept)
  }
}

/** What GPT-2 writes for each byte: printable ones as they are, the others from U+0100 on. */
const BYTES: readonly string[] = (() => {
  let next = 0x100
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
    return String.fromCharCode(printable ? byte : next++)
  })
})()

const SAME_AS_BYTES = /^[!-~]*$/
const encoder = new TextEncoder()

/** A character for each byte of the UTF-8 of `input`. */
export function byteLevel(input: string): string {
  if (SAME_AS_BYTES.test(input)) return input
  let out = ''
  for (const byte of encoder.encode(input)) out += BYTES[byte]
  return out
}
