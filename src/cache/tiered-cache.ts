// The four tiers as one cache: what is looked up goes down the read path, what is set, deleted and cleared goes through all tiers.
// Knows no domain and no runtime.
import { OpDbusError, throwIfAborted } from '../errors.js'
import type { CallOptions, Source } from '../ports.js'
import { type BatchCall, type BatchSink, type Ids, runBatch } from './batch.js'
import { CacheEvents, type LookUpTold } from './cache-events.js'
import type { NewPolicy } from './eviction.js'
import type { Loader } from './loader.js'
import type { Answer } from './look-up.js'
import type { MemoryInfo, MemoryTap, TunableMemory } from './memory-tap.js'
import type { MemoryTier } from './memory-tier.js'
import { type Counts, rate, type StoreTierStats, type TierStats } from './metrics.js'
import { ReadPath } from './read-path.js'
import type { ReadPathOptions } from './read-path-options.js'
import type { Work } from './savings.js'
import type { StoreTier } from './store-tier.js'

export type TieredCacheOptions<V extends object> = ReadPathOptions<V>

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

/** A value that is held somewhere. The value is the shared one. */
export interface PeekedLife<V> {
  readonly value: V
  readonly source: Source
  /** ms that it is still good; negative: late by so much. Undefined: for ever. */
  readonly leftMs: number | undefined
}

export class TieredCache<V extends object> implements TunableMemory {
  readonly #memory: MemoryTier<V>
  readonly #tiers: readonly StoreTier<V>[]
  readonly #events: CacheEvents<V>
  readonly #path: ReadPath<V>
  readonly #ahead = { foreseen: 0, spentMicros: 0 }

  constructor(options: TieredCacheOptions<V>) {
    this.#memory = options.memory
    this.#tiers = options.tiers
    this.#events = options.events ?? CacheEvents.silent()
    this.#path = new ReadPath(options)
  }

  /**
   * Memory alone, synchronously. A miss is not counted: who misses here asks again with `get` or `getOrLoad`. Asks no medium
   * whether it was cleared elsewhere: one that does not tell that by itself is asked by the next other look-up.
   */
  peek(id: string): V | undefined {
    return this.#path.peek(id)
  }

  /** The same as a look-up of its own: where another process cleared a medium, nothing that was copied out of it is answered. */
  atOnce(id: string): V | undefined {
    this.#path.begin()
    return this.#path.peek(id)
  }

  /** What a tier has, or undefined. Never computes. */
  get(id: string, told?: LookUpTold): Promise<Answer<V> | undefined> {
    return this.#path.find(id, told)
  }

  /** What a tier has, else what `load` computes, once however many ask. Errors are not cached. */
  async getOrLoad(id: string, load: Loader<V>, { signal }: CallOptions = {}): Promise<Answer<V>> {
    throwIfAborted(signal)
    return this.#path.lookUp(id, load, signal)
  }

  /** As getOrLoad, but at once from memory and from the tiers that can: no promise where none is needed. */
  lookUp(id: string, load: Loader<V>, signal?: AbortSignal, told?: LookUpTold): Answer<V> | Promise<Answer<V>> {
    return this.#path.lookUp(id, load, signal, told)
  }

  /** What `load` computes now, whatever is held; what was under way before is answered, and not stored. */
  lookUpAnew(id: string, load: Loader<V>, signal?: AbortSignal): Answer<V> | Promise<Answer<V>> {
    return this.#path.lookUpAnew(id, load, signal)
  }

  /** What some tier holds, and how long it is still good there. Counts nothing and moves nothing. */
  async peekLife(id: string): Promise<PeekedLife<V> | undefined> {
    this.#path.enter()
    const held = this.#memory.lifeOf(id)
    if (held) return { ...held, source: 'memory' }
    for (const tier of this.#tiers) {
      const found = await tier.peek(id)
      if (found) return { value: found.value, leftMs: found.ttlMs, source: tier.source }
    }
    return undefined
  }

  /**
   * Computes what is held anew, for whoever asks next. Undefined where it is being computed already. When `signal` fires it goes on only
   * if somebody waits for it by then.
   */
  renew(id: string, load: Loader<V>, signal?: AbortSignal): Promise<Answer<V>> | undefined {
    this.#path.enter()
    return this.#path.renew(id, load, signal)
  }

  /** Look-ups that others could join. */
  get underWay(): number {
    return this.#path.inFlight.size
  }

  /** Whether memory has it. Counts nothing and moves nothing. */
  inMemory(id: string): boolean {
    return this.#memory.has(id)
  }

  /** ms that what memory holds is still good, and not late; undefined where it holds nothing such, or for ever. */
  leftMs(id: string): number | undefined {
    const { leftMs = 0 } = this.#memory.lifeOf(id) ?? {}
    return leftMs > 0 ? leftMs : undefined
  }

  /** Whether what memory holds is past its time; see `staleMs` of {@link MemoryTierOptions}. */
  late(id: string): boolean {
    return this.#memory.late(id)
  }

