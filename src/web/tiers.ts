// The tiers below memory for vectors in a page, nearest first: IndexedDB. A tier of another kind is opened here. Part of the web
// root; its twin is node/tiers.ts.
import { StoreTier } from '../cache/store-tier.js'
import { embeddingCodec } from '../caches/embedding-codec.js'
import type { Embedder, Embedding, Store, Warn } from '../ports.js'
import { webClock, webHash } from './runtime.js'

export interface TierParts {
  /** The database of vectors; undefined where they are not kept. */
  readonly store: Store | undefined
  readonly budgetBytes: number
  readonly warn: Warn
}

/** Touches no database yet. */
export function openTiers(embedder: Embedder, { store, budgetBytes, warn }: TierParts): StoreTier<Embedding>[] {
  if (store === undefined) return []
  const codec = embeddingCodec(webHash, embedder)
  const shown = { capacityBytes: budgetBytes, label: 'embedding' }
  return [new StoreTier({ source: 'disk', store, codec, clock: webClock, warn, ...shown })]
}
