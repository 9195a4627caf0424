// The memory of an embedding cache: what it may hold, and who taps it, from before the cache is open. Looks nothing up.
import type { NewPolicy } from '../cache/eviction.js'
import { newLru } from '../cache/lru-policy.js'
import type { MemoryInfo, MemoryTap, TunableMemory } from '../cache/memory-tap.js'
import { MemoryTier } from '../cache/memory-tier.js'
import { TieredCache } from '../cache/tiered-cache.js'
import type { Clock, Embedding } from '../ports.js'
import type { EmbeddingParts } from './embedding-parts.js'
import { EmbeddingPool } from './embedding-pool.js'

export interface EmbeddingMemoryOptions {
  /** Entries in memory; 0 = off. */
  readonly capacity: number
  /** Bytes in memory; default capacity x (4 x dims + 512). */
  readonly capacityBytes?: number | undefined
  /** Default: least recently used. */
  readonly policy?: NewPolicy | undefined
  readonly clock: Clock
}

/** Bytes that an entry costs beside its floats and characters: measured at 10,000 entries (`npm run bench`). */
const ENTRY_BYTES = 256

export class EmbeddingMemory implements TunableMemory {
  readonly #clock: Clock
  #capacity: number
  /** Undefined: as many as the entries take. */
  #capacityBytes: number | undefined
  #policy: NewPolicy
  #tap: MemoryTap | undefined
  #opened: { readonly cache: TieredCache<Embedding>; readonly dims: number } | undefined

  constructor({ capacity, capacityBytes, policy = newLru, clock }: EmbeddingMemoryOptions) {
    this.#clock = clock
    this.#capacity = capacity
    this.#capacityBytes = capacityBytes
    this.#policy = policy
  }

  /** The cache over this memory: once. */
  open(parts: Pick<EmbeddingParts, 'tiers' | 'events' | 'costOf'>, dims: number): TieredCache<Embedding> {
    const cache = this.unopened(parts, dims)
    if (this.#tap) cache.tap(this.#tap)
    this.#opened = { cache, dims }
    return cache
  }

  /** What it would be, for stats before it is open. */
  unopened(
    { tiers, events, costOf }: Pick<EmbeddingParts, 'tiers' | 'events' | 'costOf'>,
    dims: number,
  ): TieredCache<Embedding> {
    const clock = this.#clock
    const memory = new MemoryTier<Embedding>({
      capacity: this.#capacity,
      capacityBytes: this.#bytesFor(dims),
      sizeOf: (_embedding, text) => 2 * text.length + 4 * dims + ENTRY_BYTES,
      policy: this.#policy,
      pool: new EmbeddingPool(dims),
      clock,
      events,
    })
    return new TieredCache({ memory, tiers, clock, events, costOf })
  }

  /** Without `capacityBytes`: as many as so many entries take. */
  resize(capacity: number, capacityBytes?: number): void {
    this.#capacity = capacity
    this.#capacityBytes = capacityBytes
    const { cache, dims } = this.#opened ?? {}
    if (dims !== undefined) cache?.resizeMemory(capacity, this.#bytesFor(dims))
  }

  resizeMemory(capacity: number, capacityBytes: number): void {
    this.resize(capacity, capacityBytes)
  }

  /** Before it is open nobody knows how long a vector is, nor how many bytes so many entries are unless that was set. */
  memoryInfo(): MemoryInfo {
    if (this.#opened) return this.#opened.cache.memoryInfo()
    const policy = this.#policy(1).name
    return { capacity: this.#capacity, capacityBytes: this.#capacityBytes, size: 0, bytes: 0, policy }
  }

  setPolicy(policy: NewPolicy): void {
    this.#policy = policy
    this.#opened?.cache.setPolicy(policy)
  }

  tap(tap: MemoryTap): () => void {
    this.#tap = tap
    let end = this.#opened?.cache.tap(tap)
    return () => {
      if (this.#tap !== tap) return
      this.#tap = undefined
      // It may have been opened since.
      end ??= this.#opened?.cache.tap(tap)
      end?.()
    }
  }

  #bytesFor(dims: number): number {
    return this.#capacityBytes ?? this.#capacity * (4 * dims + 512)
  }
}
