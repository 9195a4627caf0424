// What patterns did since the page forgot everything: the library counts for as long as its caches are open. Pure.
import type { Stats } from '../src/public.js'

type Counts = NonNullable<Stats['embeddings']['patterns']>
export type PatternCounts = Pick<Counts, 'patterns' | 'hits' | 'refusals' | 'checks' | 'worstError' | 'refusal'>

export function countsSince(now: Counts, before: Counts | undefined): PatternCounts {
  if (before === undefined) return now
  return {
    patterns: now.patterns - before.patterns,
    hits: now.hits - before.hits,
    refusals: now.refusals - before.refusals,
    checks: now.checks - before.checks,
    // A largest value has no difference: before the next check none was seen.
    worstError: now.checks > before.checks ? now.worstError : 0,
    ...(now.refusals > before.refusals && now.refusal && { refusal: now.refusal }),
  }
}
