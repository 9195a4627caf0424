// What a memory tier is made with. Types only.
import type { Clock, Key } from '../ports.js'
import type { CacheEvents } from './cache-events.js'
import type { NewPolicy } from './eviction.js'

/** Where a memory tier puts its values, where they should not lie in memory as they come. `pooled` is what `put` returned. */
export interface ValuePool<V> {
  /** A copy of `value` in the pool: what the tier holds instead of it. */
  put(value: V): V
  /** `pooled` is handed out: it must read the same for ever, released or not. */
  lend(pooled: V): void
  /** The tier holds `pooled` no longer. Called once. */
  release(pooled: V): void
  /** The tier holds none of its values any more: as `release` for each. */
  clear(): void
}

/** Entries that were loaded before anybody asked for them, under other names. They count as part of memory. */
export interface WarmEntries<V> {
  readonly size: number
  readonly bytes: number
  /** Takes the value of `id` out, for memory to hold. */
  take(id: string): V | undefined
  has(id: string): boolean
  delete(id: string): boolean
  /** Memory holds `id` now. */
  arrived(id: string): void
  /** The name on disk of the id that was asked for last, if that is `id`. */
  keyOf(id: string): Key | undefined
  /** Keeps at most so many entries and bytes: those that were used last. */
  fit(entries: number, bytes: number): void
  clear(): void
}

export interface MemoryTierOptions<V> {
  /** Entries. 0 switches the tier off; Infinity leaves the bytes as the only bound. */
  readonly capacity: number
  /** Bytes of keys and values together, as `sizeOf` estimates them. A value larger than this is not held. */
  readonly capacityBytes: number
  /** Told of each value that is not held because it alone is larger. */
  readonly tooLarge?: (id: string, bytes: number) => void
  /** Estimated bytes of an entry, at least 1. */
  readonly sizeOf: (value: V, id: string) => number
  /** Milliseconds that an entry lives; absent: for ever. */
  readonly ttlMs?: number
  /** How long this value lives instead, where it says so. */
  readonly ttlOf?: (value: V) => number | undefined
  /** An entry is still answered for this long after its time, and is `late` then. Default 0. */
  readonly staleMs?: number
  /** Default: least recently used. */
  readonly policy?: NewPolicy | undefined
  /** Absent: values are held as they are. */
  readonly pool?: ValuePool<V>
  readonly clock: Clock
  readonly events?: CacheEvents<V>
  /** How long a reading of the clock may be used again, in ms. 0 reads it at each look-up (tests do). Default 1. */
  readonly clockResolutionMs?: number
}
