// The memory tier: least recently used goes first, bounded by entries, bytes and age. Synchronous by type.
import { LRUCache } from 'lru-cache'
import type { Clock, Key } from '../ports.js'
import type { CacheEvents } from './cache-events.js'
import { type Counts, newCounts, type TierStats, tierStats } from './metrics.js'

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

/** Entries that were loaded before anybody asked for them, under other names (warm-tier.ts). They count as part of memory. */
export interface EntriesAhead<V> {
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
  /** Absent: values are held as they are. */
  readonly pool?: ValuePool<V>
  readonly clock: Clock
  readonly events?: CacheEvents<V>
  /** How long a reading of the clock may be used again, in ms. 0 reads it at each look-up (tests do). Default 1. */
  readonly clockResolutionMs?: number
}

export class MemoryTier<V extends object> {
  readonly counts: Counts = newCounts()
  readonly #pool: ValuePool<V> | undefined
  /** Made with the first value: it has room for all from the start, which a process that asks for one text pays for. */
  #lru: LRUCache<string, V> | undefined
  #options: MemoryTierOptions<V>
  /** Absent where nothing was loaded ahead. */
  ahead: EntriesAhead<V> | undefined
  /** Told once the table is in order again: whoever listens may look into it. */
  #untold: { readonly id: string; readonly bytes: number }[] = []

  constructor(options: MemoryTierOptions<V>) {
    this.#options = options
    this.#pool = options.pool
  }

  /** Entries that it holds at most. */
  get capacity(): number {
    return this.#options.capacity
  }

  /** The value that is held, not a copy. Counts a hit, but leaves a miss to the caller, who may look further. */
  get(id: string): V | undefined {
    const value = this.#lru?.get(id) ?? this.#fromAhead(id)
    if (value === undefined) return undefined
    this.counts.hits++
    this.#pool?.lend(value)
    return value
  }

  /** Past its time, and answered only because it may be `staleMs` longer. */
  late(id: string): boolean {
    const { staleMs = 0 } = this.#options
    return staleMs > 0 && this.#lru?.has(id) === true && this.#lru.getRemainingTTL(id) <= staleMs
  }

