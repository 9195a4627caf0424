// What the embedding cache shows and lets go of its memory: entries, forgetMemory, resize.

import { describe, expect, it } from 'vitest'
import { composeCaches } from '../../src/compose.js'
import { readConfig } from '../../src/config.js'
import { Diagnostics } from '../../src/diagnostics.js'
import type { UserEmbedder } from '../../src/embedder/client/custom-embedder.js'
import { ON_NODE } from '../../src/node/options.js'
import type { CacheSettings } from '../../src/settings.js'
import { crc32, hash, TestClock } from '../support.js'

async function open(settings: CacheSettings = {}) {
  const asked: string[] = []
  const user: UserEmbedder = {
    space: 'lengths@1',
    dims: 2,
    async embed(texts) {
      asked.push(...texts)
      return Float32Array.from(texts.flatMap(text => [text.length, 1]))
    },
  }
  const caches = await composeCaches(
    readConfig(settings, {}, () => {}, ON_NODE),
    {
      clock: new TestClock(),
      hash,
      warn: () => {},
      user,
      openModel: () => expect.fail('no model is asked for'),
      crc32,
      diagnostics: new Diagnostics(),
    },
  )
  return { embeddings: caches.embeddings, asked }
}

const texts = ['one', 'three', 'seventeen']

describe('EmbeddingCache', () => {
  it('lists nothing before the first look-up, then texts and vectors, without counting', async () => {
    const { embeddings } = await open()
    expect([...embeddings.entries()]).toEqual([])
    await embeddings.embedMany(texts)
    expect([...embeddings.entries()].map(([text, vector]) => [text, [...vector]])).toEqual([
      ['seventeen', [9, 1]],
      ['three', [5, 1]],
      ['one', [3, 1]],
    ])
    expect(embeddings.counts()).toMatchObject({ hits: 0, misses: 3 })
  })

  it('forgets its memory: without a disk everything is computed again', async () => {
    const { embeddings, asked } = await open()
    embeddings.forgetMemory()
    await embeddings.embedMany(texts)
    embeddings.forgetMemory()
    expect([...embeddings.entries()]).toEqual([])
    await embeddings.getOrEmbed('one')
    expect(asked).toEqual([...texts, 'one'])
  })

  it('takes another capacity before and after it opened, and refuses what is none', async () => {
    const { embeddings } = await open({ embeddingCacheSize: 10 })
    embeddings.resize(2)
    await embeddings.embedMany(texts)
    expect((await embeddings.stats()).memory).toMatchObject({ capacity: 2, size: 2, evictions: 1 })
    embeddings.resize(1)
    expect([...embeddings.entries()].map(([text]) => text)).toEqual(['seventeen'])
    embeddings.resize(100)
    await embeddings.embedMany(texts)
    expect((await embeddings.stats()).memory).toMatchObject({ capacity: 100, size: 3, evictions: 2 })
    for (const wrong of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => embeddings.resize(wrong)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
    }
  })
})
