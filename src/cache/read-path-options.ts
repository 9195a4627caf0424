// What the read path is made of. Types only.
import type { Clock } from '../ports.js'
import type { CacheEvents } from './cache-events.js'
import type { CostOf } from './computing.js'
import type { MemoryTier } from './memory-tier.js'
import type { StoreTier } from './store-tier.js'

export interface ReadPathOptions<V extends object> {
  readonly memory: MemoryTier<V>
  /** Below memory, nearest first; all over one codec. */
  readonly tiers: readonly StoreTier<V>[]
  readonly clock: Clock
  readonly events?: CacheEvents<V>
  /** Where values are computed together. Default: the time that a value's loader took. */
  readonly costOf?: CostOf<V> | undefined
}
