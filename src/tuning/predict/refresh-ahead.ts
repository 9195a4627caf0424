// Refresh-ahead: when an answer that is asked for often has to be asked for anew, so that nobody waits for it. Arithmetic alone; the idea of
// refreshing before the end, for what is likely to be asked for again, is RFC 5861's and that of Caffeine's `refreshAfterWrite`.
import type { Watched } from './watched.js'

/** An answer takes now and then longer than it did. */
const COST_MARGIN = 1.2
/** What timers and turns of the event loop take, ms. */
const TURN_MS = 5
/** Asks come this part of their interval early, and timers late. */
const EARLY = 1 / 16
/** Where asking takes more than this part of an answer's life, refreshing would be nothing but asking. */
const MOST_OF_LIFE = 1 / 2
/** After so many refreshes in a row that nobody asked for, the demands do not grow any more. */
const MOST_DOUBLINGS = 5

/**
 * Whether the key is asked for so often that an answer which is fetched now would be asked for in its life: asks are nearer to one another
 * than that is long, it was asked for lately, and nothing was fetched since somebody asked. A key whose refreshes were for nothing
 * has to be asked for more often in a row each time.
 */
export function mayRefresh(key: Watched, now: number): boolean {
  const { rhythm, ttlMs, costMs, again, unasked, wasted, goodUntil } = key
  if (again === undefined || costMs === undefined || unasked || ttlMs === 0) return false
  if (rhythm.run < 4 ** Math.min(wasted, MOST_DOUBLINGS)) return false
  if (leadMs(key) > MOST_OF_LIFE * ttlMs) return false
  if (now > goodUntil + ttlMs) return false
  return rhythm.mean + rhythm.deviation <= ttlMs && !rhythm.isSilent(now)
}

/**
 * When to begin: so that the answer is there when the next ask is to be expected that what is held would not answer. Where asks come
 * regularly, that is shortly before one of them, and as many answers are fetched as would be without; where they do not, before what is held
 * ends.
 */
export function dueAt(key: Watched): number {
  const { rhythm, goodUntil } = key
  return rhythm.nextAfter(goodUntil, EARLY * rhythm.mean) - leadMs(key)
}

function leadMs({ costMs = 0 }: Watched): number {
  return COST_MARGIN * costMs + TURN_MS
}
