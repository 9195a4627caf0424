// Hits in memory against lru-cache.
import { LRUCache } from 'lru-cache'
import type { Library } from '../library.js'
import { logLines } from '../log-lines.js'
import { nanosecondsPerCall, takeTurns, usualNanosecondsPerCall } from '../measure.js'
import type { Bench, Measured, RowGroup } from '../row.js'
import { checkVector, cycle, ownEmbedder, vectorOf } from './fixtures.js'

/** Both hold as many entries as our default, and this many of them are asked for in turn. */
const CAPACITY = 10_000
const TEXTS = 8192

/*
 * The texts asked for are equal to those stored, but made anew: a text that arrives is never the very string that was
 * stored, and comparing two strings costs more than seeing that they are one.
 */

/** Our caches with `texts` in memory. */
async function filledCaches({ openCaches }: Library, folder: string, texts: readonly string[]) {
  const caches = await openCaches({
    dir: folder,
    embedder: ownEmbedder,
    embeddingDiskCache: false,
    embeddingCacheSize: CAPACITY,
  })
  await caches.embeddings.embedMany(texts)
  return caches
}

export const memoryHit: RowGroup = {
  id: 'memory-hit',
  async run({ library, folder, rounds, progress }: Bench): Promise<Measured[]> {
    const texts = logLines(TEXTS)
    const asked = logLines(TEXTS)
    const caches = await filledCaches(library, folder, texts)
    try {
      const lru = new LRUCache<string, Float32Array>({ max: CAPACITY })
      for (const text of texts) lru.set(text, vectorOf(text))
      for (const text of texts) checkVector('view()', caches.embeddings.view(text), lru.get(text)!)

      const nextOurs = cycle(asked)
      const nextPeers = cycle(asked)
      const [ours, peer] = await takeTurns(
        [
          { name: 'view()', round: () => usualNanosecondsPerCall(() => caches.embeddings.view(nextOurs())) },
          { name: 'get', round: () => usualNanosecondsPerCall(() => lru.get(nextPeers())) },
        ],
        rounds,
        round => progress(`round ${round} of ${rounds}`),
      )
      const what = 'vector of a text in memory, shared'
      const hold = { side: 'at most', times: 1.3 } as const
      return [{ id: 'memory-hit', what, unit: 'ns', ours, peer: { name: 'lru-cache get', value: peer }, hold }]
    } finally {
      await caches.close()
    }
  },
}

export const awaitedHit: RowGroup = {
  id: 'awaited-hit',
  async run({ library, folder, rounds, progress }: Bench): Promise<Measured[]> {
    const texts = logLines(TEXTS)
    const asked = logLines(TEXTS)
    const caches = await filledCaches(library, folder, texts)
    try {
      const lru = new LRUCache<string, Float32Array>({ max: CAPACITY, fetchMethod: async text => vectorOf(text) })
      for (const text of texts)
        checkVector('getOrEmbed()', (await caches.embeddings.getOrEmbed(text)).vector, vectorOf(text))
      for (const text of texts) checkVector('lru-cache fetch', await lru.fetch(text), vectorOf(text))

      const nextOurs = cycle(asked)
      const nextPeers = cycle(asked)
      const [ours, peer] = await takeTurns(
        [
          { name: 'getOrEmbed()', round: () => nanosecondsPerCall(() => caches.embeddings.getOrEmbed(nextOurs())) },
          {
            name: 'fetch',
            round: () => nanosecondsPerCall(async () => ({ vector: (await lru.fetch(nextPeers()))!.slice() })),
          },
        ],
        rounds,
        round => progress(`round ${round} of ${rounds}`),
      )
      const what = 'vector of a text in memory, awaited and copied'
      const hold = { side: 'at most', times: 1.1 } as const
      return [{ id: 'awaited-hit', what, unit: 'ns', ours, peer: { name: 'lru-cache fetch', value: peer }, hold }]
    } finally {
      await caches.close()
    }
  },
}
