// What a tier and a cache count. Arithmetic only: who persists the counts lives in lifetime-counters.ts.
import type { StoreStatus } from '../ports.js'

/** Counts that only grow. */
export interface Counts {
  hits: number
  misses: number
  evictions: number
}

/** What a tier below memory counts beside. */
export interface StoreCounts extends Counts {
  /** Times it was not looked into: too slow, failed, or left alone for a while after it failed. Neither a hit nor a miss. */
  skipped: number
  /** Values that were not what had been stored: each was a miss, and computed anew. */
  damaged: number
  /** Values that were not written: it failed, or took them too slowly. */
  dropped: number
}

/** What a tier below memory takes, microseconds. */
export interface TierTimes {
  /**
   * Values that it brought, and what they took: of a question that it answered in part, as large a part. Without the first question, which opens
   * files, and no more of one than a few times what is usual: what memory saves is a read like most.
   */
  reads: number
  readMicros: number
  /** All questions, and writing. */
  spentMicros: number
}

/** A tier below memory as `stats()` shows it. */
export interface StoreTierStats extends TierStats, StoreCounts {
  /** Of a store that lies elsewhere and says so: whether it can be asked. */
  readonly status?: StoreStatus
}

/** One tier as `stats()` shows it. */
export interface TierStats extends Counts {
  /** Entries held now. */
  readonly size: number
  /** Entries it may hold; Infinity where only bytes or age are bounded. */
  readonly capacity: number
  /** Bytes held now: an estimate in memory, what the files take on disk. */
  readonly bytes: number
  /** Bytes it may hold. */
  readonly capacityBytes: number
  /** hits / (hits + misses); 0 before the first look-up. */
  readonly hitRate: number
  /** size / capacity; 0 where the capacity is 0 or unbounded. */
  readonly utilization: number
}

/** A rate that is 0, not NaN, when nothing happened yet. */
export function rate(part: number, whole: number): number {
  return whole > 0 && Number.isFinite(whole) ? part / whole : 0
}

export function tierStats(
  counts: Counts,
  now: { size: number; capacity: number; bytes: number; capacityBytes: number },
): TierStats {
  return {
    hits: counts.hits,
    misses: counts.misses,
    evictions: counts.evictions,
    ...now,
    hitRate: rate(counts.hits, counts.hits + counts.misses),
    utilization: rate(now.size, now.capacity),
  }
}

export function newCounts(): Counts {
  return { hits: 0, misses: 0, evictions: 0 }
}

export function newStoreCounts(): StoreCounts {
  return { ...newCounts(), skipped: 0, damaged: 0, dropped: 0 }
}
