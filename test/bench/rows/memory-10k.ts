// What 10,000 vectors in memory really weigh: each contender fills a process of its own.
import { LRUCache } from 'lru-cache'
import { inChild } from '../child.js'
import type { Library } from '../library.js'
import { logLines } from '../log-lines.js'
import { collectGarbage, median } from '../measure.js'
import type { Bench, Measured, RowGroup } from '../row.js'
import { checkVector, DIMS, ownEmbedder, vectorOf } from './fixtures.js'

const ENTRIES = 10_000
const PAYLOAD = ENTRIES * DIMS * 4
const MEGABYTE = 1e6

/** Bytes that filling added, after garbage collection. */
interface Weight {
  /** JavaScript objects and everything outside the heap that they hold. */
  readonly used: number
  /** What the operating system counts, free lists and all. */
  readonly resident: number
}

export const memoryOf10k: RowGroup = {
  id: 'memory-10k',
  async run({ library, rounds, progress }: Bench): Promise<Measured[]> {
    const ours: Weight[] = []
    const peers: Weight[] = []
    for (let round = 1; round <= Math.min(rounds, 3); round++) {
      progress(`process ${round}`)
      ours.push(await inChild(library, 'weigh', 'op-dbus'))
      peers.push(await inChild(library, 'weigh', 'lru-cache'))
    }
    const figure = (weights: readonly Weight[], of: keyof Weight) =>
      median(weights.map(weight => weight[of])) / MEGABYTE
    const payload = `of ${(PAYLOAD / MEGABYTE).toFixed(1)} MB of floats`
    return [
      {
        id: 'memory-10k',
        what: `10,000 entries in memory, ${payload}`,
        unit: 'MB',
        ours: figure(ours, 'used'),
        peer: { name: 'lru-cache', value: figure(peers, 'used') },
        // The strategy promises 31 MB for all four caches together.
        hold: { side: 'at most', plus: 31 },
      },
      {
        id: 'memory-10k-resident',
        what: 'the same, as the system counts it (resident)',
        unit: 'MB',
        ours: figure(ours, 'resident'),
        peer: { name: 'lru-cache', value: figure(peers, 'resident') },
        hold: { side: 'at most', times: 1.4 },
      },
    ]
  },
}

/** The child's part: fills one contender and weighs what that added. */
export async function weigh(library: Library, who = ''): Promise<Weight> {
  const texts = logLines(ENTRIES)
  const fill = who === 'op-dbus' ? await ourFill(library) : peerFill()
  const before = weightNow()
  const view = await fill(texts)
  const after = weightNow()
  for (const text of texts) checkVector(who, view(text), vectorOf(text))
  return { used: after.used - before.used, resident: after.resident - before.resident }
}

type Fill = (texts: readonly string[]) => Promise<(text: string) => Float32Array | undefined>

async function ourFill({ openCaches }: Library): Promise<Fill> {
  const caches = await openCaches({ embedder: ownEmbedder, embeddingDiskCache: false, embeddingCacheSize: ENTRIES })
  return async texts => {
    await caches.embeddings.embedMany(texts)
    return text => caches.embeddings.view(text)
  }
}

function peerFill(): Fill {
  const lru = new LRUCache<string, Float32Array>({ max: ENTRIES })
  return async texts => {
    await embedInto(lru, texts)
    return text => lru.get(text)
  }
}

/** What embedMany does, by hand: one matrix for the caller, from the same embedder, in batches as large as ours. */
async function embedInto(lru: LRUCache<string, Float32Array>, texts: readonly string[]): Promise<Float32Array> {
  const all = new Float32Array(texts.length * DIMS)
  for (let start = 0; start < texts.length; start += 128) {
    const batch = texts.slice(start, start + 128)
    const matrix = await ownEmbedder.embed(batch)
    all.set(matrix, start * DIMS)
    for (const [row, text] of batch.entries()) lru.set(text, matrix.slice(row * DIMS, (row + 1) * DIMS))
  }
  return all
}

function weightNow(): Weight {
  collectGarbage()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { used: heapUsed + external, resident: rss }
}
