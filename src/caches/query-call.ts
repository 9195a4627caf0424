// What a look-up of the query cache takes, and what is told of an answer that is held. Types only.
import type { Source } from '../ports.js'
import type { ValueCall } from './value-cache.js'

export interface QueryCall extends ValueCall {
  /**
   * Ask, whatever is cached or under way. The answer is cached like any other, unless something was invalidated or asked so since
   * it began. Default false.
   */
  readonly fresh?: boolean | undefined
  /**
   * How long the answer is good in memory, in ms, where that is longer than the cache's own time: for who is told of changes and
   * calls `invalidate` then. On disk it is good for the cache's own time. Ignored where the cache is off.
   */
  readonly ttlMs?: number | undefined
  /** The same, found out each time that the plugin is asked, and before it is. @internal */
  readonly ttlMsNow?: (() => number | undefined) | undefined
}

/** What is known of an answer that is held. */
export interface CachedAnswer {
  /** Since it was asked for, in ms. */
  readonly ageMs: number
  /** How long it is good from then on, in ms: it is late beyond that. */
  readonly ttlMs: number
  readonly source: Source
  /** What it takes in memory. */
  readonly bytes: number
}
