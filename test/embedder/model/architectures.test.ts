// Models of other architectures work from their files alone: tokens, padding, limits and pooling as their authors mean them.
import { describe, expect, test } from 'vitest'
import { embedText } from '../../../src/embedder/client/embed-text.js'
import { temporaryFolder } from '../../support.js'
import { largestDifference, startEmbedder } from '../node-embedder.js'
import { writeModel } from '../tiny-model.js'
import { type Architecture, mpnet, roberta, xlmRoberta } from './tiny-architectures.js'

const ARCHITECTURES: [string, () => Architecture][] = [
  ['MPNet: WordPiece between <s> and </s>, no token types, pad id 1, 768 dims', mpnet],
  ['RoBERTa: byte-level BPE, a graph that knows padding only by its id', roberta],
  ['XLM-R: SentencePiece Unigram, the first token is the vector', xlmRoberta],
]

const START = 0
const END = 2

describe.each(ARCHITECTURES)('%s', (_name, make) => {
  const model = make()
  const idsOf = (tokens: readonly string[]) => {
    const ids = [START, ...tokens.map(model.id), END]
    return ids.length <= model.limit ? ids : [...ids.slice(0, model.limit - 1), END]
  }
  /** Long enough to be cut, so that a batch holds rows of every length up to the limit. */
  const [longText, longTokens] = model.cases[0]!
  const long: Architecture['cases'][number] = [
    Array.from({ length: 20 }, () => longText).join(' '),
    Array.from({ length: 20 }, (_, i) => (i === 0 ? longTokens : continued(longTokens))).flat(),
  ]
  const cases = [...model.cases, long]

  /** The tokens of a text that goes on after a blank. */
  function continued(tokens: readonly string[]): readonly string[] {
    return model.id('Ġ') < 0 ? tokens : ['Ġ', ...tokens]
  }

  test.each(['cpu', 'wasm'] as const)('on %s, one text at a time and all at once', async device => {
    const embedder = await startEmbedder(writeModel(temporaryFolder(), model.files), { devices: [device] })
    expect(embedder.description).toMatchObject({ dims: model.dims, maxTokens: model.limit })
    const alone = []
    for (const [text] of cases) alone.push(await embedText(embedder, text))
    const together = await Promise.all(cases.map(([text]) => embedText(embedder, text)))
    for (const [i, [text, tokens]] of cases.entries()) {
      const ids = idsOf(tokens)
      const truncated = tokens.length + 2 > model.limit
      expect(alone[i], text).toMatchObject({ tokens: ids.length, truncated })
      expect(together[i], text).toMatchObject({ tokens: ids.length, truncated })
      const expected = model.vector(ids)
      expect(largestDifference(alone[i]!.vector, expected), `${text}, alone`).toBeLessThanOrEqual(1e-5)
      expect(largestDifference(together[i]!.vector, expected), `${text}, in a batch`).toBeLessThanOrEqual(1e-5)
    }
  })
})

test('a wrong pad id would be seen: the graphs are no stand-ins', async () => {
  const model = roberta()
  const config = model.files['tokenizer_config.json'] as object
  const dir = writeModel(temporaryFolder(), {
    ...model.files,
    'tokenizer_config.json': { ...config, pad_token: '</s>' },
  })
  const embedder = await startEmbedder(dir)
  const [short] = await Promise.all(['on', 'on cone her'].map(text => embedText(embedder, text)))
  expect(largestDifference(short!.vector, model.vector([START, model.id('on'), END]))).toBeGreaterThan(0.01)
})
