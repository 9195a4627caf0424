// Blocks by number: the recent ones in memory, ten times as many as JSON files. The chain itself is elsewhere; this is a
// cache, and may lose what it likes.
import { MemoryTier } from '../cache/memory-tier.js'
import { StoreTier } from '../cache/store-tier.js'
import { TieredCache } from '../cache/tiered-cache.js'
import type { Diagnostics } from '../diagnostics.js'
import { OpDbusError } from '../errors.js'
import type { Clock, Hash, Key, Store, Warn } from '../ports.js'
import { ValueCache, valueEvents } from './value-cache.js'
import { fromJson, type Held, heldBytes, holdRead, toJson } from './values.js'

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
  readonly hash: Hash
  readonly diagnostics?: Diagnostics
}

/** Asked by the number of a block. `delete` after the block was rewritten or pruned. */
export class BlockCache extends ValueCache<number> {
  readonly #off: boolean

  constructor(options: BlockCacheOptions) {
    const { capacity, capacityBytes, store, clock, warn, hash, diagnostics } = options
    const events = valueEvents('blocks', hash, diagnostics)
    const off = capacity === 0
    const memory = new MemoryTier<Held>({ capacity, capacityBytes, sizeOf: heldBytes, clock, events })
    const tiers =
      store && !off
        ? [new StoreTier({ source: 'disk', store, codec, clock, warn, events, capacity: DISK_FACTOR * capacity })]
        : []
    super(new TieredCache({ memory, tiers, clock, events }))
    this.#off = off
  }

  /** Write through, after the block is durable in the chain. A load under way will not overwrite it. */
  set(block: number, value: unknown): void {
    if (this.#off) this.idOf(block)
    else this.put(block, value)
  }

  protected override idOf(block: number): string {
    if (Number.isSafeInteger(block) && block >= 0) return String(block)
    throw new OpDbusError('INVALID_INPUT', `not a block number: ${String(block)}`)
  }
}

const codec = {
  key: (id: string) => id as Key,
  encode: (id: string, held: Held) => (held.exact ? toJson({ number: Number(id), block: held.value }) : undefined),
  decode(id: string, bytes: Uint8Array) {
    const file = fromJson(bytes)
    return file && String(file.number) === id && 'block' in file ? { value: holdRead(file.block) } : undefined
  },
}
