// THE read path: memory -> disk -> shared -> load, and back-fill on the way back. Knows no domain and no runtime.
import { abortError, OpDbusError } from '../errors.js'
import type { Call, Clock, Source } from '../ports.js'
import { type Flight, InFlight } from './in-flight.js'
import type { MemoryTier } from './memory-tier.js'
import { type Counts, rate, type TierStats } from './metrics.js'
import type { Found, StoreTier } from './store-tier.js'
import { turn } from './turn.js'

/** A value and the tier that had it. The value is the shared one: copy it before handing it to a stranger. */
export interface Answer<V> {
  readonly value: V
  readonly source: Source
}

/** Computes what no tier has. `signal` fires when nobody waits any more. */
export type Loader<V> = (id: string, signal: AbortSignal) => Promise<V>

export interface TieredCacheOptions<V extends object> {
  readonly memory: MemoryTier<V>
  /** Below memory, nearest first. */
  readonly tiers: readonly StoreTier<V>[]
  readonly clock: Clock
}

/** The ids of a batch, in order: an array, or something that makes each when it is asked for. May be asked twice. */
export interface Ids {
  readonly length: number
  at(index: number): string | undefined
}

/** Where a batch's results go: each index is told once, as soon as it is known, in any order. */
export interface BatchSink<V> {
  answer(index: number, answer: Answer<V>): void
  /** `index` asked for the same as `first`, which had to be computed and was told before. */
  same(index: number, first: number): void
  failed(index: number, error: unknown): void
}

export interface BatchCall extends Call {
  /** How many loads of this call may be under way at once. Default 1,024. */
  readonly concurrency?: number
}

export interface CacheStats {
  readonly memory: TierStats
  readonly disk?: TierStats
  readonly shared?: TierStats
  /** Look-ups that some tier answered. */
  readonly hits: number
  /** Look-ups that were computed, or that waited for somebody else's computation. */
  readonly misses: number
  /** hits / (hits + misses); 0 before the first look-up. */
  readonly hitRate: number
}

/** A long batch gives the event loop a turn at least this often, in ms. */
const TURN_MS = 5
/** How long look-ups that memory answers may overlook that another process cleared the disk, in ms. */
const CLEAR_CHECK_MS = 5
const DEFAULT_CONCURRENCY = 1024

export class TieredCache<V extends object> {
  readonly #memory: MemoryTier<V>
  readonly #tiers: readonly StoreTier<V>[]
  readonly #clock: Clock
  readonly #inFlight = new InFlight<Answer<V>>()
  /** Grows with every set, delete and clear: a plain read that saw another number must not back-fill. */
  #generation = 0
  #nextClearCheck = 0
  #closed = false

