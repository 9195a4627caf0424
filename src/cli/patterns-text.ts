// What patterns did, in one line of text. Pure: writes nowhere.

import { commas, count, duration, oneLine, plural } from '../format.js'
import type { PatternStats } from '../node.js'

/**
 * After a run over `texts` texts: `patterns (template): 2 of 3 texts (67 %) answered by a template; 1 template embedded`.
 * `savedMs`: an estimate, or undefined where there is nothing to estimate it from.
 */
export function patternsText(stats: PatternStats, texts: number, savedMs?: number): string {
  const { mode, hits, patterns, refusals, revocations, checks, worstError, bound = 0, refusal } = stats
  const share = texts > 0 ? Math.round((100 * hits) / texts) : 0
  const head = `patterns (${mode}): ${count(hits)} of ${plural(texts, 'text', 'texts')} (${share} %)`
  if (mode === 'template')
    return `${head} answered by a template; ${plural(patterns, 'template', 'templates')} embedded${savedText(hits, savedMs)}`
  const said = [
    `${head} served`,
    `${count(patterns)} learnt, ${count(refusals)} refused, ${count(revocations)} revoked`,
    `${errorText(worstError, checks)}, bound ${distance(bound)}`,
  ]
  if (refusal) {
    const { template, distance: apart, allowed } = refusal
    const why = `texts ${distance(apart)} apart, ${distance(allowed)} allowed`
    said.push(`refused last: "${oneLine(template, 60)}" (${why})`)
  }
  return said.join('; ') + savedText(hits, savedMs)
}

function savedText(hits: number, savedMs: number | undefined): string {
  if (hits === 0 || savedMs === undefined) return ''
  return `; about ${duration(savedMs)} saved (an estimate: hits x the mean time of a computed text)`
}

/** For `cache stats`, over every process so far. */
export function patternLine({ lifetime, mode, bound }: PatternStats): string {
  const { patterns, hits, refusals, revocations, checks, worstError } = lifetime
  const said = [
    `${commas(patterns)} served`,
    `${commas(hits)} hits`,
    `${commas(refusals)} refused`,
    `${commas(revocations)} revoked`,
    errorText(worstError, checks),
  ]
  return `Patterns: ${said.join(', ')} (${mode === 'off' ? 'now off' : mode}${bound === undefined ? '' : `, bound ${distance(bound)}`})`
}

function errorText(worst: number, checks: number): string {
  return `worst error ${checks > 0 ? distance(worst) : 'n/a'} in ${plural(checks, 'check', 'checks')}`
}

function distance(value: number): string {
  return value.toFixed(3)
}
