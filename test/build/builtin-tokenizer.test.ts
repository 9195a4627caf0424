// The tokenizer of the built-in model: the ids of the original, and each trap of its damaged vocabulary.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Entry, tokenizerJson } from '../../build/builtin-model/tokenizer.mjs'
import { encoderOf } from '../../src/embedder/tokenizer/encoder.js'
import { PACKAGE_DIR, referenceCases } from './use-lite.js'

const vocabulary: Entry[] = JSON.parse(readFileSync(join(PACKAGE_DIR, 'dist/vocab.json'), 'utf8'))
const encoder = encoderOf(JSON.parse(JSON.stringify(tokenizerJson(vocabulary))))

function idsOf(text: string): number[] {
  return encoder.encode(text, Number.POSITIVE_INFINITY)
}

/** The pieces as the package spells them, so that expectations can be read. */
function piecesOf(text: string): string[] {
  return idsOf(text).map(id => vocabulary[id]![0])
}

test.each(referenceCases().map(({ text, ids }) => ({ text, ids })))('as the original: $text', ({ text, ids }) => {
  expect(idsOf(text)).toEqual(ids)
})

describe('traps', () => {
  test.each([
    ['key:value', ['▁key', ':', 'value']],
    ['a : b', ['▁a', '▁:', '▁b']],
    ['see http://example.com', ['▁see', '▁http', '://', 'ex', 'amp', 'le', '.', 'com']],
    ['(so):', ['▁(', 'so', '):']],
    ['so :)', ['▁so', '▁:)']],
    ['so :(', ['▁so', '▁:(']],
    ['hm :-)', ['▁h', 'm', '▁:-)']],
  ])('a piece around ":" that has lost its score: %s', (text, pieces) => expect(piecesOf(text)).toEqual(pieces))

  test('":00" and ":30" keep their odd scores', () => {
    expect(piecesOf('at 10:00')).toEqual(['▁at', '▁10', ':00'])
    expect(piecesOf('at 10:30')).toEqual(['▁at', '▁10', ':30'])
    expect(piecesOf('at 10:15')).toEqual(['▁at', '▁10', ':', '15'])
  })

  test('a control token that is spelled out is plain text', () => {
    for (const text of ['<s>', 'a </s> b', 'extra_token_id_1', 'reserved <s>', 'reserved extra_token_id_2'])
      expect(Math.min(...idsOf(text)), text).toBeGreaterThan(5)
    expect(piecesOf('<s>')).toEqual(['▁<', 's', '>'])
  })

  test('of the three pieces ”5 the last is used', () => {
    expect(vocabulary.flatMap(([piece], id) => (piece === '”5' ? [id] : []))).toEqual([230, 238, 4464])
    expect(idsOf('”5')).toEqual([30, 4464])
  })

  test('spaces are kept, leading ones too', () => {
    expect(piecesOf('x')).toEqual(['▁x'])
    expect(piecesOf(' x')).toEqual(['▁', '▁x'])
    expect(piecesOf('  x')).toEqual(['▁', '▁', '▁x'])
    expect(idsOf(' ')).toEqual([30, 30])
    expect(idsOf('')).toEqual([])
  })

  test('unknown characters in a row are one unknown token', () => {
    expect(idsOf('🙂🙂')).toEqual([30, 0])
    expect(idsOf('��')).toEqual([30, 0])
    expect(idsOf('🙂 🙂')).toEqual([30, 0, 30, 0])
  })

  test('compatibility forms are the plain ones', () => {
    expect(idsOf('ｅｔｈ０')).toEqual(idsOf('eth0'))
    expect(idsOf('a\u00a0b')).toEqual(idsOf('a b'))
  })
})

test('no other split of a text scores higher', () => {
  const scores = new Map(vocabulary.slice(6).map(([piece, score]) => [piece, score ?? 0]))
  const known = [...scores.keys()].filter(piece => [...piece].length === 1 && piece !== '▁')
  const words = fc.oneof(
    fc.constantFrom(...known),
    fc.constantFrom(' ', ...[...scores.keys()].map(p => p.replaceAll('▁', ' '))),
  )
  fc.assert(
    fc.property(fc.array(words, { minLength: 1, maxLength: 12 }), parts => {
      const text = parts.join('')
      const mark = `▁${text.normalize('NFKC').replaceAll(' ', '▁')}`
      const pieces = piecesOf(text)
      fc.pre(!pieces.includes(vocabulary[0]![0]))
      expect(pieces.join('')).toBe(mark)
      const score = pieces.reduce((sum, piece) => sum + scores.get(piece)!, 0)
      expect(score).toBeCloseTo(bestScore(mark, scores), 6)
    }),
    { numRuns: 500 },
  )
})

/** The highest sum of scores over all ways to cut `text` into pieces. */
function bestScore(text: string, scores: ReadonlyMap<string, number>): number {
  const longest = Math.max(...[...scores.keys()].map(piece => piece.length))
  const best = [0, ...Array<number>(text.length).fill(Number.NEGATIVE_INFINITY)]
  for (let end = 1; end <= text.length; end++)
    for (let start = Math.max(0, end - longest); start < end; start++)
      best[end] = Math.max(best[end]!, best[start]! + (scores.get(text.slice(start, end)) ?? Number.NEGATIVE_INFINITY))
  return best[text.length]!
}
