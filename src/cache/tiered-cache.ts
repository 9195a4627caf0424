// THE read path: memory -> disk -> shared -> load, and back-fill on the way back. Knows no domain and no runtime.
import { OpDbusError, throwIfAborted } from '../errors.js'
import type { CallOptions, Clock, Load, Source } from '../ports.js'
import { type Answer, type BatchCall, type BatchSink, type Ids, runBatch } from './batch.js'
import { CacheEvents, type LookUpLog } from './cache-events.js'
import { type Flight, InFlight } from './in-flight.js'
import type { MemoryTier } from './memory-tier.js'
import { type Counts, rate, type StoreTierStats, type TierStats } from './metrics.js'
import type { Found, StoreTier } from './store-tier.js'

/** Computes what no tier has. `signal` fires when nobody waits any more. */
export type Loader<V> = (id: string, signal: AbortSignal) => Promise<V>

export interface TieredCacheOptions<V extends object> {
  readonly memory: MemoryTier<V>
  /** Below memory, nearest first. */
  readonly tiers: readonly StoreTier<V>[]
  readonly clock: Clock
  readonly events?: CacheEvents<V>
}

export interface ClearOptions {
  /** Empties also what other machines share. Default false: that is left alone. */
  readonly shared?: boolean | undefined
}

export interface CacheStats {
  readonly memory: TierStats
  readonly disk?: StoreTierStats
  readonly shared?: StoreTierStats
  /** Look-ups that some tier answered. */
  readonly hits: number
  /** Look-ups that were computed, or that waited for somebody else's computation. */
  readonly misses: number
  /** hits / (hits + misses); 0 before the first look-up. */
  readonly hitRate: number
}

/** How long look-ups that memory answers may overlook that another process cleared the disk, in ms. */
const CLEAR_CHECK_MS = 5

export class TieredCache<V extends object> {
  readonly #memory: MemoryTier<V>
  readonly #tiers: readonly StoreTier<V>[]
  readonly #clock: Clock
  readonly #events: CacheEvents<V>
  readonly #inFlight = new InFlight<Answer<V>>()
  /** Grows with every set, delete and clear: a plain read that saw another number must not back-fill. */
  #generation = 0
  #nextClearCheck = 0
  #closed = false

