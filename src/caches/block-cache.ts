// Blocks by number: the recent ones in memory, ten times as many as JSON files. The chain itself is elsewhere; this is a
// cache, and may lose what it likes.
import { MemoryTier } from '../cache/memory-tier.js'
import { StoreTier } from '../cache/store-tier.js'
import { TieredCache } from '../cache/tiered-cache.js'
import { OpDbusError } from '../errors.js'
import type { Call, Clock, Key, Store, Warn } from '../ports.js'
import { type Compute, type Result, ValueCache } from './value-cache.js'
import { fromJson, type Held, heldBytes, hold, toJson } from './values.js'

/** How many times the memory's capacity the disk tier holds. */
export const DISK_FACTOR = 10

export interface BlockCacheOptions {
  /** Entries; 0 = off. */
  readonly capacity: number
  /** Bytes in memory. */
  readonly capacityBytes: number
  /** Where blocks lie on disk; bounds itself to DISK_FACTOR x capacity. */
  readonly store?: Store
  readonly clock: Clock
  readonly warn: Warn
}

export class BlockCache extends ValueCache {
  readonly #off: boolean

  constructor(options: BlockCacheOptions) {
    const { capacity, capacityBytes, store, clock, warn } = options
    const off = capacity === 0
    const memory = new MemoryTier<Held>({ capacity, capacityBytes, sizeOf: heldBytes, clock })
    const tiers =
      store && !off
        ? [new StoreTier({ source: 'disk', store, codec, clock, warn, capacity: DISK_FACTOR * capacity })]
        : []
    super(new TieredCache({ memory, tiers, clock }))
    this.#off = off
  }

  /** The block if some tier has it, else undefined. @throws OpDbusError INVALID_INPUT for what is no block number */
  async get<T = unknown>(block: number): Promise<Result<T> | undefined> {
    return this.lookUp<T>(idOf(block))
  }

  /**
   * The block, from a tier or from `load`, which is asked once however many wait. What `load` throws passes as it is.
   * @throws OpDbusError INVALID_INPUT, UNCACHEABLE, ABORTED
   */
  async getOrLoad<T>(block: number, load: Compute<T>, call: Call = {}): Promise<Result<T>> {
    return this.lookUpOrCompute(idOf(block), load, call)
  }

  /** Write through, after the block is durable in the chain. A load under way will not overwrite it. */
  put(block: number, value: unknown): void {
    const id = idOf(block)
    if (!this.#off) this.cache.set(id, hold(value))
  }

  /** The block was rewritten or pruned: no tier serves it any more. True when some tier had it. */
  invalidate(block: number): Promise<boolean> {
    return this.cache.delete(idOf(block))
  }
}

function idOf(block: number): string {
  if (Number.isSafeInteger(block) && block >= 0) return String(block)
  throw new OpDbusError('INVALID_INPUT', `not a block number: ${String(block)}`)
}

const codec = {
  key: (id: string) => id as Key,
  encode: (id: string, held: Held) => (held.exact ? toJson({ number: Number(id), block: held.value }) : undefined),
  decode(id: string, bytes: Uint8Array) {
    const file = fromJson(bytes)
    return file && String(file.number) === id && 'block' in file ? { value: hold(file.block) } : undefined
  },
}
