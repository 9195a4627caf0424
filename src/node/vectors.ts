// Where vectors lie on Node: segments in the cache folder, those of each space in a folder of its own. Part of the Node root; in a
// page it is the database of web/disk.ts.
import { vecBytes } from '../caches/embedding-record.js'
import type { EmbeddingTierParts } from '../caches/embedding-tiers.js'
import type { Clock, Embedder, Warn } from '../ports.js'
import { openSegmentStore, type SegmentStore } from '../stores/segments.js'
import type { Lifetime } from './lifetime.js'
import { crc32, nodeHash } from './runtime.js'

export interface VectorsOptions {
  /** The folder of vectors; undefined where they are not kept on disk. */
  readonly folder: string | undefined
  readonly budgetBytes: number
  readonly clock: Clock
  readonly warn: Warn
  readonly lifetime: Lifetime
}

export type OpenedVectors = EmbeddingTierParts['disk'] & { readonly store: SegmentStore }

/** Touches no file yet. Undefined where vectors are not kept on disk. */
export function openVectors(embedder: Embedder, options: VectorsOptions): OpenedVectors | undefined {
  const { folder, budgetBytes, clock, warn, lifetime } = options
  if (folder === undefined) return undefined
  const { space, description, dims } = embedder
  const own = { dir: folder, space, description, dims, valueBytes: vecBytes(dims), budgetBytes }
  const store = openSegmentStore({ ...own, hash: nodeHash, clock, crc32, warn })
  lifetime.onExit(() => store.flushSync())
  return { store, capacityBytes: budgetBytes, warn }
}