  constructor(options: TieredCacheOptions<V>) {
    this.#memory = options.memory
    this.#tiers = options.tiers
    this.#clock = options.clock
    this.#events = options.events ?? CacheEvents.silent()
    for (const tier of this.#tiers) tier.onClearedElsewhere(() => this.#clearedElsewhere())
  }

  /**
   * Memory alone, synchronously. A miss is not counted: who misses here asks again with `get` or `getOrLoad`. Asks no medium
   * whether it was cleared elsewhere: one that does not tell that by itself is asked by the next other look-up.
   */
  peek(id: string): V | undefined {
    return this.#events.lookupHeard ? this.#heardPeek(id) : this.#memory.get(id)
  }

  /** What a tier has, or undefined. Never computes. */
  async get(id: string): Promise<Answer<V> | undefined> {
    const value = this.#fromMemory(id)
    if (value !== undefined) return { value, source: 'memory' }
    const generation = this.#generation
    const way = this.#descend(id)
    for (const tier of this.#tiers) {
      const load = tier.synchronous ? tier.getSync(id) : await tier.get(id)
      const answer = this.#visited(way, tier, load, generation === this.#generation)
      if (answer !== undefined) return answer
    }
    way.log?.ended('absent')
    return undefined
  }

  /** What a tier has, else what `load` computes, once however many ask. Errors are not cached. */
  async getOrLoad(id: string, load: Loader<V>, call: CallOptions = {}): Promise<Answer<V>> {
    throwIfAborted(call.signal)
    return this.lookUp(id, load, call.signal)
  }

  /** As getOrLoad, but at once from memory and from the tiers that can: no promise where none is needed. */
  lookUp(id: string, load: Loader<V>, signal?: AbortSignal): Answer<V> | Promise<Answer<V>> {
    const value = this.#fromMemory(id)
    if (value !== undefined) return { value, source: 'memory' }
    const joined = this.#inFlight.join(id, signal)
    if (joined !== undefined) return this.#events.lookupHeard ? this.#heardJoining(id, joined) : joined
    const way = this.#descend(id)
    let next = 0
    for (; next < this.#tiers.length && this.#tiers[next]!.synchronous; next++) {
      const tier = this.#tiers[next]!
      const answer = this.#visited(way, tier, tier.getSync(id), true)
      if (answer !== undefined) return answer
    }
    const rest = this.#tiers.slice(next)
    return this.#inFlight.start(id, flight => this.#readOrLoad(way, rest, load, flight), signal)
  }

  /** Whether some tier has it. Counts nothing and moves nothing. */
  async has(id: string): Promise<boolean> {
    this.#enter()
    if (this.#memory.has(id)) return true
    for (const tier of this.#tiers) if (await tier.has(id)) return true
    return false
  }

  /** Many at once; equal ids are computed once. What finished stays cached, also when the call is aborted half-way. */
  getOrLoadMany(ids: Ids, load: Loader<V>, sink: BatchSink<V>, call: BatchCall = {}): Promise<void> {
    const lookUp = (id: string) => this.lookUp(id, load, call.signal)
    return runBatch(ids, sink, { lookUp, touch: id => this.#memory.touch(id), clock: this.#clock }, call)
  }

  /** Puts a value into every tier. A computation under way for `id` will not overwrite it. */
  set(id: string, value: V): void {
    this.#enter()
    this.#generation++
    this.#inFlight.detach(id)
    this.#memory.set(id, value)
    for (const tier of this.#tiers) tier.set(id, value)
  }

  /**
   * True when some tier had it. A computation or read under way answers its waiters, and is not stored. Rejects with what the
   * first tier said that could not be reached; the others are done all the same.
   */
  async delete(id: string): Promise<boolean> {
    this.#enter()
    let had = this.#forget(id)
    await this.#fromTheFarthest(this.#tiers, async tier => {
      had = (await tier.delete([id])) > 0 || had
      // Whoever asked meanwhile may have carried the old value to a nearer tier: that is emptied next.
      this.#forget(id)
    })
    return had
  }

  /**
   * Empties every tier, a shared one only if `shared` says so. Rejects with what the first tier said that could not be emptied;
   * the others are.
   */
  async clear({ shared = false }: ClearOptions = {}): Promise<void> {
    this.#enter()
    this.clearMemory()
    const tiers = this.#tiers.filter(tier => shared || !tier.policy.clearedByName)
    await this.#fromTheFarthest(tiers, async tier => {
      await tier.clear()
      this.clearMemory()
    })
    this.#events.cleared(false)
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

  async #readOrLoad(way: Way<V>, tiers: readonly StoreTier<V>[], load: Loader<V>, flight: Flight): Promise<Answer<V>> {
    const { id, missed, log } = way
    try {
      for (const tier of tiers) {
        const answer = this.#visited(way, tier, await tier.get(id), !flight.stale)
        if (answer !== undefined) return answer
      }
      const tickets: unknown[] = []
      for (const tier of missed) tickets.push(tier.hasTickets ? await tier.ticket(id) : undefined)
      const asked = this.#events.computedHeard ? this.#clock.monotonic() : undefined
      const value = await load(id, flight.signal)
      if (asked !== undefined) {
        this.#events.computed(id, value, this.#memory.bytesOf(id, value), this.#clock.monotonic() - asked)
      }
      if (!flight.stale) {
        this.#memory.set(id, value)
        missed.forEach((tier, i) => {
          tier.set(id, value, tickets[i])
        })
      }
      log?.ended('computed', this.#held(id, value, 'computed'))
      return { value, source: 'computed' }
    } catch (error) {
      log?.ended('failed')
      throw error
    }
  }

  #descend(id: string): Way<V> {
    const log = this.#events.lookupHeard ? this.#events.begin(id, this.#clock) : undefined
    return { id, missed: [], log }
  }

  /** What a tier said: if it had it, the answer, and the nearer ones that looked and missed get it too. */
  #visited(way: Way<V>, tier: StoreTier<V>, load: Load<Found<V>>, fill: boolean): Answer<V> | undefined {
    const { id, missed, log } = way
    log?.visited(tier.source, load)
    if (load.kind === 'miss') missed.push(tier)
    if (load.kind !== 'hit') return undefined
    const { value, ttlMs } = load.value
    if (fill) {
      this.#memory.set(id, value, ttlMs)
      for (const nearer of missed) nearer.set(id, value)
    }
    log?.ended('hit', this.#held(id, value, tier.source))
    return { value, source: tier.source }
  }

  #fromMemory(id: string): V | undefined {
    this.#enter()
    const now = this.#clock.monotonic()
    if (now >= this.#nextClearCheck) {
      this.#nextClearCheck = now + CLEAR_CHECK_MS
      for (const tier of this.#tiers) if (tier.clearedElsewhere()) this.#clearedElsewhere()
    }
    const value = this.peek(id)
    if (value === undefined) this.#memory.counts.misses++
    return value
  }

  #clearedElsewhere(): void {
    this.clearMemory()
    this.#events.cleared(true)
  }

  /** The farthest first: what a farther tier still has could be carried back into a nearer one that was done before. */
  async #fromTheFarthest(tiers: readonly StoreTier<V>[], work: (tier: StoreTier<V>) => Promise<void>): Promise<void> {
    const failed: unknown[] = []
    for (const tier of [...tiers].reverse()) await work(tier).catch((error: unknown) => failed.push(error))
    if (failed.length > 0) throw failed[0]
  }

  #held(id: string, value: V, source: Source = 'memory'): { source: Source; bytes: number } {
    return { source, bytes: this.#memory.bytesOf(id, value) }
  }

  #heardPeek(id: string): V | undefined {
    const log = this.#events.begin(id, this.#clock)
    const value = this.#memory.get(id)
    if (value !== undefined) log.ended('hit', this.#held(id, value))
    return value
  }

  async #heardJoining(id: string, joined: Promise<Answer<V>>): Promise<Answer<V>> {
    const log = this.#events.begin(id, this.#clock)
    try {
      const answer = await joined
      log.ended('joined', this.#held(id, answer.value, answer.source))
      return answer
    } catch (error) {
      log.ended('failed')
      throw error
    }
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

/** A look-up on its way down: the tiers that looked and did not have it, and what is told of it where somebody listens. */
interface Way<V> {
  readonly id: string
  readonly missed: StoreTier<V>[]
  readonly log: LookUpLog | undefined
}
