// Blocks by number, in memory: those of whoever asks by hand, and beside them, under keys of its own, those of the chain. The chain
// itself is elsewhere; this is a cache, and may lose what it likes.
import type { NewPolicy } from '../cache/eviction.js'
import { MemoryTier } from '../cache/memory-tier.js'
import type { Work } from '../cache/savings.js'
import { TieredCache } from '../cache/tiered-cache.js'
import type { Diagnostics } from '../diagnostics.js'
import { OpDbusError } from '../errors.js'
import type { Clock, Hash } from '../ports.js'
import type { PredictorState } from '../tuning/report.js'
import { ValueCache, valueEvents } from './value-cache.js'
import { type Held, heldBytes } from './values.js'

export type ReadsAhead = 'off' | 'quiet' | 'told'

export interface BlockCacheOptions {
  /** Entries; 0 = off. */
  readonly capacity: number
  /** Bytes in memory. */
  readonly capacityBytes: number
  /** Default: least recently used. */
  readonly policy?: NewPolicy | undefined
  readonly clock: Clock
  readonly hash: Hash
  readonly diagnostics?: Diagnostics
  /** Whether blocks of a chain are read ahead, and whether its pauses are told as warnings. Default `quiet`. */
  readonly readsAhead?: ReadsAhead | undefined
}

/**
 * A part of the cache with numbers of its own: the same room, the same counts, but no number of anybody else's. What is put in is frozen
 * to its leaves, and handed out as it is.
 */
export interface BlockShelf<T extends object> {
  /** Entries that all parts hold together; 0 = off. */
  readonly capacity: number
  /** Entries that there is room for now, if they are as large as those that are held. */
  readonly room: number
  /** Counts a hit, but leaves a miss to the caller. */
  view(number: number): T | undefined
  /** A look-up that had to go to the disk. */
  missed(number: number): void
  /** One was read from the disk, in so many microseconds. */
  read(micros: number): void
  /** `bytes`: what it takes in memory, estimated. */
  set(number: number, value: T, bytes: number): void
  /** Neither counted nor marked as used. */
  has(number: number): boolean
  /** Everything that is on this shelf. */
  clear(): void
}

/** Asked by the number of a block. `delete` after the block was rewritten or pruned. */
export class BlockCache extends ValueCache<number> {
  /** What reads into this cache tells it here. @internal */
  readonly diagnostics: Diagnostics | undefined
  /** @internal */
  readonly readsAhead: ReadsAhead
  readonly #memory: MemoryTier<Held>
  readonly #readers = new Set<() => PredictorState>()
  #shelves = 0
  readonly #reads = { count: 0, micros: 0 }

  constructor(options: BlockCacheOptions) {
    const { capacity, capacityBytes, policy, clock, hash, diagnostics, readsAhead = 'quiet' } = options
    const events = valueEvents('blocks', hash, diagnostics)
    const memory = new MemoryTier<Held>({ capacity, capacityBytes, policy, sizeOf: heldBytes, clock, events })
    super(new TieredCache({ memory, tiers: [], clock, events }))
    this.#memory = memory
    this.readsAhead = readsAhead
    this.diagnostics = diagnostics
  }

  /** Write through, after the block is durable in the chain. A load under way will not overwrite it. */
  set(block: number, value: unknown): void {
    if (this.#memory.capacity < 1) this.idOf(block)
    else this.put(block, value)
  }

  /** Who asks for a block reads it, here or by a function of their own: nothing is computed. @internal */
  override work(): Work {
    const { computed, computeMicros, ...work } = super.work()
    const { count, micros } = this.#reads
    const readMicros = computeMicros + Math.round(micros)
    return { ...work, computed: 0, computeMicros: 0, reads: computed + count, readMicros }
  }

  /** How reading ahead goes, of each chain that is open. @internal */
  get readAhead(): readonly PredictorState[] {
    return [...this.#readers].map(state => state())
  }

  /** Another chain is read ahead, until the function that this answers is called. @internal */
  readsAheadFor(state: () => PredictorState): () => void {
    this.#readers.add(state)
    return () => void this.#readers.delete(state)
  }

  /** @internal */
  shelf<T extends object>(): BlockShelf<T> {
    const memory = this.#memory
    // No number begins so.
    const name = `#${this.#shelves++} `
    return {
      get capacity() {
        return memory.capacity
      },
      get room() {
        const { capacity, capacityBytes, size, bytes } = memory.info()
        return Math.min(capacity, size > 0 ? Math.floor((capacityBytes * size) / Math.max(1, bytes)) : capacity)
      },
      view: number => this.peek(name + number)?.value as T | undefined,
      missed: number => memory.missed(name + number),
      read: micros => {
        this.#reads.count++
        this.#reads.micros += micros
      },
      set: (number, value, bytes) => memory.set(name + number, { value, bytes, json: true, exact: true, frozen: true }),
      has: number => memory.has(name + number),
      clear() {
        for (const [id] of [...memory.entries()]) if (id.startsWith(name)) memory.delete(id)
      },
    }
  }

  protected override idOf(block: number): string {
    if (Number.isSafeInteger(block) && block >= 0) return String(block)
    throw new OpDbusError('INVALID_INPUT', `not a block number: ${String(block)}`)
  }
}
