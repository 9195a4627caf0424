// The databases of a page: one of vectors, one of what devices proved; what they hold, and what the browser says of them. Part of
// the web root; opening touches none. Its twin is node/disk.ts.
import { crc32 } from '../cache/crc32.js'
import type { CacheSetExtras, DiskSize, StorageStats } from '../caches/cache-set.js'
import type { Warn } from '../ports.js'
import { type IndexedDbOptions, type IndexedDbStore, openIndexedDbStore } from '../stores/indexeddb.js'
import { timer, webClock, webHash } from './runtime.js'

/** Bytes of what is remembered of devices, of all models together. */
const VERDICT_BYTES = 4_000_000
/**
 * How long a first text waits for a browser that leaves a database unopened, in ms: once for its vector, which may spare a
 * download, and once for what is known of devices, which spares little.
 */
const PATIENCE_MS = { embedding: 3_000, device: 500 } as const

export interface DiskOptions {
  /** The name of the database of vectors. */
  readonly database: string
  readonly budgetBytes: number
  /** Ask the browser not to evict what this origin stores. */
  readonly persist: boolean
  readonly warn: Warn
}

export interface Disk {
  readonly vectors: IndexedDbStore
  readonly verdicts: IndexedDbStore
  /** What the set of caches tells and does with it. */
  readonly extras: CacheSetExtras
}

export function openDisk({ database, budgetBytes, persist, warn }: DiskOptions): Disk {
  const parts = { hash: webHash, clock: webClock, timer, crc32, warn }
  const open = (
    name: keyof typeof PATIENCE_MS,
    options: Pick<IndexedDbOptions, 'database' | 'budgetBytes' | 'persist'>,
  ) => openIndexedDbStore({ name, patienceMs: PATIENCE_MS[name], ...options, ...parts })
  // One of them asks for the whole origin.
  const vectors = open('embedding', { database, budgetBytes, persist })
  // What it cannot keep costs another probe and nothing else, so nobody is told.
  const verdicts = open('device', { database: `${database}-devices`, budgetBytes: VERDICT_BYTES })
  return {
    vectors,
    verdicts,
    extras: {
      warn,
      storage: () => storageStats(vectors, database),
      onDisk: { embeddings: () => sizeOf(vectors) },
      clearEmbeddings: () => vectors.clear(),
      release: () => void Promise.allSettled([vectors.close(), verdicts.close()]),
    },
  }
}

/** Nothing where nothing can be looked at: then `storage.problem` says why. */
async function sizeOf(store: IndexedDbStore): Promise<DiskSize> {
  return store.size().catch(error => {
    if (store.problem === undefined) throw error
    return { entries: 0, bytes: 0 }
  })
}

async function storageStats(store: IndexedDbStore, database: string): Promise<StorageStats> {
  const { usageBytes, quotaBytes, persisted } = await store.estimate()
  const { problem } = store
  return {
    database,
    ...(problem && { problem: problem.sentence, problemKind: problem.kind }),
    ...(usageBytes !== undefined && { usageBytes }),
    ...(quotaBytes !== undefined && { quotaBytes }),
    ...(persisted !== undefined && { persisted }),
  }
}
