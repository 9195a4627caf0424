// The hastened WordPiece gives the library's own tokens for any words.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hastenWordPiece, type WordPieceModel } from '../../src/embedder/word-piece.js'
import { miniLm, noMiniLm } from './node-embedder.js'

function pair(config: object): { plain: WordPieceModel; hastened: WordPieceModel } {
  const parts = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, added_tokens: [] }
  const make = () => new Tokenizer({ ...parts, model: config }, {}).model as unknown as WordPieceModel
  const hastened = make()
  hastenWordPiece(hastened)
  return { plain: make(), hastened }
}

test('small vocabularies, words of few letters: every way to match and to fail', () => {
  const letters = fc.constantFrom('a', 'b', 'é', '😀', '\ud800')
  const piece = fc
    .tuple(fc.boolean(), fc.array(letters, { minLength: 1, maxLength: 4 }))
    .map(([inner, chars]) => (inner ? '##' : '') + chars.join(''))
  const words = fc.array(
    fc.array(letters, { maxLength: 12 }).map(chars => chars.join('')),
    { maxLength: 5 },
  )
  fc.assert(
    fc.property(
      fc.uniqueArray(piece, { maxLength: 12 }),
      words,
      fc.integer({ min: 1, max: 12 }),
      (pieces, list, most) => {
        const vocab = Object.fromEntries(['[UNK]', ...pieces].map((entry, id) => [entry, id]))
        const { plain, hastened } = pair({
          type: 'WordPiece',
          vocab,
          unk_token: '[UNK]',
          continuing_subword_prefix: '##',
          max_input_chars_per_word: most,
        })
        expect(hastened.encode(list)).toEqual(plain.encode(list))
      },
    ),
    { numRuns: 500 },
  )
})

describe.skipIf(noMiniLm)('the vocabulary of MiniLM (skipped without ../shared/models)', () => {
  test('words and rubbish', () => {
    const { plain, hastened } = pair(JSON.parse(readFileSync(join(miniLm, 'tokenizer.json'), 'utf8')).model)
    const word = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'etaoinshr'), maxLength: 30 }),
      fc.base64String({ minLength: 60, maxLength: 104 }).map(text => text.toLowerCase()),
      fc.constantFrom(...hastened.tokens_to_ids.keys()),
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), words => {
        expect(hastened.encode(words)).toEqual(plain.encode(words))
      }),
      { numRuns: 60 },
    )
  })
})
