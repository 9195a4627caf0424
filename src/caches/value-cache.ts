// What the query, diff and block caches do alike: values in and out as copies, over one tiered cache. Knows no domain.
import type { Counts } from '../cache/metrics.js'
import type { CacheStats, TieredCache } from '../cache/tiered-cache.js'
import type { Call, Source } from '../ports.js'
import { signalOf } from '../realms.js'
import { type Held, hold, release } from './values.js'

/** A value and where it came from. The value is the caller's own copy. */
export interface Result<T> {
  readonly value: T
  readonly source: Source
}

/** Computes a value; the signal fires when nobody waits any more. */
export type Compute<T> = (signal: AbortSignal) => T | Promise<T>

export abstract class ValueCache {
  protected constructor(protected readonly cache: TieredCache<Held>) {}

  protected async lookUp<T>(id: string): Promise<Result<T> | undefined> {
    const answer = await this.cache.get(id)
    return answer && { value: release<T>(answer.value), source: answer.source }
  }

  protected async lookUpOrCompute<T>(id: string, compute: Compute<T>, call: Call): Promise<Result<T>> {
    const signal = signalOf(call)
    const answer = await this.cache.getOrLoad(id, async (_id, ended) => hold(await compute(ended)), { signal })
    return { value: release<T>(answer.value), source: answer.source }
  }

  clear(): Promise<void> {
    return this.cache.clear()
  }

  /** Look-ups and evictions of this process. */
  counts(): Counts {
    return this.cache.counts()
  }

  stats(): Promise<CacheStats> {
    return this.cache.stats()
  }

  close(): Promise<void> {
    return this.cache.close()
  }
}
