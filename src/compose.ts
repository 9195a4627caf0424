// What both roots do alike: the four caches of one Config, over whatever disks, models and tiers a runtime has. Names none of them.

import type { NewPolicy, PolicyName } from './cache/eviction.js'
import { yieldToEventLoop } from './cache/yield-to-event-loop.js'
import { BlockCache } from './caches/block-cache.js'
import { CacheSet, type CacheSetExtras } from './caches/cache-set.js'
import { CostMeter } from './caches/cost-meter.js'
import { DiffCache } from './caches/diff-cache.js'
import { EmbeddingCache, type EmbeddingCacheOptions } from './caches/embedding-cache.js'
import { type EmbeddingTierParts, embeddingTiers, type SharedTier, unopenedShared } from './caches/embedding-tiers.js'
import { QueryCache } from './caches/query-cache.js'
import type { QueryDisk } from './caches/query-disk.js'
import type { Config } from './config.js'
import type { Diagnostics } from './diagnostics.js'
import { fromUserEmbedder, type UserEmbedder } from './embedder/client/custom-embedder.js'
import type { OpenedModel, OpenModelCall } from './embedder/open-model.js'
import { patternConfig } from './patterns/setting.js'
import type { Templates } from './patterns/templates.js'
import type { BatchListener, ChangeNews, Clock, Crc32, Embedder, Hash, Warn } from './ports.js'

/**
 * Bytes of the other three in memory; of a block, where there are 1,000 or more. With 10,000 embeddings of 384 floats at their default bound (20.5 MB) all four
 * stay within the 31 MB that the strategy promises.
 */
const BLOCK_BYTES = 2_500
const DIFF_BYTES = 2_000_000
/** Room for a state that is 1.7 MB as JSON: what memory does not hold is read from disk, and hashed, each time it is compared. */
export const QUERY_BYTES = 5_500_000

/** What a runtime brings. */
export interface Runtime {
  readonly clock: Clock
  readonly hash: Hash
  readonly crc32: Crc32
  /** Told what is wrong with what lies on disk. */
  readonly warn: Warn
  readonly diagnostics: Diagnostics
  /** What computes instead of a model. */
  readonly user: UserEmbedder | undefined
  /** Opens what computes otherwise, at the first text that needs it; again after it failed. */
  openModel(call: Omit<OpenModelCall, 'warn'>): Promise<OpenedModel>
  /** Opens what keeps the vectors of one embedder on this machine; undefined where nothing does. */
  vectors?(embedder: Embedder): EmbeddingTierParts['disk']
  /** A store of the user's own behind that. */
  readonly shared?: SharedTier
  readonly queryDisk?: QueryDisk
  /** Other machines that ask plugins about the same system. */
  readonly queryNews?: ChangeNews | undefined
  readonly extras?: (set: () => CacheSet) => CacheSetExtras | undefined
}

/** @throws OpDbusError INVALID_INPUT for an embedder of the user's own that is none, or for masks that are none */
export async function composeCaches(config: Config, runtime: Runtime): Promise<CacheSet> {
  const { clock, hash, crc32, warn, diagnostics, shared } = runtime
  const parts = { clock, hash, warn, diagnostics }
  const [templates, policies] = await Promise.all([templatesOf(config), policiesOf(config)])
  const queryTtlMs = 1000 * config.queryCacheTtl
  const diffTtlMs = 1000 * config.diffCacheTtl
  const set: CacheSet = new CacheSet(
    {
      embeddings: new EmbeddingCache({
        capacity: config.embeddingCacheSize,
        capacityBytes: config.embeddingCacheBytes,
        policy: policies[config.embeddingPolicy],
        open: embeddingsOpener(config, runtime, templates),
        shared: shared && unopenedShared(shared, crc32),
        clock,
      }),
      queries: new QueryCache({
        ttlMs: queryTtlMs,
        staleMs: 1000 * config.queryCacheStale,
        capacityBytes: QUERY_BYTES,
        policy: policies[config.queryPolicy],
        disk: runtime.queryDisk,
        news: runtime.queryNews,
        ...parts,
      }),
      diffs: new DiffCache({
        capacity: config.diffCacheSize,
        capacityBytes: DIFF_BYTES,
        policy: policies[config.diffPolicy],
        ttlMs: diffTtlMs,
        ...parts,
      }),
      blocks: new BlockCache({
        capacity: config.blockCacheSize,
        capacityBytes: BLOCK_BYTES * Math.max(1000, config.blockCacheSize),
        policy: policies[config.blockPolicy],
        readsAhead: config.predict === undefined ? 'quiet' : config.predict === 'off' ? 'off' : 'told',
        ...parts,
      }),
    },
    {
      ttl: { queries: config.queryCacheTtl, diffs: config.diffCacheTtl },
      patterns: patternConfig(config.patterns).mode,
      diagnostics,
      ...runtime.extras?.(() => set),
    },
  )
  return set
}

/** Opens the embedder with its tiers; at the first look-up that memory does not answer. */
function embeddingsOpener(
  { maxQueue }: Config,
  runtime: Runtime,
  templates: Templates | undefined,
): EmbeddingCacheOptions['open'] {
  const { user, clock } = runtime
  const meter = new CostMeter()
  const measure = { clock, ran: (texts: number, micros: number) => meter.ran(texts, 0, micros) }
  const embedder = user && fromUserEmbedder(user, { maxQueue, yieldToEventLoop, measure })
  return async call => {
    const connected = runtime.shared?.connect?.()
    const batches = measured(runtime.diagnostics.batches(clock), meter)
    const { embedder: exact, model } = embedder
      ? { embedder, model: undefined }
      : await runtime.openModel({ ...call, batches })
    // Vectors of templates are kept in a space of their own.
    const opened = templates?.over(exact) ?? exact
    await connected
    const below = embeddingTiers(opened, {
      disk: runtime.vectors?.(opened),
      shared: runtime.shared,
      hash: runtime.hash,
      crc32: runtime.crc32,
      clock: runtime.clock,
      warn: runtime.diagnostics.warn,
      diagnostics: runtime.diagnostics,
    })
    return { embedder: opened, ...below, costOf: meter.costOf, model, templates }
  }
}

/** Whoever else is told of batches, the meter is. */
function measured(batches: BatchListener, meter: CostMeter): BatchListener {
  return {
    clock: batches.clock,
    ran(batch) {
      meter.ran(batch.rows, batch.tokens, batch.micros)
      batches.ran(batch)
    },
  }
}

/** Which policies there are, loaded only where one is asked for that memory has not got by itself. */
async function policiesOf(config: Config): Promise<Readonly<Partial<Record<PolicyName, NewPolicy>>>> {
  const { embeddingPolicy, queryPolicy, diffPolicy, blockPolicy } = config
  if ([embeddingPolicy, queryPolicy, diffPolicy, blockPolicy].every(name => name === 'lru')) return {}
  return (await import('./tuning/policies.js')).POLICIES
}

/** What knows every kind of variable text is large, and loaded only where patterns are on, or masks are to be checked. */
async function templatesOf({ patterns }: Config): Promise<Templates | undefined> {
  const { mode, masks, literals } = patternConfig(patterns)
  if (mode === 'off' && masks === undefined && literals === undefined) return undefined
  return (await import('./patterns/templates.js')).openTemplates(patterns)
}
