// What the query, diff and block caches do alike: values in and out as copies, over one tiered cache. Knows no domain.
import { CacheEvents } from '../cache/cache-events.js'
import { loadEach } from '../cache/loader.js'
import type { Counts } from '../cache/metrics.js'
import type { CacheStats, TieredCache } from '../cache/tiered-cache.js'
import type { Diagnostics } from '../diagnostics.js'
import type { CacheName, CallOptions, Hash, Source } from '../ports.js'
import { signalOf } from '../realms.js'
import { type Held, hold, release } from './values.js'

/** A value and where it came from. The value is the caller's own copy. */
export interface CachedValue<T> {
  readonly value: T
  readonly source: Source
}

/** Computes a value; the signal fires when nobody waits any more. */
export type ComputeValue<T> = (signal: AbortSignal) => T | Promise<T>

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
  readonly #cache: TieredCache<Held>

  protected constructor(cache: TieredCache<Held>) {
    this.#cache = cache
  }

  /** The key as one string, the same for equal keys and no others. Throws INVALID_INPUT for what is no key. */
  protected abstract idOf(key: K): string

  /** What some tier has, else undefined. Never computes. @throws OpDbusError INVALID_INPUT */
  async get<T = unknown>(key: K): Promise<CachedValue<T> | undefined> {
    const answer = await this.#cache.get(this.idOf(key))
    return answer && { value: release<T>(answer.value), source: answer.source }
  }

  /**
   * What some tier has, else what `compute` answers, asked once however many wait. Its signal fires when nobody waits any
   * more. What it throws passes as it is, and is not cached.
   * @throws OpDbusError INVALID_INPUT, UNCACHEABLE, ABORTED
   */
  async getOrCompute<T>(key: K, compute: ComputeValue<T>, call: CallOptions = {}): Promise<CachedValue<T>> {
    const id = this.idOf(key)
    const signal = signalOf(call)
    const load = loadEach(async (_id, ended) => hold(await compute(ended)))
    const answer = await this.#cache.getOrLoad(id, load, { signal })
    return { value: release<T>(answer.value), source: answer.source }
  }

  /** Whether `get` would answer. Not counted as a look-up. @throws OpDbusError INVALID_INPUT */
  async has(key: K): Promise<boolean> {
    return this.#cache.has(this.idOf(key))
  }

  /**
   * No tier serves it any more, and nothing that is being computed for it will be stored; true when some tier had it.
   * @throws OpDbusError INVALID_INPUT, STORE where the disk still has it
   */
  async delete(key: K): Promise<boolean> {
    return this.#cache.delete(this.idOf(key))
  }

  /** Empties memory, and the disk where there is one. */
  clear(): Promise<void> {
    return this.#cache.clear()
  }

  /** Look-ups and evictions of this process. @internal */
  counts(): Counts {
    return this.#cache.counts()
  }

  stats(): Promise<CacheStats> {
    return this.#cache.stats()
  }

  /** Writes what is pending. Whoever waits gets CLOSED, and so does whoever asks afterwards. */
  close(): Promise<void> {
    return this.#cache.close()
  }

  /** Puts a value into every tier; a computation under way will not overwrite it. */
  protected put(key: K, value: unknown): void {
    this.#cache.set(this.idOf(key), hold(value))
  }
}
