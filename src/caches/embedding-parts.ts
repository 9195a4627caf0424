// What the embedding cache is put together of, once it is known what computes. Types only.
import type { CacheEvents } from '../cache/cache-events.js'
import type { StoreTier } from '../cache/store-tier.js'
import type { Templates } from '../patterns/templates.js'
import type { Embedder, Embedding, ServingModel } from '../ports.js'

/** What the first look-up opens: known after the model's small files are read, before any model is loaded. */
export interface EmbeddingParts {
  /** Absent for an embedder of the user's own. */
  readonly model?: ServingModel | undefined
  readonly embedder: Embedder
  readonly tiers: readonly StoreTier<Embedding>[]
  readonly events?: CacheEvents<Embedding>
  /** Where patterns are on: what texts are kept under. */
  readonly templates?: Templates | undefined
}

/** What is done with a store that nothing has been looked up in. */
export interface UnopenedStore {
  clear(): Promise<void>
  close(): Promise<void>
}
