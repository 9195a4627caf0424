// The cache folder: which cache lies where, the stores that every process opens, what they hold, how vectors are removed. Part of
// the Node root; opening touches no file. Its twin is web/disk.ts.
import { join } from 'node:path'
import { clearBlockIndex, sizeOfBlockIndex } from '../blockchain/store/index-folder.js'
import type { CacheSetExtras } from '../caches/cache-set.js'
import { type QueryDisk, queryDisk } from '../caches/query-disk.js'
import { isAnswer, isHold, queryFileAge } from '../caches/query-file.js'
import type { Config } from '../config.js'
import { bootId, isOfEarlierBoot, livenessOf, type NamedProcess, pidPlace, startOf } from '../fs/process-identity.js'
import type { Clock, Warn } from '../ports.js'
import { type FileStore, openFileStore } from '../stores/files.js'
import { clearSegments, sizeOfSegments } from '../stores/segments.js'
import { removeOldBlocks, removeOldPatterns } from './old-files.js'
import { crc32, nodeHash } from './runtime.js'
import { removeHotLists } from './tuning/hot-folder.js'

/** The folders in the cache folder `dir`. */
export function foldersIn(dir: string) {
  return {
    embeddings: join(dir, 'embeddings'),
    patterns: join(dir, 'patterns'),
    blocks: join(dir, 'blocks'),
    queries: join(dir, 'queries'),
    counters: join(dir, 'counters'),
    devices: join(dir, 'devices'),
    shared: join(dir, 'shared'),
  }
}

export interface Disk {
  readonly queries: QueryDisk
  readonly counters: FileStore
  /** What the set of caches tells and does with it. */
  readonly extras: CacheSetExtras
}

export interface DiskOptions extends Pick<Config, 'queryCacheTtl' | 'queryCacheStale'> {
  readonly clock: Clock
  readonly warn: Warn
  /** Calls `flush` when the process ends without a close. */
  readonly onExit?: (flush: () => void) => void
}

const thisProcess = {
  pid: process.pid,
  // Asked for by who changes a state, which is rare.
  get place() {
    return pidPlace()
  },
  get started() {
    return startOf(process.pid)
  },
  // What was said of a plugin in another boot is served to nobody in this one.
  livenessOf: (other: NamedProcess) => (isOfEarlierBoot(other) ? 'dead' : livenessOf(other)),
}

export function openDisk(dir: string, options: DiskOptions): Disk {
  const { queryCacheTtl, queryCacheStale, clock, warn, onExit } = options
  const folders = foldersIn(dir)
  const files = { clock, hash: nodeHash, crc32 }
  const maxAgeMs = queryFileAge(1000 * queryCacheTtl, 1000 * queryCacheStale)
  const queries = openFileStore({
    name: 'query',
    dir: folders.queries,
    maxEntries: 1000,
    maxAgeMs,
    isEntry: isAnswer,
    outlives: isHold,
    ...files,
  })
  return {
    queries: queryDisk({ store: queries, bootId: bootId(), process: thisProcess, onExit }),
    counters: openFileStore({ name: 'counter', dir: folders.counters, maxEntries: 1000, ...files }),
    extras: {
      dir,
      warn,
      onDisk: {
        embeddings: async () => sizeOfSegments(folders.embeddings, { crc32 }),
        blocks: async () => sizeOfBlockIndex(folders.blocks, crc32),
        queries: () => queries.size(),
      },
      async clearEmbeddings() {
        clearSegments(folders.embeddings, { hash: nodeHash })
        removeHotLists(dir)
        await removeOldPatterns(folders.patterns, files)
      },
      async clearBlocks() {
        clearBlockIndex(folders.blocks)
        await removeOldBlocks(folders.blocks, files)
      },
    },
  }
}
