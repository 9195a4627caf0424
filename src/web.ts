// Composition root for browsers: memory, IndexedDB and a worker with the model, as in node.ts; imports nothing of Node.
import { crc32 } from './cache/crc32.js'
import { StoreTier } from './cache/store-tier.js'
import type { CacheSet, DiskSize, StorageStats } from './caches/cache-set.js'
import type { EmbeddingParts } from './caches/embedding-cache.js'
import { embeddingCodec } from './caches/embedding-codec.js'
import { composeCaches } from './compose.js'
import { readConfig } from './config.js'
import { fromUserEmbedder } from './embedder/client/custom-embedder.js'
import { openTemplates } from './patterns/templates.js'
import type { Call } from './ports.js'
import { type IndexedDbOptions, type IndexedDbStore, openIndexedDbStore } from './stores/indexeddb.js'
import { openModel } from './web/model.js'
import { IN_PAGES, type OpenOptions, placesOf, splitOptions } from './web/options.js'
import { MODULE_URL, originLocks, pageUrl, timer, webClock, webHash } from './web/page.js'
import { Shelf } from './web/shelf.js'

export * from './public.js'
export type { DownloadProgress, OpenOptions } from './web/options.js'

/** Bytes of what is remembered of devices, of all models together. */
const VERDICT_BYTES = 4_000_000
/**
 * How long a first text waits for a browser that leaves a database unopened, in ms: once for its vector, which may spare a
 * download, and once for what is known of devices, which spares little.
 */
const PATIENCE_MS = { embedding: 3_000, device: 500 } as const

/**
 * Opens the four caches. Loads no runtime and no model, asks no server and touches no database yet; the first text that
 * memory does not have does. Close them when done: a page that goes without loses what it computed in its last moment, whose
 * write is still under way, and nothing that was written before.
 * @throws OpDbusError INVALID_INPUT for an option that is not what its type says
 */
export async function openCaches(options: OpenOptions = {}): Promise<CacheSet> {
  const { settings, user, database, persist, onDownload, warn } = splitOptions(options)
  const config = readConfig(settings, {}, warn, IN_PAGES)
  const places = placesOf(options, MODULE_URL, pageUrl())
  const shelf = new Shelf({ caches: globalThis.caches, locks: originLocks(), timer, warn })
  const embedder = user && fromUserEmbedder(user, { ...user, maxQueue: config.maxQueue })
  const templates = openTemplates(config.patterns)

  const parts = { hash: webHash, clock: webClock, timer, crc32, warn }
  const open = (
    name: 'embedding' | 'device',
    options: Pick<IndexedDbOptions, 'database' | 'budgetBytes' | 'persist'>,
  ): IndexedDbStore | undefined =>
    config.embeddingDiskCache
      ? openIndexedDbStore({ name, patienceMs: PATIENCE_MS[name], ...options, ...parts })
      : undefined
  // One of them asks for the whole origin.
  const store = open('embedding', { database, budgetBytes: config.embeddingDiskBytes, persist })
  // What it cannot keep costs another trial and nothing else, so nobody is told.
  const verdicts = open('device', { database: `${database}-devices`, budgetBytes: VERDICT_BYTES })

  const openEmbeddings = async ({ signal }: Call): Promise<EmbeddingParts> => {
    const { embedder: exact, model } = embedder
      ? { embedder }
      : await openModel(config, { places, shelf, warn, onDownload, verdicts, signal })
    const opened = templates?.over(exact) ?? exact
    const codec = embeddingCodec(webHash, opened)
    const capacityBytes = config.embeddingDiskBytes
    const tiers = store
      ? [new StoreTier({ source: 'disk', store, codec, clock: webClock, warn, capacityBytes, label: 'embedding' })]
      : []
    return { embedder: opened, tiers, model, templates }
  }

  const extras = store && {
    warn,
    storage: () => storageStats(store, database),
    onDisk: { embeddings: () => sizeOf(store) },
    clearEmbeddings: () => store.clear(),
    release: () => void Promise.allSettled([store.close(), verdicts?.close()]),
  }
  return composeCaches(config, {
    clock: webClock,
    hash: webHash,
    warn,
    openEmbeddings,
    ...(extras && { extras: () => extras }),
  })
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
