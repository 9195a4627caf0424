// The pre-tokenizers of tokenizer.json: a normalised text in, the words that the model gets out, one after another, until
// enough were seen. Each step cuts what the step before it cut.

import { count, type Fields, fault, flag, kindOf, list, text } from './fields.js'
import { byteLevel } from './normalizers.js'
import { compile, spansOf } from './pattern.js'
import { behaviorOf, characterSpans, cut, inverted, patternSpans, type Sink, type Spans } from './split.js'
import { NUMERIC, PUNCTUATION, traitsTable, WHITE_SPACE, WORD } from './unicode.js'

/** Hands the words of `text` on; true when the sink said enough. `atStart`: the text begins where the user's text does. */
export type PreTokenize = (text: string, atStart: boolean, sink: Sink) => boolean

type Builder = (fields: Fields) => PreTokenize

const PRE_TOKENIZERS: Readonly<Record<string, Builder>> = {
  BertPreTokenizer: bert,
  Whitespace: whitespace,
  WhitespaceSplit: () => splitting(characters(WHITE_SPACE), 'Removed'),
  Punctuation: fields => splitting(characters(PUNCTUATION), fields.behavior == null ? 'Isolated' : behaviorOf(fields)),
  Digits: fields => splitting(characters(NUMERIC), flag(fields, 'individual_digits') ? 'Isolated' : 'Contiguous'),
  Split: split,
  CharDelimiterSplit: charDelimiterSplit,
  Metaspace: metaspace,
  ByteLevel: byteLevelStep,
  FixedLength: fixedLength,
  Sequence: fields => sequence(list(fields, 'pretokenizers')),
}

/** The step that `fields` describe. Throws TokenizerFault for one that is not served. */
export function preTokenizerOf(fields: Fields): PreTokenize {
  const kind = kindOf(fields)
  const build = Object.hasOwn(PRE_TOKENIZERS, kind) ? PRE_TOKENIZERS[kind] : undefined
  return build ? build(fields) : fault(`has a pre_tokenizer of type ${kind}, which is not supported`)
}

function sequence(steps: readonly Fields[]): PreTokenize {
  for (const step of steps.slice(1))
    if (isMetaspaceFirst(step)) fault('has a Metaspace with prepend_scheme "first" behind another pre_tokenizer')
  return steps.map(preTokenizerOf).reduceRight<PreTokenize>(
    (after, step) => (input, atStart, sink) => step(input, atStart, piece => after(piece, false, sink)),
    (input, _atStart, sink) => input !== '' && sink(input),
  )
}

function splitting(spans: Spans, behavior: Parameters<typeof cut>[2]): PreTokenize {
  return (input, _atStart, sink) => cut(input, spans, behavior, sink)
}

function characters(trait: number): Spans {
  const table = traitsTable()
  return characterSpans(code => (table[code]! & trait) > 0)
}

/** Words are cut at white space, and each punctuation character is a word. One walk, as most texts go through here. */
function bert(): PreTokenize {
  const table = traitsTable()
  return (input, _atStart, sink) => {
    let from = 0
    for (let at = 0; at < input.length; ) {
      const unit = input.charCodeAt(at)
      const code = unit >= 0xd800 && unit < 0xdc00 ? input.codePointAt(at)! : unit
      const next = at + (code > 0xffff ? 2 : 1)
      const traits = table[code]! & (WHITE_SPACE | PUNCTUATION)
      if (traits !== 0) {
        if (at > from && sink(input.slice(from, at))) return true
        if (traits & PUNCTUATION && sink(input.slice(at, next))) return true
        from = next
      }
      at = next
    }
    return input.length > from && sink(input.slice(from))
  }
}

/** Runs of word characters, and runs of what is neither that nor white space. */
function whitespace(): PreTokenize {
  const table = traitsTable()
  const kindAt = (code: number) => (table[code]! & WORD ? 'word' : table[code]! & WHITE_SPACE ? 'space' : 'other')
  return (input, _atStart, sink) => {
    let from = 0
    let kind = 'space'
    for (let at = 0; at < input.length; ) {
      const code = input.codePointAt(at)!
      const here = kindAt(code)
      if (here !== kind) {
        if (kind !== 'space' && sink(input.slice(from, at))) return true
        from = at
        kind = here
      }
      at += code > 0xffff ? 2 : 1
    }
    return kind !== 'space' && input.length > from && sink(input.slice(from))
  }
}

function split(fields: Fields): PreTokenize {
  const spans = spansOf(fields.pattern)
  return splitting(flag(fields, 'invert') ? inverted(spans) : spans, behaviorOf(fields))
}

function charDelimiterSplit(fields: Fields): PreTokenize {
  const delimiter = oneCharacter(fields, 'delimiter')
  return splitting(
    characterSpans(code => code === delimiter.codePointAt(0)),
    'Removed',
  )
}

function oneCharacter(fields: Fields, name: string): string {
  const value = text(fields, name)
  return [...value].length === 1 ? value : fault(`has a ${kindOf(fields)} whose "${name}" is not one character`)
}

/** Blanks become a character of the vocabulary, with which every word then begins. */
function metaspace(fields: Fields): PreTokenize {
  const mark = oneCharacter(fields, 'replacement')
  const scheme = prependScheme(fields)
  const splits = flag(fields, 'split', true)
  const spans = characterSpans(code => code === mark.codePointAt(0))
  return (input, atStart, sink) => {
    if (input === '') return false
    let marked = input.replaceAll(' ', mark)
    if ((scheme === 'always' || (scheme === 'first' && atStart)) && !marked.startsWith(mark)) marked = mark + marked
    return splits ? cut(marked, spans, 'MergedWithNext', sink) : sink(marked)
  }
}

function prependScheme(fields: Fields): 'always' | 'first' | 'never' {
  const scheme = fields.prepend_scheme ?? 'always'
  if (scheme !== 'always' && scheme !== 'first' && scheme !== 'never')
    fault(`has a Metaspace with an unknown prepend_scheme, ${JSON.stringify(scheme)}`)
  if (fields.add_prefix_space == null || flag(fields, 'add_prefix_space')) return scheme
  // Written by versions that did not know the scheme. The library refuses a file that says both and differs.
  if (fields.prepend_scheme != null && scheme !== 'never')
    fault('has a Metaspace whose add_prefix_space and prepend_scheme contradict each other')
  return 'never'
}

function isMetaspaceFirst(fields: Fields): boolean {
  if (fields.type === 'Sequence') return list(fields, 'pretokenizers').some(isMetaspaceFirst)
  return fields.type === 'Metaspace' && fields.prepend_scheme === 'first'
}

/** GPT-2's cut, the same for all byte-level models. */
const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

function byteLevelStep(fields: Fields): PreTokenize {
  const prefixes = flag(fields, 'add_prefix_space')
  const spans = flag(fields, 'use_regex', true) ? patternSpans(compile(GPT2)) : undefined
  return (input, _atStart, sink) => {
    if (input === '') return false
    const whole = prefixes && !input.startsWith(' ') ? ` ${input}` : input
    const word: Sink = piece => sink(byteLevel(piece))
    return spans ? cut(whole, spans, 'Isolated', word) : word(whole)
  }
}

function fixedLength(fields: Fields): PreTokenize {
  const length = fields.length == null ? 5 : count(fields, 'length', 1)
  return (input, _atStart, sink) => {
    for (let at = 0; at < input.length; ) {
      let end = at
      for (let i = 0; i < length && end < input.length; i++) end += input.codePointAt(end)! > 0xffff ? 2 : 1
      if (sink(input.slice(at, end))) return true
      at = end
    }
    return false
  }
}
