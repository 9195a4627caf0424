// What both roots do alike: the four caches of one Config, over whatever disks, models and tiers a runtime has. Names none of them.
import type { StoreTier } from './cache/store-tier.js'
import { BlockCache } from './caches/block-cache.js'
import { CacheSet, type CacheSetExtras } from './caches/cache-set.js'
import { DiffCache } from './caches/diff-cache.js'
import { EmbeddingCache, type EmbeddingCacheOptions } from './caches/embedding-cache.js'
import { QueryCache, type QueryDisk } from './caches/query-cache.js'
import type { Config } from './config.js'
import { fromUserEmbedder, type UserEmbedder } from './embedder/client/custom-embedder.js'
import type { OpenedModel } from './embedder/open-model.js'
import { patternConfig } from './patterns/setting.js'
import { openTemplates } from './patterns/templates.js'
import type { Call, Clock, Embedder, Embedding, Hash, Store, Warn } from './ports.js'

/**
 * Bytes of the other three in memory. With 10,000 embeddings of 384 floats at their default bound (20.5 MB) all four
 * stay within the 31 MB that the strategy promises.
 */
const BLOCK_BYTES = 6_000_000
const DIFF_BYTES = 3_000_000
const QUERY_BYTES = 1_000_000

/** What a runtime brings. */
export interface Runtime {
  readonly clock: Clock
  readonly hash: Hash
  readonly warn: Warn
  /** What computes instead of a model. */
  readonly user: UserEmbedder | undefined
  /** Opens what computes otherwise, at the first text that needs it; again after it failed. */
  openModel(call: Call): Promise<OpenedModel>
  /** The tiers below memory for the vectors of one embedder, nearest first. */
  tiers(embedder: Embedder): readonly StoreTier<Embedding>[]
  readonly queryDisk?: QueryDisk
  readonly blockStore?: Store
  readonly extras?: (set: () => CacheSet) => CacheSetExtras | undefined
}

/** @throws OpDbusError INVALID_INPUT for an embedder of the user's own that is none */
export function composeCaches(config: Config, runtime: Runtime): CacheSet {
  const { clock, hash, warn } = runtime
  const queryTtlMs = 1000 * config.queryCacheTtl
  const diffTtlMs = 1000 * config.diffCacheTtl
  const set: CacheSet = new CacheSet(
    new EmbeddingCache({
      capacity: config.embeddingCacheSize,
      capacityBytes: config.embeddingCacheBytes,
      open: embeddingsOpener(config, runtime),
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

/** Opens the embedder with its tiers; at the first look-up that memory does not answer. */
function embeddingsOpener({ maxQueue, patterns }: Config, runtime: Runtime): EmbeddingCacheOptions['open'] {
  const { user } = runtime
  const templates = openTemplates(patterns)
  const embedder = user && fromUserEmbedder(user, { ...user, maxQueue })
  return async call => {
    const { embedder: exact, model } = embedder ? { embedder, model: undefined } : await runtime.openModel(call)
    // Vectors of templates are kept in a space of their own.
    const opened = templates?.over(exact) ?? exact
    return { embedder: opened, tiers: runtime.tiers(opened), model, templates }
  }
}
