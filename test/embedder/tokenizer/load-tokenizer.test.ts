// Token ids as the models' own authors compute them, cut at the limit, for any text at all.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { buildBuiltinModel } from '../../../build/builtin-model.mjs'
import { loadTokenizer, type TextLimits, type Tokenize } from '../../../src/embedder/tokenizer/load-tokenizer.js'
import { PACKAGE_DIR } from '../../build/use-lite.js'
import { temporaryFolder } from '../../support.js'
import { miniLm, miniLmCases, noMiniLm, useLiteCases } from '../node-embedder.js'
import { IDS, tinyFiles, tinyIds } from '../tiny-model.js'

function load(dir: string, limits: Partial<TextLimits> = {}): Promise<Tokenize> {
  const [json, config] = ['tokenizer.json', 'tokenizer_config.json'].map(file => readFileSync(join(dir, file), 'utf8'))
  const all = { id: 'test', maxTokens: 256, prefix: '', lowercase: false, ...limits }
  return loadTokenizer(json!, config!, all)
}

const tiny = (limits: Partial<TextLimits> = {}, changes: object = {}): Promise<Tokenize> =>
  loadTokenizer(JSON.stringify({ ...(tinyFiles()['tokenizer.json'] as object), ...changes }), '{}', {
    id: 'tiny',
    maxTokens: 6,
    prefix: '',
    lowercase: false,
    ...limits,
  })

describe.skipIf(noMiniLm)('MiniLM (skipped without ../shared/models)', () => {
  let tokenize: Tokenize
  beforeAll(async () => {
    tokenize = await load(miniLm)
  })

  test('ids and truncation equal the reference', () => {
    for (const { text, ids, truncated } of miniLmCases()) expect(tokenize(text), text).toEqual({ ids, truncated })
  })

  test('a text of exactly the limit is whole, one token more is cut', () => {
    expect(tokenize('word '.repeat(254))).toMatchObject({ truncated: false, ids: { length: 256 } })
    const cut = tokenize('word '.repeat(255))
    expect(cut.truncated).toBe(true)
    expect(cut.ids).toHaveLength(256)
    expect([cut.ids[0], cut.ids[255]]).toEqual([101, 102])
  })
})

describe('the built-in model', () => {
  test('ids equal the reference, up to its own limit of 128', async () => {
    const dir = temporaryFolder()
    await buildBuiltinModel({ packageDir: PACKAGE_DIR, outDir: join(dir, 'model') })
    const tokenize = await load(join(dir, 'model'), { maxTokens: 128 })
    for (const { text, ids, truncated } of useLiteCases())
      expect(tokenize(text), text).toEqual({ ids: ids.slice(0, 128), truncated })
    expect(tokenize('')).toEqual({ ids: [], truncated: false })
    expect(tokenize('systemd started unit '.repeat(50_000))).toMatchObject({ truncated: true, ids: { length: 128 } })
  })
})

describe.skipIf(noMiniLm)('what lies behind what no token is made of (skipped without ../shared/models)', () => {
  test.each<[string, string]>([
    ['a word longer than any vocabulary knows', 'QmFzZTY0'.repeat(1200)],
    ['blanks', ' '.repeat(9000)],
    ['a megabyte of control characters', '\u0001'.repeat(1_000_000)],
  ])('%s: the message is seen', async (_what, before) => {
    const tokenize = await load(miniLm)
    const message = tokenize('disk full on /dev/sda1').ids.slice(1)
    const { ids, truncated } = tokenize(`${before} disk full on /dev/sda1`)
    expect(ids.slice(-message.length)).toEqual(message)
    expect(truncated).toBe(false)
  })

  test('blanks behind the last token that has room are no cut', async () => {
    const tokenize = await load(miniLm)
    expect(tokenize('word '.repeat(254) + ' '.repeat(500_000))).toMatchObject({
      truncated: false,
      ids: { length: 256 },
    })
    expect(tokenize(`${'word '.repeat(254) + ' '.repeat(500_000)}.`)).toMatchObject({ truncated: true })
  })
})