  /** An entry that is alive, and how long it is still good, ms; negative: past its time by so much. Neither counted nor marked as used. */
  lifeOf(id: string): { readonly value: V; readonly leftMs: number | undefined } | undefined {
    const value = this.has(id) ? this.#lru?.peek(id) : undefined
    if (value === undefined) return undefined
    this.#pool?.lend(value)
    const left = this.#lru!.getRemainingTTL(id)
    return { value, leftMs: Number.isFinite(left) ? left - (this.#options.staleMs ?? 0) : undefined }
  }

  /** Marks an entry as used just now. Counts nothing. */
  touch(id: string): void {
    this.#lru?.get(id)
  }

  /** Present and alive? Neither counted nor marked as used. */
  has(id: string): boolean {
    return this.#lru?.has(id) === true || this.ahead?.has(id) === true
  }

  /** `ttlMs`: what is left of an entry that another tier held; never lengthens the tier's own. */
  set(id: string, value: V, ttlMs?: number): void {
    this.#lru ??= this.#open()
    if (this.#lru === undefined) return
    const { ttlOf, staleMs = 0 } = this.#options
    const own = ttlOf?.(value) ?? this.#options.ttlMs
    const good = ttlMs === undefined ? own : Math.min(ttlMs, own ?? ttlMs)
    const ttl = good === undefined ? undefined : good + staleMs
    if (ttl !== undefined && ttl <= 0) return
    const size = this.bytesOf(id, value)
    if (size > this.#lru.maxSize) {
      this.#lru.delete(id)
      this.#options.tooLarge?.(id, size)
      return
    }
    const held = this.#pool?.put(value) ?? value
    this.#lru.set(flat(id), held, ttl === undefined ? { size } : { size, ttl })
    this.ahead?.arrived(id)
    this.fitAhead()
    if (this.#untold.length > 0) this.#tellEvicted()
  }

  delete(id: string): boolean {
    const had = this.ahead?.delete(id) === true
    return this.#lru?.delete(id) || had
  }

  clear(): void {
    this.ahead?.clear()
    this.#lru = undefined
    this.#pool?.clear()
  }

  /** What an entry takes here. */
  bytesOf(id: string, value: V): number {
    return Math.max(1, Math.ceil(this.#options.sizeOf(value, id)))
  }

  /** Ids and values, most recently used first. Neither counted nor marked as used. */
  *entries(): IterableIterator<[string, V]> {
    for (const entry of this.#lru?.entries() ?? []) {
      this.#pool?.lend(entry[1])
      yield entry
    }
  }

  /** Entries held now, those among them that are past their time and not gone yet. */
  get size(): number {
    return this.#lru?.size ?? 0
  }

  /** The first `most` of {@link entries}, for who copies at once: a value is good within its call of `visit` alone. */
  each(most: number, visit: (id: string, value: V) => void): void {
    let left = most
    for (const [id, value] of this.#lru?.entries() ?? []) {
      if (left-- <= 0) return
      visit(id, value)
    }
  }

  /** What was loaded ahead gives way to what was asked for since: it keeps what is left of the bounds. */
  fitAhead(): void {
    if (this.ahead === undefined) return
    const { capacity, capacityBytes } = this.#options
    this.ahead.fit(capacity - this.size, capacityBytes - (this.#lru?.calculatedSize ?? 0))
  }

  /** Other bounds from now on. What was used least recently goes first, and is counted as evicted. */
  resize(capacity: number, capacityBytes: number): void {
    this.#options = { ...this.#options, capacity, capacityBytes }
    this.#refill()
    this.fitAhead()
  }

  #refill(): void {
    const before = this.#lru
    if (before === undefined) return
    this.#lru = this.#open()
    if (this.#lru === undefined) {
      this.counts.evictions += before.size
      this.#pool?.clear()
      return
    }
    before.allowStale = true
    for (const [id, value] of [...before.entries()].reverse()) {
      const size = this.bytesOf(id, value)
      const ttl = before.getRemainingTTL(id)
      if (ttl <= 0 || size > this.#lru.maxSize) this.#pool?.release(value)
      else this.#lru.set(id, value, Number.isFinite(ttl) ? { size, ttl } : { size })
    }
    this.#tellEvicted()
  }

  stats(): TierStats {
    this.#lru?.purgeStale()
    return tierStats(this.counts, {
      size: this.size + (this.ahead?.size ?? 0),
      capacity: this.#options.capacity,
      bytes: (this.#lru?.calculatedSize ?? 0) + (this.ahead?.bytes ?? 0),
      capacityBytes: this.#options.capacityBytes,
    })
  }

  /** Undefined where the tier is off. */
  #open(): LRUCache<string, V> | undefined {
    const { capacity, capacityBytes, ttlMs, clock, clockResolutionMs = 1, events } = this.#options
    if (capacity <= 0 || capacityBytes < 1) return undefined
    return new LRUCache<string, V>({
      ...(Number.isFinite(capacity) ? { max: capacity } : {}),
      maxSize: Math.floor(capacityBytes),
      ...(ttlMs === undefined ? {} : { ttl: ttlMs }),
      ttlResolution: clockResolutionMs,
      perf: { now: () => clock.monotonic() },
      dispose: (value, id, reason) => {
        this.#pool?.release(value)
        if (reason !== 'evict') return
        this.counts.evictions++
        if (events?.evictedHeard) this.#untold.push({ id, bytes: this.bytesOf(id, value) })
      },
    })
  }

  #fromAhead(id: string): V | undefined {
    const value = this.ahead?.take(id)
    if (value === undefined) return undefined
    this.set(id, value)
    return this.#lru?.get(id)
  }

  #tellEvicted(): void {
    const evicted = this.#untold
    this.#untold = []
    for (const { id, bytes } of evicted) this.#options.events?.evicted(id, bytes)
  }
}

/**
 * The same string with characters of its own. V8 cuts a longer substring as a window onto its parent: a line of a large
 * file, kept as a key, would keep the whole file in memory. Up to 12 characters it copies anyway.
 */
function flat(id: string): string {
  return id.length > 12 ? (JSON.parse(JSON.stringify(id)) as string) : id
}
