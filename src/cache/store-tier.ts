// A tier over a Store: turns values into bytes and back, and keeps a failing medium from failing its callers.
import { messageOf } from '../errors.js'
import type { Clock, Key, Load, Source, Store, Warn } from '../ports.js'
import { type Counts, newCounts, type TierStats, tierStats } from './metrics.js'

/** How one kind of value lies in a store. */
export interface Codec<V> {
  key(id: string): Key
  /** The bytes to store, or undefined when this value cannot be stored faithfully: then it stays in memory. */
  encode(id: string, value: V, ticket: unknown): Uint8Array | undefined
  /** The value and what is left of its life in ms, or undefined when the bytes are damaged, too old or foreign. */
  decode(id: string, bytes: Uint8Array): { value: V; ttlMs?: number } | undefined
  /** Taken when a computation begins and handed to `encode` with its result (see query-cache.ts). */
  ticket?(id: string): Promise<unknown>
}

export interface StoreTierOptions<V> {
  readonly source: Extract<Source, 'disk' | 'shared'>
  readonly store: Store
  readonly codec: Codec<V>
  readonly clock: Clock
  /** What messages call this tier. Default: the store's name. */
  readonly label?: string
  /** Told once when the medium fails. */
  readonly warn: Warn
  /** What the medium may hold; for the stats only, a store keeps its own bounds. */
  readonly capacity?: number
  readonly capacityBytes?: number
}

/** A hit with the rest of its life. */
export interface Found<V> {
  readonly value: V
  readonly ttlMs: number | undefined
}

const MISS: Load<never> = { kind: 'miss' }
const OPEN: Load<never> = { kind: 'skipped', why: 'breaker' }
const FAILED: Load<never> = { kind: 'skipped', why: 'error' }

/** Reads and writes never reject. What could not be looked at is `skipped`, with a reason, and is not written back. */
export class StoreTier<V> {
  readonly source: Extract<Source, 'disk' | 'shared'>
  readonly counts: Counts = newCounts()
  readonly #store: Store
  readonly #codec: Codec<V>
  readonly #options: StoreTierOptions<V>
  readonly #reads: Breaker
  readonly #writes: Breaker
  #asked: { id: string; resolve: (load: Load<Found<V>>) => void }[] = []
  #pending = new Map<Key, Uint8Array>()
  #flushing: Promise<void> = Promise.resolve()
  #told = false

  constructor(options: StoreTierOptions<V>) {
    this.#options = options
    this.source = options.source
    this.#store = options.store
    this.#codec = options.codec
    this.#reads = new Breaker(options.clock, error => this.#warn('read', error))
    this.#writes = new Breaker(options.clock, error => this.#warn('write', error))
  }

  /** Can this medium answer without a promise? */
  get synchronous(): boolean {
    return this.#store.getSync !== undefined
  }

  /** The codec's ticket, or undefined where there is none to be had. Does not reject. */
  async ticket(id: string): Promise<unknown> {
    try {
      return await this.#codec.ticket?.(id)
    } catch (error) {
      this.#writes.failed(error)
      return undefined
    }
  }

  get hasTickets(): boolean {
    return this.#codec.ticket !== undefined
  }

