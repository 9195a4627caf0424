// What an embedding cache is made of once it is open. Types only.
import type { CacheEvents } from '../cache/cache-events.js'
import type { Codec } from '../cache/codec.js'
import type { CostOf } from '../cache/computing.js'
import type { StoreTier } from '../cache/store-tier.js'
import type { TieredCache } from '../cache/tiered-cache.js'
import type { Templates } from '../patterns/templates.js'
import type { Embedder, Embedding, ServingModel } from '../ports.js'
import type { EmbeddingLoader } from './embedding-loader.js'

/** What the first look-up opens: known after the model's small files are read, before any model is loaded. */
export interface EmbeddingParts {
  /** Absent for an embedder of the user's own. */
  readonly model?: ServingModel | undefined
  readonly embedder: Embedder
  readonly tiers: readonly StoreTier<Embedding>[]
  readonly events?: CacheEvents<Embedding>
  /** Microseconds that computing one took, by what was measured of late. */
  readonly costOf?: CostOf<Embedding> | undefined
  /** The name on disk of what is kept under a text; absent where nothing is to be loaded ahead. */
  readonly keyOf?: Codec<Embedding>['key']
  /** Where patterns are on: what texts are kept under. */
  readonly templates?: Templates | undefined
}

export interface Opened extends EmbeddingParts {
  readonly cache: TieredCache<Embedding>
  readonly loader: EmbeddingLoader
}
