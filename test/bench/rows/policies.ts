// Hits and sets of memory under each eviction policy against lru-cache: each policy in a process of its own, as a program has it.
import { LRUCache } from 'lru-cache'
import type { PolicyName } from '../../../src/cache/eviction.js'
import type { BlockShelf } from '../../../src/caches/block-cache.js'
import { inChild } from '../child.js'
import type { Library } from '../library.js'
import { logLines } from '../log-lines.js'
import { nanosecondsPerCall, takeTurns, usualNanosecondsPerCall } from '../measure.js'
import type { Bench, Measured, RowGroup } from '../row.js'
import { checkVector, cycle, ownEmbedder, vectorOf } from './fixtures.js'

const NAMES: readonly PolicyName[] = ['lru', 'sieve', 's3-fifo', 'w-tinylfu', 'gdsf', 'cost-s3-fifo']
const CAPACITY = 10_000
const TEXTS = 8192
/** Different entries that are set in turn: four times as many as fit. */
const NUMBERS = 4 * CAPACITY
const ENTRY_BYTES = 1000

/** Nanoseconds of a call. */
interface Pair {
  readonly ours: number
  readonly peer: number
}

export const policyHit: RowGroup = {
  id: 'policy-hit',
  run: bench =>
    rowsOf(bench, 'policy-hit', 'lru-cache get', name => `vector of a text in memory, under ${name}`, {
      side: 'at most',
      times: 1.5,
    }),
}

export const policySet: RowGroup = {
  id: 'policy-set',
  run: bench =>
    rowsOf(bench, 'policy-set', 'lru-cache set', name => `an entry set where another has to go, under ${name}`),
}

async function rowsOf(
  { library, rounds, progress }: Bench,
  task: 'policy-hit' | 'policy-set',
  peerName: string,
  what: (name: PolicyName) => string,
  hold?: Measured['hold'],
): Promise<Measured[]> {
  const rows: Measured[] = []
  for (const name of NAMES) {
    progress(name)
    const { ours, peer } = await inChild<Pair>(library, task, name, String(rounds))
    const row = { id: `${task}-${name}`, what: what(name), unit: 'ns', ours, peer: { name: peerName, value: peer } }
    rows.push({ ...row, ...(hold && { hold }) })
  }
  return rows
}

/** The child's part: hits in turn with lru-cache's. */
export async function policyHitTask({ openCaches }: Library, name = '', rounds = ''): Promise<Pair> {
  const texts = logLines(TEXTS)
  // Equal, but never the very strings that were stored.
  const asked = logLines(TEXTS)
  const caches = await openCaches({
    embedder: ownEmbedder,
    embeddingDiskCache: false,
    embeddingCacheSize: CAPACITY,
    embeddingPolicy: name as PolicyName,
  })
  try {
    await caches.embeddings.embedMany(texts)
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
      Number(rounds),
    )
    return { ours, peer }
  } finally {
    await caches.close()
  }
}

/** The child's part: sets in turn with lru-cache's, each of which has to make room. Both make the id and what is held. */
export async function policySetTask({ openCaches }: Library, name = '', rounds = ''): Promise<Pair> {
  const caches = await openCaches({ blockCacheSize: CAPACITY, blockPolicy: name as PolicyName })
  try {
    const shelf = (caches.blocks as unknown as { shelf(): BlockShelf<object> }).shelf()
    const lru = new LRUCache<string, object>({ max: CAPACITY, maxSize: CAPACITY * 2500 })
    const value = Object.freeze({ number: 1 })
    const setOurs = (number: number) => shelf.set(number, value, ENTRY_BYTES)
    const setPeers = (number: number) => {
      const held = { value, bytes: ENTRY_BYTES, json: true, exact: true, frozen: true }
      lru.set(`#0 ${number}`, held, { size: ENTRY_BYTES + 200 })
    }
    for (let number = 0; number < 2 * CAPACITY; number++) for (const set of [setOurs, setPeers]) set(number)
    let [ours, peers] = [0, 0]
    const figures = await takeTurns(
      [
        { name: 'set', round: () => nanosecondsPerCall(() => setOurs(ours++ % NUMBERS)) },
        { name: 'lru-cache', round: () => nanosecondsPerCall(() => setPeers(peers++ % NUMBERS)) },
      ],
      Number(rounds),
    )
    return { ours: figures[0], peer: figures[1] }
  } finally {
    await caches.close()
  }
}