  /** Memory has not got `id` any more, and what is under way for it will not be stored. True when memory had it. */
  forget(id: string): boolean {
    return this.#path.forget(id)
  }

  /** The same, but who asks meanwhile may still join what is under way. */
  keepNothing(id: string): void {
    this.#path.keepNothing(id)
  }

  /** Many at once; equal ids are computed once. What finished stays cached, also when the call is aborted half-way. */
  getOrLoadMany(ids: Ids, load: Loader<V>, sink: BatchSink<V>, call: BatchCall = {}): Promise<void> {
    return runBatch(this.#path, ids, load, sink, call)
  }

  /** Whether some tier has it. Counts nothing and moves nothing. */
  async has(id: string): Promise<boolean> {
    this.#path.enter()
    if (this.#memory.has(id)) return true
    for (const tier of this.#tiers) if (await tier.has(id)) return true
    return false
  }

  /** Puts a value into every tier. A computation under way for `id` will not overwrite it. */
  set(id: string, value: V): void {
    this.#path.enter()
    this.#path.forget(id)
    this.#memory.set(id, value)
    for (const tier of this.#tiers) tier.set(id, value)
  }

  /**
   * True when some tier had it. A computation or read under way answers its waiters, and is not stored. Rejects with what the
   * first tier said that could not be reached; the others are done all the same.
   */
  async delete(id: string): Promise<boolean> {
    this.#path.enter()
    let had = this.#path.forget(id)
    await this.#fromTheFarthest(this.#tiers, async tier => {
      had = (await tier.delete([id])) > 0 || had
      // Whoever asked meanwhile may have carried the old value to a nearer tier: that is emptied next.
      this.#path.forget(id)
    })
    return had
  }

  /**
   * Empties every tier, a shared one only if `shared` says so. Rejects with what the first tier said that could not be emptied;
   * the others are.
   */
  async clear({ shared = false }: ClearOptions = {}): Promise<void> {
    this.#path.enter()
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
    this.#path.forgetAll()
  }

  /** What memory holds, most recently used first. Counts nothing and moves nothing. */
  entries(): Iterable<[string, V]> {
    return this.#memory.entries()
  }

  /** The nearest tier, for what loads it ahead or measures it. */
  get memory(): MemoryTier<V> {
    return this.#memory
  }

  /** Looks whether another process cleared a tier, and empties memory then: at once, where a look-up looks now and then. */
  lookForClears(): void {
    this.#path.begin(true)
  }

  /** How many entries memory holds, those among them that are past their time and not gone yet. */
  get held(): number {
    return this.#memory.size
  }

  /** The first `most` of them, for who copies at once: a value is good within its call of `visit` alone. */
  eachEntry(most: number, visit: (id: string, value: V) => void): void {
    this.#memory.each(most, visit)
  }

  memoryInfo(): MemoryInfo {
    return this.#memory.info()
  }

  resizeMemory(capacity: number, capacityBytes: number): void {
    this.#memory.resize(capacity, capacityBytes)
  }

  setPolicy(policy: NewPolicy): void {
    this.#memory.setPolicy(policy)
  }

  tap(tap: MemoryTap): () => void {
    return this.#memory.tap(tap)
  }

  /** What happened so far, over all tiers: a hit is a look-up that any tier answered. */
  counts(): Counts {
    const { hits, misses, evictions } = this.#memory.counts
    const below = this.#tiers.reduce((sum, tier) => sum + tier.counts.hits, 0)
    return { hits: hits + below, misses: misses - below, evictions }
  }

  /** One that was fetched ahead came to its end: it was of `use` to who asked, or so many microseconds were spent for nothing. */
  endedAhead(use: boolean, micros: number): void {
    if (use) this.#ahead.foreseen++
    else this.#ahead.spentMicros += micros
  }

  /** What was measured so far, of which it can be said what all of it saved. */
  work(): Work {
    const { rows, micros } = this.#path.computing
    const disk = this.#tiers.find(({ source }) => source === 'disk')?.times
    return {
      memoryHits: this.#memory.counts.hits,
      computed: rows,
      computeMicros: Math.round(micros),
      reads: disk?.reads ?? 0,
      readMicros: Math.round(disk?.readMicros ?? 0),
      spentMicros: Math.round(this.#tiers.reduce((sum, { times }) => sum + times.spentMicros, this.#ahead.spentMicros)),
      foreseen: this.#ahead.foreseen,
    }
  }

  async stats(): Promise<CacheStats> {
    this.#path.enter()
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
    this.#path.close(new OpDbusError('CLOSED', 'the cache was closed'))
    for (const tier of this.#tiers) await tier.close()
  }

  /** The farthest first: what a farther tier still has could be carried back into a nearer one that was done before. */
  async #fromTheFarthest(tiers: readonly StoreTier<V>[], work: (tier: StoreTier<V>) => Promise<void>): Promise<void> {
    const failed: unknown[] = []
    for (const tier of [...tiers].reverse()) await work(tier).catch((error: unknown) => failed.push(error))
    if (failed.length > 0) throw failed[0]
  }
}
