// Composition root for Node: names the stores, the model finder and the worker, and opens the four caches over them.
import { join } from 'node:path'
import { atExit } from './backends/at-exit.js'
import { CounterLedger, LEDGER_FLUSH_MS } from './cache/counter-ledger.js'
import { StoreTier } from './cache/store-tier.js'
import { vecBytes } from './cache/vec.js'
import { DISK_FACTOR } from './caches/block-cache.js'
import type { CacheSet, CacheSetExtras, DiskSize } from './caches/cache-set.js'
import type { EmbeddingParts } from './caches/embedding-cache.js'
import { embeddingCodec } from './caches/embedding-codec.js'
import { queryFileAge } from './caches/query-cache.js'
import { composeCaches } from './compose.js'
import { readConfig } from './config.js'
import { fromUserEmbedder } from './embedder/client/custom-embedder.js'
import { openModel } from './node/model.js'
import { removeOldPatterns } from './node/old-patterns.js'
import { bootId, cacheDir, crc32, hubOptions, isAlive, nodeClock, nodeHash, type OpenOptions } from './node/runtime.js'
import { folderWarnings } from './node/warnings.js'
import { openTemplates } from './patterns/templates.js'
import type { Call, Embedding, Key } from './ports.js'
import { openFileStore } from './stores/files.js'
import { clearSegments, openSegmentStore, sizeOfSegments } from './stores/segments.js'

export {
  type Inventory,
  type LocalModel,
  listModels,
  modelPath,
  type PulledModel,
  type PullProgress,
  pullModel,
  removeModel,
} from './node/models.js'
export type { OpenOptions } from './node/runtime.js'
export * from './public.js'

/**
 * Opens the four caches: options over environment over defaults. Loads no runtime and no model, and touches no cache file yet; the
 * first text that no tier has does. Close them when done; a process that does not still ends, and loses nothing.
 * @throws OpDbusError INVALID_INPUT for an option that is not what its type says
 */
export async function openCaches(options: OpenOptions = {}): Promise<CacheSet> {
  const { embedder: user, onWarning: warn = emitWarning, onDownload, ...settings } = options
  const config = readConfig(settings, process.env, warn)
  const dir = cacheDir(config)
  const hub = hubOptions(config, dir)
  const warnOfFolder = folderWarnings(dir, message => warn(message))
  const clock = nodeClock()
  const boot = bootId()
  const ttlMs = 1000 * config.queryCacheTtl
  const files = { clock, hash: nodeHash, crc32 }
  const embedder = user && fromUserEmbedder(user, { ...user, maxQueue: config.maxQueue })
  if (dir === undefined) warn('no home folder, so nothing is kept on disk; set OPDBUS_CACHE_DIR')

  const templates = openTemplates(config.patterns)
  const onExit: (() => void)[] = []
  const openEmbeddings = async ({ signal }: Call): Promise<EmbeddingParts> => {
    const { embedder: exact, model } = embedder
      ? { embedder }
      : await openModel(config, dir, { hub, warn, onDownload, signal })
    const opened = templates?.over(exact) ?? exact
    const tiers: StoreTier<Embedding>[] = []
    if (dir !== undefined && config.embeddingDiskCache) {
      const store = openSegmentStore({
        dir: join(dir, 'embeddings'),
        space: opened.space,
        description: opened.description,
        dims: opened.dims,
        valueBytes: vecBytes(opened.dims),
        budgetBytes: config.embeddingDiskBytes,
        hash: nodeHash,
        clock,
        crc32,
        warn: warnOfFolder,
      })
      onExit.push(() => store.flushSync())
      const codec = embeddingCodec(nodeHash, opened)
      const capacityBytes = config.embeddingDiskBytes
      tiers.push(
        new StoreTier({ source: 'disk', store, codec, clock, warn: warnOfFolder, capacityBytes, label: 'embedding' }),
      )
    }
    return { embedder: opened, tiers, model, templates }
  }

  const queryStore = inDir(dir, 'queries', path =>
    openFileStore({ name: 'query', dir: path, maxEntries: 1000, maxAgeMs: queryFileAge(ttlMs), ...files }),
  )
  const blockStore = inDir(dir, 'blocks', path =>
    openFileStore({ name: 'block', dir: path, maxEntries: Math.max(1, DISK_FACTOR * config.blockCacheSize), ...files }),
  )

  const extras = (set: () => CacheSet): CacheSetExtras => {
    if (dir === undefined) return {}
    const ledger = new CounterLedger({
      store: openFileStore({ name: 'counter', dir: join(dir, 'counters'), maxEntries: 1000, ...files }),
      clock,
      key: nodeHash.random(8) as Key,
      process: { pid: process.pid, bootId: boot, alive: isAlive },
      read: () => set().tally(),
    })
    const timer = setInterval(() => void ledger.flush().catch(() => {}), LEDGER_FLUSH_MS)
    timer.unref()
    const leaveExit = atExit(() => {
      for (const run of [...onExit, () => ledger.flushSync()]) quietly(run)
    })
    const embeddings = join(dir, 'embeddings')
    return {
      dir,
      warn: warnOfFolder,
      ledger,
      onDisk: {
        embeddings: async () => sizeOfSegments(embeddings, { crc32 }),
        blocks: () => sizeOf(blockStore),
        queries: () => sizeOf(queryStore),
      },
      clearEmbeddings: async () => {
        clearSegments(embeddings, { hash: nodeHash })
        await removeOldPatterns(join(dir, 'patterns'), files)
      },
      release: () => {
        clearInterval(timer)
        leaveExit()
      },
    }
  }

  return composeCaches(config, {
    clock,
    hash: nodeHash,
    warn: warnOfFolder,
    openEmbeddings,
    queryDisk: queryStore && { store: queryStore, bootId: boot },
    blockStore,
    extras,
  })
}

function inDir<T>(dir: string | undefined, name: string, open: (path: string) => T): T | undefined {
  return dir === undefined ? undefined : open(join(dir, name))
}

async function sizeOf(store: { size(): Promise<DiskSize> } | undefined): Promise<DiskSize> {
  return store ? store.size() : { entries: 0, bytes: 0 }
}

function emitWarning(message: string): void {
  process.emitWarning(message, 'OpDbusWarning')
}

function quietly(run: () => void): void {
  try {
    run()
  } catch {
    // The process is ending and this is a cache: there is nobody left to tell.
  }
}
