// A broken tokenizer.json is told in our words, whatever part of it is missing or of the wrong kind.
import { describe, expect, test } from 'vitest'
import { tokenizerFault } from '../../../src/embedder/tokenizer/file-fault.js'
import { loadTokenizer } from '../../../src/embedder/tokenizer/load-tokenizer.js'
import { tinyFiles } from '../tiny-model.js'

type Json = Record<string, unknown> & { model: Record<string, unknown> }
const tiny = () => structuredClone(tinyFiles()['tokenizer.json']) as Json
const limits = { id: 'x', maxTokens: 16, prefix: '', lowercase: false }
const load = (file: unknown) =>
  loadTokenizer(typeof file === 'string' ? file : JSON.stringify(file), '{}', limits).then(
    () => '',
    error => {
      expect(error).toMatchObject({ code: 'UNSUPPORTED_MODEL', details: { file: 'tokenizer.json' } })
      return error.message as string
    },
  )

describe('said in our words', () => {
  const model = (more: object) => ({ ...tiny(), model: { ...tiny().model, ...more } })
  const unigram = { type: 'Unigram', unk_id: 0, vocab: [['a', -1]] }
  test.each<[unknown, RegExp]>([
    ['[PAD]\n[UNK]', /is not JSON/],
    [[], /is not a JSON object/],
    [null, /is not a JSON object/],
    [{}, /has no "model"/],
    [{ ...tiny(), model: 'x' }, /has a "model" that is no object/],
    [model({ type: 'Neural' }), /type "Neural"; supported: WordPiece, BPE, Unigram/],
    [model({ vocab: undefined }), /has no "model\.vocab"/],
    [model({ vocab: 'abc' }), /\(its vocabulary\) that is no table/],
    [model({ vocab: ['a'] }), /\(its vocabulary\) that is no table/],
    [model({ vocab: { a: 'b' } }), /gives in "model\.vocab" the token "a" the id "b"/],
    [model({ vocab: { a: -1 } }), /gives in "model\.vocab" the token "a" the id -1/],
    [model({ type: 'BPE', merges: undefined }), /"model\.merges", which a BPE/],
    [model({ type: 'BPE', merges: [['a']] }), /in "model\.merges" an entry 0/],
    [model({ ...unigram, vocab: {} }), /no list, as a Unigram/],
    [model({ ...unigram, vocab: [['a']] }), /entry 0 that is no token with its score/],
    [model({ ...unigram, unk_id: 7 }), /"model\.unk_id" that is no entry/],
    [{ ...tiny(), added_tokens: {} }, /"added_tokens" that are no list/],
    [{ ...tiny(), added_tokens: [{ content: 'a' }] }, /in "added_tokens" an entry 0/],
    [{ ...tiny(), pre_tokenizer: {} }, /"pre_tokenizer" that does not say its "type"/],
    [{ ...tiny(), normalizer: 'NFC' }, /"normalizer" that does not say/],
  ])('fault %#', async (file, message) => {
    expect(await load(file)).toMatch(message)
  })
})

test('no part that is missing or null brings the library\u2019s own stumbling to the user', async () => {
  const paths = [...Object.keys(tiny()).map(key => [key]), ...Object.keys(tiny().model).map(key => ['model', key])]
  for (const path of paths)
    for (const value of [undefined, null, 7, 'x', [], {}]) {
      const file = tiny()
      const holder = path.length === 1 ? file : file.model
      holder[path.at(-1)!] = value
      expect(await load(file), `${path.join('.')} = ${JSON.stringify(value)}`).not.toMatch(
        /undefined|Cannot read|is not (a function|iterable)/,
      )
    }
})

test('a sound file, with or without its empty steps, has no fault', async () => {
  expect(tokenizerFault(tiny())).toBeUndefined()
  const { normalizer: _normalizer, decoder: _decoder, ...lean } = tiny()
  expect(await load(lean)).toBe('')
})
