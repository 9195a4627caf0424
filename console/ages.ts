// How old a cached answer is, and how long it is still good, as the page counts it down. Pure.
import type { QueryInfo } from '../src/server/api.js'

export interface Age {
  readonly ageMs: number
  /** 0 where its time is up: the next question asks the system. */
  readonly leftMs: number
  /** What is left of its time, 0 to 1. */
  readonly share: number
}

/** `since`: ms since the daemon said it. Undefined where nothing is cached. */
export function ageOf({ cached }: Pick<QueryInfo, 'cached'>, since: number): Age | undefined {
  if (cached === undefined) return undefined
  const ageMs = cached.ageMs + Math.max(0, since)
  const leftMs = Math.max(0, cached.ttlMs - ageMs)
  return { ageMs, leftMs, share: cached.ttlMs > 0 ? leftMs / cached.ttlMs : 0 }
}