describe('any text', () => {
  test("the tokenizer file's own truncation and padding are ignored", async () => {
    const tokenize = await tiny()
    expect(tokenize('a b c')).toEqual({ ids: tinyIds('a b c'), truncated: false })
    expect(tokenize('')).toEqual({ ids: [IDS.start, IDS.end], truncated: false })
    expect(tokenize('a b c d e')).toEqual({ ids: [IDS.start, 4, 5, 6, 7, IDS.end], truncated: true })
  })

  test('the prefix counts as text, lower-casing comes before the tokenizer', async () => {
    expect((await tiny({ prefix: 'z ' }))('a').ids).toEqual(tinyIds('z a'))
    expect((await tiny())('A').ids).toEqual([IDS.start, IDS.unknown, IDS.end])
    expect((await tiny({ lowercase: true }))('A').ids).toEqual(tinyIds('a'))
  })

  test('special tokens written in a text are what the tokenizer makes of them', async () => {
    expect((await tiny())('a[SEP]b').ids).toEqual([IDS.start, 4, IDS.end, 5, IDS.end])
  })

  test('never more tokens than the limit, never a throw, truncated exactly when a token is left out', async () => {
    const tokenize = await tiny()
    const whole = await tiny({ maxTokens: 100_000 })
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.string({ unit: fc.constantFrom('\0', '\ud800', '\udc00', 'a', ' '), maxLength: 300 }),
    )
    fc.assert(
      fc.property(hostile, text => {
        const { ids, truncated } = tokenize(text)
        expect(ids.length).toBeLessThanOrEqual(6)
        expect(ids.every(Number.isInteger)).toBe(true)
        const all = whole(text).ids
        expect(truncated).toBe(all.length > 6)
        if (!truncated) expect(ids).toEqual(all)
        else expect(ids).toEqual([...all.slice(0, 5), all.at(-1)])
      }),
    )
  })

  test('the special tokens are found also where the vocabulary has no Latin letter', async () => {
    const vocab = { 零: 5, '[PAD]': 0, '[CLS]': 2, '[SEP]': 3, 一: 4 }
    const model = { type: 'BPE', vocab, merges: [], unk_token: null }
    const tokenize = await tiny({}, { added_tokens: [], model })
    expect(tokenize('零 一 a')).toEqual({ ids: [2, 5, 4, 3], truncated: false })
    expect(tokenize('')).toEqual({ ids: [2, 3], truncated: false })
  })

  test('a lone surrogate is the replacement character', async () => {
    const tokenize = await tiny(
      {},
      { added_tokens: [{ id: 30, content: '\ufffd', special: false, normalized: false }] },
    )
    expect(tokenize('\ud800').ids).toEqual([IDS.start, 30, IDS.end])
  })
})

describe('what is refused', () => {
  test.each([
    ['not JSON', '{', 6],
    [
      'a model of an unknown kind',
      JSON.stringify({ ...(tinyFiles()['tokenizer.json'] as object), model: { type: 'Odd' } }),
      6,
    ],
    [
      'a vocabulary that is a text',
      JSON.stringify({ ...(tinyFiles()['tokenizer.json'] as object), model: { type: 'WordPiece', vocab: 'ab' } }),
      6,
    ],
    [
      'special tokens without an id, where there is none for unknown ones either',
      JSON.stringify({
        ...(tinyFiles()['tokenizer.json'] as object),
        added_tokens: [],
        model: { type: 'WordPiece', vocab: { a: 0 }, continuing_subword_prefix: '##' },
      }),
      6,
    ],
    ['no room beside the special tokens', JSON.stringify(tinyFiles()['tokenizer.json']), 2],
  ])('%s', async (_what, json, maxTokens) => {
    const limits = { id: 'tiny', maxTokens, prefix: '', lowercase: false }
    await expect(loadTokenizer(json, '{}', limits)).rejects.toMatchObject({
      code: 'UNSUPPORTED_MODEL',
      details: { file: 'tokenizer.json' },
    })
  })
})
