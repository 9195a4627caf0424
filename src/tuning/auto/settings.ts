// How a cache's memory is set, and what a tuner needs of it. Types and small sums over them; knows no cache.
import type { PolicyName } from '../../cache/eviction.js'
import type { TunableMemory } from '../../cache/memory-tap.js'
import type { CacheName } from '../../ports.js'

/** A size and a policy of one cache. */
export interface Setting {
  readonly bytes: number
  /** Entries; Infinity where bytes are the only bound. */
  readonly entries: number
  readonly policy: PolicyName
}

/** One cache that is tuned. */
export interface Watched {
  readonly name: CacheName
  readonly memory: TunableMemory
  /** Microseconds that an entry costs whose own cost is 0, because a tier below memory keeps it: what that tier's reads take on average. */
  readonly readMicros: () => number
  /** Milliseconds that an entry lives; absent: for ever. */
  readonly ttlMs?: number
}

export const sameSetting = (one: Setting, other: Setting): boolean =>
  one.bytes === other.bytes && one.policy === other.policy

/** The setting with another size: its entries follow its bytes in the proportion of `start`, and are never none. */
export function resized({ entries, bytes }: Setting, policy: PolicyName, to: number): Setting {
  return {
    bytes: to,
    entries: Number.isFinite(entries) ? Math.max(1, Math.round((entries * to) / bytes)) : entries,
    policy,
  }
}
