// What the two halves of a tier, its reads and its writes, work with, and what is asked of them. Types only.
import type { Clock, Key, Store, Timer } from '../ports.js'
import type { Codec } from './codec.js'
import type { StoreCounts, TierTimes } from './metrics.js'
import type { TierFaults } from './tier-faults.js'
import type { TierPolicy } from './tier-policy.js'

export interface TierParts<V> {
  readonly store: Store
  readonly codec: Codec<V>
  readonly policy: TierPolicy
  readonly clock: Clock
  readonly timer: Timer
  readonly counts: StoreCounts
  readonly times: TierTimes
  readonly faults: TierFaults
}

/** What a tier is asked for. It notes the key there, for whoever asks next: tiers over one codec have the same keys. */
export interface Wanted {
  readonly id: string
  key: Key | undefined
}

/** What a tier is to keep. */
export interface Kept<V> extends Wanted {
  readonly value: V | undefined
  /** The codec's ticket, where it has tickets. */
  readonly ticket?: unknown
}
