// The memory tier: least recently used goes first, bounded by entries, bytes and age. Synchronous by type.
import { LRUCache } from 'lru-cache'
import type { Clock } from '../ports.js'
import type { CacheEvents } from './cache-events.js'
import { type Counts, newCounts, type TierStats, tierStats } from './metrics.js'

export interface MemoryTierOptions<V> {
  /** Entries. 0 switches the tier off; Infinity leaves the bytes as the only bound. */
  readonly capacity: number
  /** Bytes of keys and values together, as `sizeOf` estimates them. A value larger than this is not held. */
  readonly capacityBytes: number
  /** Estimated bytes of an entry, at least 1. */
  readonly sizeOf: (value: V, id: string) => number
  /** Milliseconds that an entry lives; absent: for ever. */
  readonly ttlMs?: number
  readonly clock: Clock
  readonly events?: CacheEvents<V>
  /** How long a reading of the clock may be used again, in ms. 0 reads it at each look-up (tests do). Default 1. */
  readonly clockResolutionMs?: number
}

export class MemoryTier<V extends object> {
  readonly counts: Counts = newCounts()
  #lru: LRUCache<string, V> | undefined
  #options: MemoryTierOptions<V>

  constructor(options: MemoryTierOptions<V>) {
    this.#options = options
    this.#lru = this.#open()
  }

  /** The value itself, not a copy. Counts a hit, but leaves a miss to the caller, who may look further. */
  get(id: string): V | undefined {
    const value = this.#lru?.get(id)
    if (value !== undefined) this.counts.hits++
    return value
  }

  /** Marks an entry as used just now. Counts nothing. */
  touch(id: string): void {
    this.#lru?.get(id)
  }

  /** Present and alive? Neither counted nor marked as used. */
  has(id: string): boolean {
    return this.#lru?.has(id) ?? false
  }

  /** `ttlMs`: what is left of an entry that another tier held; never lengthens the tier's own. */
  set(id: string, value: V, ttlMs?: number): void {
    if (this.#lru === undefined) return
    const own = this.#options.ttlMs
    const ttl = ttlMs === undefined ? own : Math.min(ttlMs, own ?? ttlMs)
    if (ttl !== undefined && ttl <= 0) return
    this.#lru.set(flat(id), value, ttl === undefined ? {} : { ttl })
  }

  delete(id: string): boolean {
    return this.#lru?.delete(id) ?? false
  }

  clear(): void {
    this.#lru?.clear()
  }

  /** What an entry takes here. */
  bytesOf(id: string, value: V): number {
    return Math.max(1, Math.ceil(this.#options.sizeOf(value, id)))
  }

  /** Ids and values, most recently used first. Neither counted nor marked as used. */
  entries(): Iterable<[string, V]> {
    return this.#lru?.entries() ?? []
  }

  /** Other bounds from now on. What was used least recently goes first, and is counted as evicted. */
  resize(capacity: number, capacityBytes: number): void {
    const before = this.#lru
    this.#options = { ...this.#options, capacity, capacityBytes }
    this.#lru = this.#open()
    if (before === undefined) return
    if (this.#lru === undefined) this.counts.evictions += before.size
    for (const [id, value] of [...before.entries()].reverse()) {
      const ttl = before.getRemainingTTL(id)
      this.#lru?.set(id, value, Number.isFinite(ttl) ? { ttl } : {})
    }
  }

  stats(): TierStats {
    this.#lru?.purgeStale()
    return tierStats(this.counts, {
      size: this.#lru?.size ?? 0,
      capacity: this.#options.capacity,
      bytes: this.#lru?.calculatedSize ?? 0,
      capacityBytes: this.#options.capacityBytes,
    })
  }

  #open(): LRUCache<string, V> | undefined {
    const { capacity, capacityBytes, ttlMs, clock, clockResolutionMs = 1, events } = this.#options
    if (capacity <= 0 || capacityBytes < 1) return undefined
    return new LRUCache<string, V>({
      ...(Number.isFinite(capacity) ? { max: capacity } : {}),
      maxSize: Math.floor(capacityBytes),
      sizeCalculation: (value, id) => this.bytesOf(id, value),
      ...(ttlMs === undefined ? {} : { ttl: ttlMs }),
      ttlResolution: clockResolutionMs,
      perf: { now: () => clock.monotonic() },
      dispose: (value, id, reason) => {
        if (reason !== 'evict') return
        this.counts.evictions++
        if (events?.evictedHeard) events.evicted(id, this.bytesOf(id, value))
      },
    })
  }
}

/**
 * The same string with characters of its own. V8 cuts a longer substring as a window onto its parent: a line of a large
 * file, kept as a key, would keep the whole file in memory. Up to 12 characters it copies anyway.
 */
function flat(id: string): string {
  return id.length > 12 ? (JSON.parse(JSON.stringify(id)) as string) : id
}
