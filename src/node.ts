// Composition root for Node: opens the four caches over the cache folder, and over what computes on this machine. What it is made
// of lies in node/: options, disk, vectors, model, lifetime. web.ts is the same for a page.
import { channel } from 'node:diagnostics_channel'
import type { CacheSet } from './caches/cache-set.js'
import { composeCaches } from './compose.js'
import { Diagnostics } from './diagnostics.js'
import { Levels } from './embedder/model/levels.js'
import { foldersIn, openDisk } from './node/disk.js'
import { Lifetime } from './node/lifetime.js'
import { isModelHere } from './node/models.js'
import { type OpenOptions, readOptions } from './node/options.js'
import { crc32, nodeClock, nodeHash } from './node/runtime.js'
import { openShared } from './node/shared.js'
import { beginTuning, type Tuning } from './node/tuning.js'
import { openVectors } from './node/vectors.js'
import { folderWarnings } from './node/warnings.js'
import type { SegmentStore } from './stores/segments.js'

export {
  type LocalModel,
  listModels,
  type ModelDtype,
  type ModelInventory,
  modelPath,
  type PulledModel,
  type PullModelOptions,
  type PullProgress,
  type PullRetry,
  pullModel,
  type RemoveModelOptions,
  removeModel,
} from './node/models.js'
export type { OpenOptions } from './node/options.js'
export {
  type ExportedSpace,
  type ExportReport,
  exportEmbeddings,
  type ImportedSpace,
  type ImportReport,
  importEmbeddings,
  type SnapshotCall,
  type SnapshotProgress,
} from './node/snapshots.js'
export * from './public.js'

/** Of the process, not of one set of caches: what gave way once stays away, so that no two of them differ in what `high` means. */
const levels = new Levels()

/**
 * Opens the four caches: options over environment over defaults. Loads no runtime and no model, and touches no cache file yet; the
 * first text that no tier has does. Close them when done; a process that does not still ends, and loses nothing.
 * @throws OpDbusError INVALID_INPUT for an option that is not what its type says
 */
export async function openCaches(options: OpenOptions = {}): Promise<CacheSet> {
  const { onWarning = emitWarning } = options
  const diagnostics = new Diagnostics({ onWarning, channel: name => channel(`op-dbus:${name}`) })
  const tell = diagnostics.warn
  const given = readOptions(options, tell)
  const { config, dir, user } = given
  const opened =
    given.shared === undefined ? await openShared(config, config.embeddingDiskCache ? dir : undefined, tell) : undefined
  const shared = given.shared ? { ...given.shared, claimAboveMs: config.sharedCostMs } : opened?.tier
  if (dir === undefined) tell('no home folder, so nothing is kept on disk; set OPDBUS_CACHE_DIR')
  const clock = nodeClock()
  const warn = folderWarnings(dir, tell)
  const budgetBytes = config.embeddingDiskBytes
  const lifetime = new Lifetime()
  const disk =
    dir === undefined ? undefined : openDisk(dir, { ...config, clock, warn, onExit: flush => lifetime.onExit(flush) })
  const folders = dir === undefined || !config.embeddingDiskCache ? undefined : foldersIn(dir)

  let tuning: Tuning | undefined
  let vectors: SegmentStore | undefined
  const set = await composeCaches(config, {
    clock,
    hash: nodeHash,
    crc32,
    warn,
    diagnostics,
    user,
    // Loaded with the first text that memory does not have.
    openModel: async call => (await import('./node/model.js')).openModel(given, levels, { ...call, warn: tell }),
    vectors(embedder) {
      const opened = openVectors(embedder, { folder: folders?.embeddings, budgetBytes, clock, warn, lifetime })
      vectors = opened?.store
      return opened
    },
    shared,
    queryDisk: disk?.queries,
    queryNews: opened?.news,
    extras: own => ({
      tuning: {
        state: () => tuning!.state(),
        loadAhead: (keys, signal) => tuning!.loadAhead(keys, signal),
        close: () => tuning!.close(),
      },
      ...(disk && {
        ...disk.extras,
        counters: lifetime.begin(disk, clock, () => own().tally()),
        release: () => lifetime.end(),
      }),
    }),
  })
  const isHere = async () => options.embedder !== undefined || isModelHere(options)
  tuning = await beginTuning({ set, config, dir, clock, diagnostics, vectors: () => vectors, isHere })
  return set
}

function emitWarning(message: string): void {
  process.emitWarning(message, 'OpDbusWarning')
}
