// What patterns did since the page forgot everything, also in words: the library counts for as long as its caches are open. Pure.
import { count, plural } from '../src/format.js'
import type { PatternMode, Stats } from '../src/public.js'

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

/** What patterns did, or why they did nothing. */
export function servedText(mode: PatternMode, counts: PatternCounts | undefined, bound: number): string {
  if (mode === 'off') return ''
  if (mode === 'template') {
    if (!counts) return ''
    return `${plural(counts.patterns, 'template', 'templates')} embedded, ${plural(counts.hits, 'text', 'texts')} answered by them.`
  }
  if (!counts || (counts.patterns === 0 && counts.refusals === 0)) {
    return 'None serves yet. It pays for long texts that differ in little: try the example "alerts" with bound 0.40.'
  }
  const { patterns, hits, refusals, checks, worstError, refusal } = counts
  const said = [`${plural(patterns, 'pattern serves', 'patterns serve')}, ${plural(hits, 'hit', 'hits')}`]
  if (checks > 0)
    said.push(`worst error in ${plural(checks, 'check', 'checks')} ${worstError.toFixed(3)} of ${bound} allowed`)
  if (refusals > 0) said.push(`${count(refusals)} refused${refusal ? refusalText(refusal) : ''}`)
  return `${said.join('; ')}.`
}

function refusalText({ distance, allowed }: NonNullable<PatternCounts['refusal']>): string {
  return `, the last since its members were ${distance.toFixed(3)} apart and ${allowed.toFixed(3)} is allowed`
}
