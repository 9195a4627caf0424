// What patterns did since the page forgot everything, also in words: the library counts for as long as its caches are open. Pure.
import { plural } from '../src/format.js'
import type { PatternCounts } from '../src/public.js'

export function countsSince(now: PatternCounts, before: PatternCounts | undefined): PatternCounts {
  if (before === undefined) return now
  return { templates: now.templates - before.templates, hits: now.hits - before.hits }
}

export function servedText({ templates, hits }: PatternCounts): string {
  return `${plural(templates, 'template', 'templates')} embedded, ${plural(hits, 'text', 'texts')} answered by them.`
}
