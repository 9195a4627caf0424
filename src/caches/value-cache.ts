// What the query, diff and block caches do alike: values in and out as copies, or shared frozen, over one tiered cache. Knows no
// domain.
import { CacheEvents } from '../cache/cache-events.js'
import type { NewPolicy } from '../cache/eviction.js'
import { type Loader, loadEach } from '../cache/loader.js'
import type { Answer } from '../cache/look-up.js'
import type { MemoryInfo, MemoryTap } from '../cache/memory-tap.js'
import type { Counts } from '../cache/metrics.js'
import type { Work } from '../cache/savings.js'
import type { CacheStats, TieredCache } from '../cache/tiered-cache.js'
import type { Diagnostics } from '../diagnostics.js'
import { throwIfAborted } from '../errors.js'
import type { CacheName, CallOptions, Hash, Source } from '../ports.js'
import { signalOf } from '../realms.js'
import { type Held, hold, holdFrozen, release, share } from './values.js'

/** A value and where it came from. The value is the caller's own copy, unless the call asked for the frozen one. */
export interface CachedValue<T> {
  readonly value: T
  readonly source: Source
}

/** Computes a value; the signal fires when nobody waits any more. */
export type ComputeValue<T> = (signal: AbortSignal) => T | Promise<T>

export interface ValueCall extends CallOptions {
  /**
   * Share the value in place of copying it: what `compute` answers is frozen to its leaves and kept as it is, and whoever asks so
   * gets that very object. For JSON values; others reject with UNCACHEABLE. Default false.
   */
  readonly frozen?: boolean | undefined
}

/** What one of these caches tells. An entry is named by the hash of its id. */
export function valueEvents(
  cache: CacheName,
  hash: Hash,
  diagnostics: Diagnostics | undefined,
): CacheEvents<Held> | undefined {
  return diagnostics && new CacheEvents<Held>({ diagnostics, cache, hashOf: id => hash.sha256(id) })
}

/** Asked by `K`: a plugin's name, two states, the number of a block. */
export abstract class ValueCache<K> {
  protected readonly cache: TieredCache<Held>

  protected constructor(cache: TieredCache<Held>) {
    this.cache = cache
  }

  /** The key as one string, the same for equal keys and no others. Throws INVALID_INPUT for what is no key. */
  protected abstract idOf(key: K): string

  /**
   * The value in memory, frozen to its leaves: every later caller sees the same object. Synchronous, and the fastest look-up there
   * is. Undefined where memory has none, which is not counted as a miss, or one that is no JSON value.
   * @throws OpDbusError INVALID_INPUT
   */
  view<T = unknown>(key: K): T | undefined {
    const held = this.peek(this.idOf(key))
    return held?.json ? share<T>(held) : undefined
  }

  /** What some tier has, else undefined. Never computes. @throws OpDbusError INVALID_INPUT, and UNCACHEABLE where `frozen` */
  async get<T = unknown>(key: K, call: Pick<ValueCall, 'frozen'> = {}): Promise<CachedValue<T> | undefined> {
    const id = this.idOf(key)
    this.enter(id)
    const answer = await this.cache.get(id)
    return answer && handOut(answer, call)
  }

  /**
   * What some tier has, else what `compute` answers, asked once however many wait. Its signal fires when nobody waits any
   * more. What it throws passes as it is, and is not cached.
   * @throws OpDbusError INVALID_INPUT, UNCACHEABLE, ABORTED
   */
  async getOrCompute<T>(key: K, compute: ComputeValue<T>, call: ValueCall = {}): Promise<CachedValue<T>> {
    const id = this.idOf(key)
    throwIfAborted(signalOf(call))
    this.enter(id)
    const load = this.loader(compute, call)
    const answer = this.ask(id, load, call)
    return handOut(answer instanceof Promise ? await answer : answer, call)
  }

  /** Whether `get` would answer. Not counted as a look-up. @throws OpDbusError INVALID_INPUT */
  async has(key: K): Promise<boolean> {
    const id = this.idOf(key)
    this.enter(id)
    return this.cache.has(id)
  }

  /**
   * No tier serves it any more, and nothing that is being computed for it will be stored; true when some tier had it.
   * @throws OpDbusError INVALID_INPUT, STORE where the disk still has it
   */
  async delete(key: K): Promise<boolean> {
    return this.cache.delete(this.idOf(key))
  }

  /** Empties memory, and the disk where there is one. */
  clear(): Promise<void> {
    return this.cache.clear()
  }

  /** As `TunableMemory` has it, which its declaration cannot say: these are not in it. So are the next three. @internal */
  memoryInfo(): MemoryInfo {
    return this.cache.memoryInfo()
  }

  /** @internal */
  resizeMemory(capacity: number, capacityBytes: number): void {
    this.cache.resizeMemory(capacity, capacityBytes)
  }

  /** @internal */
  setPolicy(policy: NewPolicy): void {
    this.cache.setPolicy(policy)
  }

  /** @internal */
  tap(tap: MemoryTap): () => void {
    return this.cache.tap(tap)
  }

  /** Look-ups and evictions of this process. @internal */
  counts(): Counts {
    return this.cache.counts()
  }

  /** What was measured in this process, and by how much it was of use. @internal */
  work(): Work {
    return this.cache.work()
  }

  /** As `endedAhead` of {@link TieredCache}. @internal */
  endedAhead(use: boolean, micros: number): void {
    this.cache.endedAhead(use, micros)
  }

  stats(): Promise<CacheStats> {
    return this.cache.stats()
  }

  /** Writes what is pending. Whoever waits gets CLOSED, and so does whoever asks afterwards. */
  close(): Promise<void> {
    return this.cache.close()
  }

  /** Before each look-up of `id`: what memory holds of it may have to go. */
  protected enter(_id: string): void {}

  /** What memory holds and may be shared. A miss is not counted. */
  protected peek(id: string): Held | undefined {
    return this.cache.peek(id)
  }

  protected ask(id: string, load: Loader<Held>, call: ValueCall): Answer<Held> | Promise<Answer<Held>> {
    return this.cache.lookUp(id, load, signalOf(call))
  }

  protected loader(compute: ComputeValue<unknown>, call: ValueCall): Loader<Held> {
    return loadEach(async (_id, ended) => this.keep(await compute(ended), call))
  }

  /** What was computed, as memory holds it. */
  protected keep(value: unknown, { frozen }: ValueCall): Held {
    return frozen ? holdFrozen(value) : hold(value)
  }

  /** Puts a value into every tier; a computation under way will not overwrite it. */
  protected put(key: K, value: unknown): void {
    this.cache.set(this.idOf(key), hold(value))
  }
}

function handOut<T>({ value, source }: Answer<Held>, { frozen }: Pick<ValueCall, 'frozen'>): CachedValue<T> {
  return { value: frozen ? share<T>(value) : release<T>(value), source }
}
