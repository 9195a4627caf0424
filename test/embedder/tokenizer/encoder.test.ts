// What is refused by name, long texts, and pieces that the fixtures cannot reach.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bpe } from '../../../src/embedder/tokenizer/bpe.js'
import { encoderOf } from '../../../src/embedder/tokenizer/encoder.js'
import type { Fields } from '../../../src/embedder/tokenizer/fields.js'
import { compile } from '../../../src/embedder/tokenizer/pattern.js'
import { unigram } from '../../../src/embedder/tokenizer/unigram.js'
import { tokenizerJson } from '../../fixtures/tokenizers/read.js'

const ALL = Number.POSITIVE_INFINITY
const words = {
  model: {
    type: 'WordPiece',
    vocab: { '[UNK]': 0, '[CLS]': 1, '[SEP]': 2, a: 3, b: 4, '##b': 5 },
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
}

describe('a part that is not served is named', () => {
  const split = (pattern: object) => ({ type: 'Split', pattern, behavior: 'Isolated', invert: false })
  const added = { id: 6, content: 'x', single_word: false, lstrip: false, rstrip: false, normalized: true }
  test.each<[string, object, RegExp]>([
    ['a normaliser', { normalizer: { type: 'Unheard' } }, /normalizer of type Unheard/],
    [
      'one in a sequence',
      { normalizer: { type: 'Sequence', normalizers: [{ type: 'Odd' }] } },
      /normalizer of type Odd/,
    ],
    ['a pre-tokenizer', { pre_tokenizer: { type: 'UnicodeScripts' } }, /pre_tokenizer of type UnicodeScripts/],
    ['a behaviour', { pre_tokenizer: { type: 'Punctuation', behavior: 'Sideways' } }, /unknown behavior, "Sideways"/],
    ['a post-processor', { post_processor: { type: 'Later' } }, /post_processor of type Later/],
    ['a setting', { normalizer: { type: 'BertNormalizer', lowercase: 'yes' } }, /BertNormalizer whose "clean_text"/],
    ['a script in a pattern', { pre_tokenizer: split({ Regex: '\\p{Han}+' }) }, /\\p\{Han\}/],
    ['an option in a pattern', { pre_tokenizer: split({ Regex: '(?i)k' }) }, /\(\?i/],
    ['a word border', { pre_tokenizer: split({ Regex: '\\bx' }) }, /\\b/],
    ['a class in a class', { pre_tokenizer: split({ Regex: '[^(\\s|[.,!?])]+' }) }, /class inside another/],
    ['letters that are a ligature', { pre_tokenizer: split({ Regex: '(?i:ss)' }) }, /ligature/],
    ['cutting on the left', { truncation: { direction: 'Left', max_length: 8 } }, /truncation\.direction/],
    ['random ids', { model: { type: 'BPE', vocab: { a: 0 }, merges: [], dropout: 0.1 } }, /"dropout"/],
    ['a merge of nothing', { model: { type: 'BPE', vocab: { a: 0 }, merges: ['a b'] } }, /"b", which is not in its/],
    ['an atomic part in a look-behind', { pre_tokenizer: split({ Regex: '(?<=(?>a))b' }) }, /look-behind/],
    ['a template with a second text', { post_processor: template(0, 'B') }, /second text/],
    [
      'a step behind a template',
      {
        post_processor: {
          type: 'Sequence',
          processors: [template(0), { type: 'BertProcessing', cls: ['[CLS]', 1], sep: ['[SEP]', 2] }],
        },
      },
      /behind a TemplateProcessing/,
    ],
    ['a Prepend of nothing', { normalizer: { type: 'Prepend', prepend: '' } }, /Prepend of nothing/],
    ['types of tokens', { post_processor: template(1) }, /gives the type 1/],
    [
      'a Metaspace that cannot know where it is',
      {
        pre_tokenizer: {
          type: 'Sequence',
          pretokenizers: [
            { type: 'WhitespaceSplit' },
            { type: 'Metaspace', replacement: '\u2581', prepend_scheme: 'first' },
          ],
        },
      },
      /prepend_scheme "first" behind another/,
    ],
    [
      'added tokens that are the same in lower case',
      { normalizer: { type: 'Lowercase' }, added_tokens: [added, { ...added, id: 7, content: 'X' }] },
      /makes equal/,
    ],
  ])('%s', (_what, changes, words_) => {
    expect(() => encoderOf({ ...words, ...changes } as Fields)).toThrow(words_)
  })

  function template(type: number, id = 'A') {
    const special_tokens = { '[CLS]': { id: '[CLS]', ids: [1], tokens: ['[CLS]'] } }
    const single = [{ SpecialToken: { id: '[CLS]', type_id: type } }, { Sequence: { id, type_id: type } }]
    return { type: 'TemplateProcessing', single, pair: [], special_tokens }
  }
})

describe('patterns', () => {
  test.each<[string, string, string[]]>([
    ["(?i:'s|'t|k)", "'S 't K \u212a x", ["'S", "'t", 'K', '\u212a']],
    ['[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+', ' ab.cd', [' ab', '.cd']],
    ['a++a|b', 'aaab', ['b']],
    ['(?>a|ab)c|d', 'abcd', ['d']],
    ['(?>ab|a)+', 'aab', ['aab']],
    ['(?>ab)?c', 'acaac', ['c', 'c']],
    ['(?>ab|a){2}', 'aab', ['aab']],
    ['(?:a++b)++', 'abbaa', ['ab']],
    ['((?:a|b)++c)++', 'abcbb', ['abc']],
    ['(?:(?>a|ab)c?)++b?', 'baaa', ['aaa']],
    ['\\p{N}{1,3}+', '12345678a1', ['12345678', '1']],
    ['^', 'a\nb\n', ['', '']],
    ['\\n^', 'a\nb\n', ['\n']],
    ['\\s+$', 'a  \n b \n\n', ['  ', ' \n\n']],
    ['\\s+$', 'a  \n  x  ', ['  ', '  ']],
    ['^x$', 'x\nxy\nx', ['x', 'x']],
    ['.+', 'a\u2028b\nc', ['a\u2028b', 'c']],
    ['\\x{1f600}|\\u00e9|[\\-\\]]', '\u{1f600}\u00e9-]', ['\u{1f600}', '\u00e9', '-', ']']],
    ['\\p{^L}+', 'a1\u0301b', ['1\u0301']],
  ])('%s as in onig', (source, text, found) => {
    expect(text.match(compile(source))).toEqual(found)
  })
})

describe('added tokens', () => {
  const model = { type: 'WordLevel', vocab: { '?': 0, a: 1, b: 2 }, unk_token: '?' }
  const token = (content: string, sides: object) => ({ content, special: false, normalized: false, ...sides })
  const file = (tokens: object[]) => ({ model, added_tokens: tokens, pre_tokenizer: { type: 'Whitespace' } }) as Fields

  test('of blanks that two of them want the first takes all, and the other is none', () => {
    const blank = encoderOf(file([token('\n', { lstrip: true, rstrip: true })]))
    expect(blank.encode('a\n\nb', ALL)).toEqual([1, 3, 2])
    const both = encoderOf(file([token('[M]', { rstrip: true }), token(' ', { lstrip: true })]))
    expect(both.encode('[M] a', ALL)).toEqual([3, 1])
  })
})

test('Unigram without a word for unknown ones serves what it can say', () => {
  const model = unigram({
    vocab: [
      ['ab', -1],
      ['a', -2],
    ],
  })
  const ids: number[] = []
  model.encode('aba', ALL, ids)
  expect(ids).toEqual([0, 1])
  expect(() => model.encode('abc', ALL, [])).toThrow()
})

describe('long texts', () => {
  test.each(['bert-uncased', 'xlm-r', 'roberta', 'llama2', 'albert'])(
    '%s: the first ids are those of the whole',
    family => {
      const encoder = encoderOf(JSON.parse(tokenizerJson(family)))
      const part = fc.oneof(
        fc.constantFrom(
          'the unit ',
          'a'.repeat(40),
          ' ',
          '\u6f22\u5b57',
          '-----',
          'QmFzZTY0',
          '\u0301',
          '\n',
          '<s>',
          'ab',
        ),
        fc.string({ unit: 'grapheme', maxLength: 12 }),
      )
      const text = fc
        .tuple(fc.array(part, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 900 }))
        .map(([parts, times]) => parts.join('').repeat(times).toWellFormed())
      fc.assert(
        fc.property(text, fc.integer({ min: 1, max: 300 }), (long, most) => {
          const all = encoder.encode(long, ALL)
          const some = encoder.encode(long, most)
          expect(some.length).toBeGreaterThanOrEqual(Math.min(most, all.length))
          expect(some).toEqual(all.slice(0, some.length))
        }),
        { numRuns: 60 },
      )
    },
  )

  const letters = ['a', 'b', 'c']
  /** Words of few letters, merged by chance: every way in which the rest of a word could reach back. */
  test('BPE: the beginning of a word, merged by itself, is that of the whole', () => {
    const merges = fc.array(fc.tuple(fc.nat(1000), fc.nat(1000)), { minLength: 1, maxLength: 40 }).map(picks => {
      const tokens = [...letters]
      const rows: [string, string][] = []
      for (const [one, other] of picks) {
        const [left, right] = [tokens[one % tokens.length]!, tokens[other % tokens.length]!]
        if ((left + right).length > 24 || rows.some(row => row[0] === left && row[1] === right)) continue
        rows.push([left, right])
        if (!tokens.includes(left + right)) tokens.push(left + right)
      }
      return { vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges: rows }
    })
    const word = fc
      .tuple(
        fc.array(fc.constantFrom(...letters), { minLength: 1, maxLength: 30 }),
        fc.array(fc.constantFrom(...letters)),
      )
      .map(([unit, head]) => head.join('') + unit.join('').repeat(Math.ceil(20_000 / unit.length)))
    fc.assert(
      fc.property(merges, word, fc.integer({ min: 1, max: 400 }), (model, text, most) => {
        const whole: number[] = []
        bpe(model).encode(text, ALL, whole)
        const some: number[] = []
        bpe(model).encode(text, most, some)
        expect(some.length).toBeGreaterThanOrEqual(Math.min(most, whole.length))
        expect(some).toEqual(whole.slice(0, some.length))
      }),
      { numRuns: 150 },
    )
  })

  test('Unigram: what is settled early is what the whole word gives', () => {
    const entries = fc
      .uniqueArray(
        fc.tuple(
          fc.array(fc.constantFrom(...letters), { minLength: 1, maxLength: 5 }).map(parts => parts.join('')),
          fc.integer({ min: -40, max: 0 }),
        ),
        { minLength: 1, maxLength: 20, selector: ([token]) => token },
      )
      .map(rows => ({ vocab: [['<unk>', 0], ...rows.map(([token, score]) => [token, score / 4])], unk_id: 0 }))
    const word = fc
      .array(fc.constantFrom(...letters, 'z'), { minLength: 1, maxLength: 30 })
      .map(unit => unit.join('').repeat(Math.ceil(6000 / unit.length)))
    fc.assert(
      fc.property(entries, word, fc.integer({ min: 1, max: 300 }), (model, text, most) => {
        const whole: number[] = []
        unigram(model).encode(text, ALL, whole)
        const some: number[] = []
        unigram(model).encode(text, most, some)
        expect(some.length).toBeGreaterThanOrEqual(Math.min(most, whole.length))
        expect(some).toEqual(whole.slice(0, some.length))
      }),
      { numRuns: 150 },
    )
  })
})
