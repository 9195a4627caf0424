// What patterns did, in one line of text. Pure: writes nowhere.

import { commas, count, duration, plural } from '../format.js'
import type { PatternStats } from '../node.js'

/**
 * After a run over `texts` texts: `patterns (template): 2 of 3 texts (67 %) answered by a template; 1 template embedded`.
 * `savedMs`: an estimate, or undefined where there is nothing to estimate it from.
 */
export function patternsText({ mode, templates, hits }: PatternStats, texts: number, savedMs?: number): string {
  const share = texts > 0 ? Math.round((100 * hits) / texts) : 0
  const answered = `${count(hits)} of ${plural(texts, 'text', 'texts')} (${share} %) answered by a template`
  const embedded = `${plural(templates, 'template', 'templates')} embedded`
  return `patterns (${mode}): ${answered}; ${embedded}${savedText(hits, savedMs)}`
}

function savedText(hits: number, savedMs: number | undefined): string {
  if (hits === 0 || savedMs === undefined) return ''
  return `; about ${duration(savedMs)} saved (an estimate: hits x the mean time of a computed text)`
}

/** For `cache stats`, over every process so far. */
export function patternLine({ mode, lifetime: { templates, hits } }: PatternStats): string {
  const did = `${commas(templates)} ${templates === 1 ? 'template' : 'templates'} embedded, ${commas(hits)} ${hits === 1 ? 'text' : 'texts'} answered by one`
  return `Patterns: ${did} (${mode === 'off' ? 'now off' : mode})`
}
