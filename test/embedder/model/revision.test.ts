// Vectors that an earlier version stored for texts that it cut or tokenised otherwise must not answer; the others go on.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { spaceOf, spacesOf } from '../../../src/embedder/model/revision.js'

const settings = {
  model: 'm',
  tokenizer: 'be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037',
  tokenizerConfig: 'c',
  dtype: 'fp32',
  pooling: 'mean',
  normalize: true,
  lowercase: false,
  padId: 0,
  maxTokens: 256,
  prefix: '',
  dimensions: undefined,
}

describe('a tokenizer of which it is known which texts were read otherwise', () => {
  const spaces = { ...spacesOf(settings), maxTokens: 256 }

  test('keeps the space of the version before, letter by letter', () => {
    expect(spaces.space).toBe(
      `{"v":1,"model":"m","tokenizer":"${settings.tokenizer}","tokenizerConfig":"c","dtype":"fp32","pooling":"mean",` +
        '"normalize":true,"lowercase":false,"padId":0,"maxTokens":256,"maxChars":8192,"prefix":""}',
    )
    expect(spaces.revised).toMatch(/^\{"v":2,/)
  })

  test.each([
    '',
    'Created container 100',
    'caf\u00e9 na\u00efve \u4e2d\u6587 \u0442\u0435\u0441\u0442 \u{1f600}',
    'a'.repeat(8192),
  ])('plain: %.30s', text => expect(spaceOf(spaces, text)).toBe(spaces.space))

  test.each(['\u039f\u0394\u039f\u03a3', 'a\u{20000}b', 'a'.repeat(8193), 'x\u0300', '\u{1e922}', '\ud800'])(
    'read otherwise: %.30s',
    text => expect(spaceOf(spaces, text)).toBe(spaces.revised),
  )
})

test('any other tokenizer begins anew, for every text', () => {
  const spaces = { ...spacesOf({ ...settings, tokenizer: 'another' }), maxTokens: 256 }
  expect(spaces).toEqual({ space: expect.stringMatching(/^\{"v":2,/), maxTokens: 256 })
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      expect(spaceOf(spaces, text)).toBe(spaces.space)
    }),
  )
})