  constructor(options: TieredCacheOptions<V>) {
    this.#memory = options.memory
    this.#tiers = options.tiers
    this.#clock = options.clock
    for (const tier of this.#tiers) tier.onClearedElsewhere(() => this.clearMemory())
  }

  /**
   * Memory alone, synchronously. A miss is not counted: who misses here asks again with `get` or `getOrLoad`. Asks no medium
   * whether it was cleared elsewhere: one that does not tell that by itself is asked by the next other look-up.
   */
  peek(id: string): V | undefined {
    return this.#memory.get(id)
  }

  /** What a tier has, or undefined. Never computes. */
  async get(id: string): Promise<Answer<V> | undefined> {
    const value = this.#fromMemory(id)
    if (value !== undefined) return { value, source: 'memory' }
    const generation = this.#generation
    const missed: StoreTier<V>[] = []
    for (const tier of this.#tiers) {
      const load = tier.synchronous ? tier.getSync(id) : await tier.get(id)
      if (load.kind === 'miss') missed.push(tier)
      if (load.kind === 'hit') return this.#found(id, load.value, tier, missed, generation === this.#generation)
    }
    return undefined
  }

  /** What a tier has, else what `load` computes, once however many ask. Errors are not cached. */
  async getOrLoad(id: string, load: Loader<V>, call: Call = {}): Promise<Answer<V>> {
    throwIfAborted(call.signal)
    return this.lookUp(id, load, call.signal)
  }

  /** As getOrLoad, but at once from memory and from the tiers that can: no promise where none is needed. */
  lookUp(id: string, load: Loader<V>, signal?: AbortSignal): Answer<V> | Promise<Answer<V>> {
    const value = this.#fromMemory(id)
    if (value !== undefined) return { value, source: 'memory' }
    const joined = this.#inFlight.join(id, signal)
    if (joined !== undefined) return joined
    const missed: StoreTier<V>[] = []
    let next = 0
    for (; next < this.#tiers.length && this.#tiers[next]!.synchronous; next++) {
      const tier = this.#tiers[next]!
      const found = tier.getSync(id)
      if (found.kind === 'miss') missed.push(tier)
      if (found.kind === 'hit') return this.#found(id, found.value, tier, missed, true)
    }
    const rest = this.#tiers.slice(next)
    return this.#inFlight.start(id, flight => this.#readOrLoad(id, rest, missed, load, flight), signal)
  }

  /** Whether some tier has it. Counts nothing and moves nothing. */
  async has(id: string): Promise<boolean> {
    this.#enter()
    if (this.#memory.has(id)) return true
    for (const tier of this.#tiers) if (await tier.has(id)) return true
    return false
  }

  /** Many at once; equal ids are computed once. What finished stays cached, also when the call is aborted half-way. */
  async getOrLoadMany(ids: Ids, load: Loader<V>, sink: BatchSink<V>, call: BatchCall = {}): Promise<void> {
    const { signal, concurrency = DEFAULT_CONCURRENCY } = call
    const computed = new Map<string, Twins>()
    // Rows finish in any order, but are used in theirs: the first text of a batch is the first to be evicted.
    const settled = new Uint8Array(ids.length)
    let front = 0
    let underWay = 0
    let wake = () => {}
    const settle = async (twins: Twins, answer: Promise<Answer<V>>) => {
      underWay++
      const outcome = await answer.then(
        found => ({ found }),
        (error: unknown) => ({ error }),
      )
      if ('found' in outcome) {
        twins.state = 'answered'
        sink.answer(twins.first, outcome.found)
      } else {
        twins.error = outcome.error
        twins.state = 'failed'
        sink.failed(twins.first, outcome.error)
      }
      for (const index of twins.others) tellTwin(sink, index, twins)
      settled[twins.first] = 1
      for (; front < ids.length && settled[front] === 1; front++) this.#memory.touch(ids.at(front)!)
      underWay--
      wake()
    }

    let turnAt = this.#clock.monotonic() + TURN_MS
    for (let index = 0; index < ids.length; index++) {
      throwIfAborted(signal)
      const id = ids.at(index)!
      const twins = computed.get(id)
      if (twins !== undefined) {
        if (twins.state === 'waiting') twins.others.push(index)
        else tellTwin(sink, index, twins)
        settled[index] = 1
      } else {
        const answer = this.lookUp(id, load, signal)
        if (answer instanceof Promise) {
          const first: Twins = { first: index, others: [], state: 'waiting', error: undefined }
          computed.set(id, first)
          void settle(first, answer)
        } else {
          sink.answer(index, answer)
          if (front === index) front++
          else settled[index] = 1
        }
      }
      while (underWay >= concurrency) {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
      if (this.#clock.monotonic() >= turnAt) {
        await turn()
        turnAt = this.#clock.monotonic() + TURN_MS
      }
    }
    while (underWay > 0) {
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
    throwIfAborted(signal)
  }

  /** Puts a value into every tier. A computation under way for `id` will not overwrite it. */
  set(id: string, value: V): void {
    this.#enter()
    this.#generation++
    this.#inFlight.detach(id)
    this.#memory.set(id, value)
    for (const tier of this.#tiers) tier.set(id, value)
  }

  /** True when some tier had it. A computation or read under way answers its waiters, and is not stored. */
  async delete(id: string): Promise<boolean> {
    this.#enter()
    let had = this.#forget(id)
    for (const tier of this.#tiers) had = (await tier.delete([id])) > 0 || had
    // Whoever asked while the tiers were busy may have brought the old value back.
    this.#forget(id)
    return had
  }

  /** Empties every tier. */
  async clear(): Promise<void> {
    this.#enter()
    this.clearMemory()
    for (const tier of this.#tiers) await tier.clear()
    this.clearMemory()
  }

  /** Empties memory, and lets nothing under way be stored. */
  clearMemory(): void {
    this.#generation++
    this.#inFlight.detachAll()
    this.#memory.clear()
  }

  /** What memory holds, most recently used first. Counts nothing and moves nothing. */
  entries(): Iterable<[string, V]> {
    return this.#memory.entries()
  }

  /** Other bounds for memory; see {@link MemoryTier.resize}. */
  resizeMemory(capacity: number, capacityBytes: number): void {
    this.#memory.resize(capacity, capacityBytes)
  }

  /** What happened so far, over all tiers: a hit is a look-up that any tier answered. */
  counts(): Counts {
    const { hits, misses, evictions } = this.#memory.counts
    const below = this.#tiers.reduce((sum, tier) => sum + tier.counts.hits, 0)
    return { hits: hits + below, misses: misses - below, evictions }
  }

  async stats(): Promise<CacheStats> {
    this.#enter()
    const below = await Promise.all(this.#tiers.map(async tier => [tier.source, await tier.stats()] as const))
    const { hits, misses } = this.counts()
    return {
      memory: this.#memory.stats(),
      ...Object.fromEntries(below),
      hits,
      misses,
      hitRate: rate(hits, hits + misses),
    }
  }

  /** Ends what is under way with CLOSED, writes what is pending, and lets go of the media. */
  async close(): Promise<void> {
    this.#closed = true
    this.#inFlight.abortAll(new OpDbusError('CLOSED', 'the cache was closed'))
    this.clearMemory()
    for (const tier of this.#tiers) await tier.close()
  }

  async #readOrLoad(
    id: string,
    tiers: readonly StoreTier<V>[],
    missed: StoreTier<V>[],
    load: Loader<V>,
    flight: Flight,
  ): Promise<Answer<V>> {
    for (const tier of tiers) {
      const found = await tier.get(id)
      if (found.kind === 'miss') missed.push(tier)
      if (found.kind === 'hit') return this.#found(id, found.value, tier, missed, !flight.stale)
    }
    const tickets: unknown[] = []
    for (const tier of missed) tickets.push(tier.hasTickets ? await tier.ticket(id) : undefined)
    const value = await load(id, flight.signal)
    if (!flight.stale) {
      this.#memory.set(id, value)
      missed.forEach((tier, i) => {
        tier.set(id, value, tickets[i])
      })
    }
    return { value, source: 'computed' }
  }

  /** A tier had it: the nearer ones that looked and missed get it too. */
  #found(id: string, found: Found<V>, tier: StoreTier<V>, missed: readonly StoreTier<V>[], fill: boolean): Answer<V> {
    if (fill) {
      this.#memory.set(id, found.value, found.ttlMs)
      for (const nearer of missed) nearer.set(id, found.value)
    }
    return { value: found.value, source: tier.source }
  }

  #fromMemory(id: string): V | undefined {
    this.#enter()
    const now = this.#clock.monotonic()
    if (now >= this.#nextClearCheck) {
      this.#nextClearCheck = now + CLEAR_CHECK_MS
      for (const tier of this.#tiers) if (tier.clearedElsewhere()) this.clearMemory()
    }
    const value = this.#memory.get(id)
    if (value === undefined) this.#memory.counts.misses++
    return value
  }

  #enter(): void {
    if (this.#closed) throw new OpDbusError('CLOSED', 'the cache is closed')
  }

  #forget(id: string): boolean {
    this.#generation++
    this.#inFlight.detach(id)
    return this.#memory.delete(id)
  }
}

/** The first index that had to compute an id, and those that asked for the same. */
interface Twins {
  readonly first: number
  readonly others: number[]
  state: 'waiting' | 'answered' | 'failed'
  error: unknown
}

function tellTwin<V>(sink: BatchSink<V>, index: number, twins: Twins): void {
  if (twins.state === 'answered') sink.same(index, twins.first)
  else sink.failed(index, twins.error)
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal)
}
