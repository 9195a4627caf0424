// Blocks by number: the recent ones in memory, ten times as many as JSON files. The chain itself is elsewhere; this is a
// cache, and may lose what it likes.
import { MemoryTier } from '../cache/memory-tier.js'
import type { Counts } from '../cache/metrics.js'
import { StoreTier } from '../cache/store-tier.js'
import { type CacheStats, TieredCache } from '../cache/tiered-cache.js'
import { OpDbusError } from '../errors.js'
import type { Call, Clock, Key, Store } from '../ports.js'
import type { Result } from './query-cache.js'
import { fromJson, type Held, heldBytes, hold, release, toJson } from './values.js'

/** How many times the memory's capacity the disk tier holds. */
export const DISK_FACTOR = 10

export interface BlockCacheOptions {
  /** Entries; 0 = off. */
  readonly capacity: number
  /** Bytes in memory. */
  readonly capacityBytes: number
  /** Where blocks lie on disk; bounds itself to DISK_FACTOR x capacity. */
  readonly store?: Store | undefined
  readonly clock: Clock
  readonly warn: (message: string) => void
}

export class BlockCache {
  readonly #cache: TieredCache<Held>
  readonly #off: boolean

  constructor(options: BlockCacheOptions) {
    const { capacity, capacityBytes, store, clock, warn } = options
    this.#off = capacity === 0
    const memory = new MemoryTier<Held>({ capacity, capacityBytes, sizeOf: heldBytes, clock })
    const tiers =
      store && !this.#off
        ? [new StoreTier({ source: 'disk', store, codec, clock, warn, capacity: DISK_FACTOR * capacity })]
        : []
    this.#cache = new TieredCache({ memory, tiers, clock })
  }

  /** The block if some tier has it, else undefined. @throws OpDbusError INVALID_INPUT for what is no block number */
  async get<T = unknown>(block: number): Promise<Result<T> | undefined> {
    const answer = await this.#cache.get(idOf(block))
    return answer && { value: release<T>(answer.value), source: answer.source }
  }

  /**
   * The block, from a tier or from `load`, which is asked once however many wait. What `load` throws passes as it is.
   * @throws OpDbusError INVALID_INPUT, UNCACHEABLE, ABORTED
   */
  async getOrLoad<T>(
    block: number,
    load: (signal: AbortSignal) => T | Promise<T>,
    call: Call = {},
  ): Promise<Result<T>> {
    const answer = await this.#cache.getOrLoad(idOf(block), async (_id, signal) => hold(await load(signal)), call)
    return { value: release<T>(answer.value), source: answer.source }
  }

  /** Write through, after the block is durable in the chain. A load under way will not overwrite it. */
  put(block: number, value: unknown): void {
    const id = idOf(block)
    if (!this.#off) this.#cache.set(id, hold(value))
  }

  /** The block was rewritten or pruned: no tier serves it any more. True when some tier had it. */
  invalidate(block: number): Promise<boolean> {
    return this.#cache.delete(idOf(block))
  }

  clear(): Promise<void> {
    return this.#cache.clear()
  }

  /** Look-ups and evictions of this process. */
  counts(): Counts {
    return this.#cache.counts()
  }

  stats(): Promise<CacheStats> {
    return this.#cache.stats()
  }

  close(): Promise<void> {
    return this.#cache.close()
  }
}

function idOf(block: number): string {
  if (Number.isSafeInteger(block) && block >= 0) return String(block)
  throw new OpDbusError('INVALID_INPUT', `not a block number: ${String(block)}`)
}

const codec = {
  key: (id: string) => id as Key,
  encode: (id: string, held: Held) => (held.json ? toJson({ number: Number(id), block: held.value }) : undefined),
  decode(id: string, bytes: Uint8Array) {
    const file = fromJson(bytes)
    return file && String(file.number) === id && 'block' in file ? { value: hold(file.block) } : undefined
  },
}