  getSync(id: string): Load<Found<V>> {
    if (this.#reads.open) return OPEN
    try {
      const key = this.#codec.key(id)
      const bytes = this.#pending.get(key) ?? this.#store.getSync!(key)
      this.#reads.succeeded()
      return this.#decode(id, bytes)
    } catch (error) {
      this.#reads.failed(error)
      return FAILED
    }
  }

  /** What the medium has. Ids asked for in one turn go to it as one question. */
  get(id: string): Promise<Load<Found<V>>> {
    if (this.#reads.open) return Promise.resolve(OPEN)
    return new Promise(resolve => {
      this.#asked.push({ id, resolve })
      if (this.#asked.length === 1) queueMicrotask(() => this.#ask())
    })
  }

  /** Neither decoded nor counted; false when the medium cannot be asked. */
  async has(id: string): Promise<boolean> {
    await this.flush()
    const [bytes] = await this.#store.getMany([this.#codec.key(id)]).catch(() => [undefined])
    return bytes !== undefined
  }

  /** Stores soon: what is set in one turn goes to the medium as one batch. */
  set(id: string, value: V, ticket?: unknown): void {
    if (this.#writes.open) return
    const bytes = this.#codec.encode(id, value, ticket)
    if (bytes === undefined) return
    this.#pending.set(this.#codec.key(id), bytes)
    if (this.#pending.size === 1) queueMicrotask(() => this.flush())
  }

  /** Resolves when what was set so far has reached the store, or has failed to. */
  flush(): Promise<void> {
    const items = [...this.#pending]
    this.#pending = new Map()
    if (items.length > 0) {
      this.#flushing = this.#flushing.then(async () => {
        try {
          await this.#store.setMany(items)
          this.#writes.succeeded()
        } catch (error) {
          this.#writes.failed(error)
        }
      })
    }
    return this.#flushing
  }

  /** Unlike reads and writes this rejects when the medium does: a caller must know that an entry is still there. */
  async delete(ids: readonly string[]): Promise<number> {
    await this.flush()
    return this.#store.deleteMany(ids.map(id => this.#codec.key(id)))
  }

  async clear(): Promise<void> {
    await this.flush()
    await this.#store.clear()
  }

  clearedElsewhere(): boolean {
    try {
      return this.#store.clearedElsewhere?.() ?? false
    } catch (error) {
      this.#reads.failed(error)
      return false
    }
  }

  /** Calls `listener` whenever the medium tells by itself that somebody else cleared it. */
  onClearedElsewhere(listener: () => void): void {
    this.#store.onClearedElsewhere?.(listener)
  }

  /** Counts, and the medium's own size; zero where it cannot be read. */
  async stats(): Promise<TierStats> {
    await this.flush()
    const size = await this.#store.size().catch(() => ({ entries: 0, bytes: 0 }))
    const { capacity = Number.POSITIVE_INFINITY, capacityBytes = Number.POSITIVE_INFINITY } = this.#options
    return tierStats(this.counts, { size: size.entries, capacity, bytes: size.bytes, capacityBytes })
  }

  async close(): Promise<void> {
    await this.flush()
    try {
      await this.#store.close()
    } catch (error) {
      this.#writes.failed(error)
    }
  }

  async #ask(): Promise<void> {
    const asked = this.#asked
    this.#asked = []
    try {
      await this.flush()
      const found = await this.#store.getMany(asked.map(({ id }) => this.#codec.key(id)))
      this.#reads.succeeded()
      asked.forEach(({ id, resolve }, i) => {
        resolve(this.#decode(id, found[i]))
      })
    } catch (error) {
      this.#reads.failed(error)
      for (const { resolve } of asked) resolve(FAILED)
    }
  }

  #decode(id: string, bytes: Uint8Array | undefined): Load<Found<V>> {
    const decoded = bytes && this.#codec.decode(id, bytes)
    if (decoded === undefined) {
      this.counts.misses++
      return MISS
    }
    this.counts.hits++
    return { kind: 'hit', value: { value: decoded.value, ttlMs: decoded.ttlMs } }
  }

  #warn(what: 'read' | 'write', error: unknown): void {
    if (this.#told) return
    this.#told = true
    const name = this.#options.label ?? this.#store.name
    this.#options.warn(`cannot ${what} the ${name} cache, going on without it: ${messageOf(error)}`, error)
  }
}

/** After FAILURES in a row the medium is left alone for PAUSE_MS; then one call tries again. */
class Breaker {
  static readonly FAILURES = 3
  static readonly PAUSE_MS = 10_000
  #failures = 0
  #until = 0

  constructor(
    private readonly clock: Clock,
    private readonly tell: (error: unknown) => void,
  ) {}

  get open(): boolean {
    return this.#failures >= Breaker.FAILURES && this.clock.monotonic() < this.#until
  }

  succeeded(): void {
    this.#failures = 0
  }

  failed(error: unknown): void {
    this.#failures++
    this.#until = this.clock.monotonic() + Breaker.PAUSE_MS
    this.tell(error)
  }
}
