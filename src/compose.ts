// What both roots do alike: the four caches of one Config, over whatever disks and embedder a runtime has.
import { BlockCache } from './caches/block-cache.js'
import { CacheSet, type CacheSetExtras } from './caches/cache-set.js'
import { DiffCache } from './caches/diff-cache.js'
import { EmbeddingCache, type EmbeddingCacheOptions } from './caches/embedding-cache.js'
import { QueryCache, type QueryDisk } from './caches/query-cache.js'
import type { Config } from './config.js'
import { patternConfig } from './patterns/setting.js'
import type { Clock, Hash, Store, Warn } from './ports.js'

/**
 * Bytes of the other three in memory. With 10,000 embeddings of 384 floats at their default bound (20.5 MB) all four
 * stay within the 31 MB that the strategy promises.
 */
const BLOCK_BYTES = 6_000_000
const DIFF_BYTES = 3_000_000
const QUERY_BYTES = 1_000_000

export interface Runtime {
  readonly clock: Clock
  readonly hash: Hash
  readonly warn: Warn
  /** Opens the embedder and its tiers at the first look-up that needs them. */
  readonly openEmbeddings: EmbeddingCacheOptions['open']
  readonly queryDisk?: QueryDisk
  readonly blockStore?: Store
  readonly extras?: (set: () => CacheSet) => CacheSetExtras
}

export function composeCaches(config: Config, runtime: Runtime): CacheSet {
  const { clock, hash, warn } = runtime
  const queryTtlMs = 1000 * config.queryCacheTtl
  const diffTtlMs = 1000 * config.diffCacheTtl
  const set: CacheSet = new CacheSet(
    new EmbeddingCache({
      capacity: config.embeddingCacheSize,
      capacityBytes: config.embeddingCacheBytes,
      open: runtime.openEmbeddings,
      clock,
    }),
    new QueryCache({ ttlMs: queryTtlMs, capacityBytes: QUERY_BYTES, disk: runtime.queryDisk, clock, hash, warn }),
    new DiffCache({ capacity: config.diffCacheSize, capacityBytes: DIFF_BYTES, ttlMs: diffTtlMs, clock, hash }),
    new BlockCache({
      capacity: config.blockCacheSize,
      capacityBytes: BLOCK_BYTES,
      store: runtime.blockStore,
      clock,
      warn,
    }),
    {
      ttl: { queries: config.queryCacheTtl, diffs: config.diffCacheTtl },
      patterns: patternConfig(config.patterns).mode,
      ...runtime.extras?.(() => set),
    },
  )
  return set
}
