// The tiers below memory for vectors on Node, nearest first: segments in the cache folder. A tier of another kind is opened here.
// Part of the Node root; its twin is web/tiers.ts.
import { StoreTier } from '../cache/store-tier.js'
import { vecBytes } from '../cache/vec.js'
import { embeddingCodec } from '../caches/embedding-codec.js'
import type { Clock, Embedder, Embedding, Warn } from '../ports.js'
import { openSegmentStore } from '../stores/segments.js'
import type { Lifetime } from './lifetime.js'
import { crc32, nodeHash } from './runtime.js'

export interface TierParts {
  /** The folder of vectors; undefined where they are not kept on disk. */
  readonly folder: string | undefined
  readonly budgetBytes: number
  readonly clock: Clock
  readonly warn: Warn
  readonly lifetime: Lifetime
}

/** Touches no file yet. */
export function openTiers(embedder: Embedder, parts: TierParts): StoreTier<Embedding>[] {
  const { folder } = parts
  return folder === undefined ? [] : [diskTier(embedder, folder, parts)]
}

function diskTier(embedder: Embedder, dir: string, parts: TierParts): StoreTier<Embedding> {
  const { budgetBytes, clock, warn, lifetime } = parts
  const { space, description, dims } = embedder
  const own = { dir, space, description, dims, valueBytes: vecBytes(dims), budgetBytes }
  const store = openSegmentStore({ ...own, hash: nodeHash, clock, crc32, warn })
  lifetime.onExit(() => store.flushSync())
  const codec = embeddingCodec(nodeHash, embedder)
  return new StoreTier({ source: 'disk', store, codec, clock, warn, capacityBytes: budgetBytes, label: 'embedding' })
}
