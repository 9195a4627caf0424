// Curves as a plot takes them, and as rows for who does not see it. Pure.
import { POLICY_ORDER } from '../look/policies.js'
import type { PolicyName } from '../src/cache/eviction.js'
import type { CacheAdvice, CurvePoint } from '../src/tuning/report.js'

/** What a curve tells of a size. */
export const MEASURES = ['misses', 'saved'] as const
export type Measure = (typeof MEASURES)[number]

export const valueAt: Readonly<Record<Measure, (point: CurvePoint) => number>> = {
  misses: ({ hitRate }) => 1 - hitRate,
  saved: ({ savedSeconds }) => savedSeconds,
}

/** Those that have a curve, in the order of pictures. */
export function policiesOf({ curves }: Pick<CacheAdvice, 'curves'>): readonly PolicyName[] {
  return POLICY_ORDER.filter(policy => curves.some(curve => curve.policy === policy && curve.points.length > 0))
}

/** Sizes in bytes of all curves, and a row of values for each of `policies`: null where a policy was not tried at that size. */
export function plotData(
  { curves }: Pick<CacheAdvice, 'curves'>,
  policies: readonly PolicyName[],
  measure: Measure,
): [number[], ...(number | null)[][]] {
  const shown = policies.map(policy => curves.find(curve => curve.policy === policy)?.points ?? [])
  // A log axis has no 0.
  const sizes = new Set(shown.flatMap(points => points.map(({ bytes }) => bytes)).filter(bytes => bytes > 0))
  const xs = [...sizes].sort((a, b) => a - b)
  const rows = shown.map(points => {
    const at = new Map(points.map(point => [point.bytes, valueAt[measure](point)]))
    return xs.map(x => at.get(x) ?? null)
  })
  return [xs, ...rows]
}

export interface CurveRow {
  readonly bytes: number
  readonly capacity: number
  readonly values: Readonly<Partial<Record<PolicyName, number>>>
}

const MOST_ROWS = 12

/** The curves as a table of at most twelve sizes, the first and the last among them. */
export function curveRows({ curves }: Pick<CacheAdvice, 'curves'>, measure: Measure): readonly CurveRow[] {
  const rows = new Map<number, { bytes: number; capacity: number; values: Partial<Record<PolicyName, number>> }>()
  for (const { policy, points } of curves) {
    for (const point of points) {
      const row = rows.get(point.bytes) ?? { bytes: point.bytes, capacity: point.capacity, values: {} }
      row.values[policy] = valueAt[measure](point)
      rows.set(point.bytes, row)
    }
  }
  const all = [...rows.values()].sort((a, b) => a.bytes - b.bytes)
  if (all.length <= MOST_ROWS) return all
  const step = (all.length - 1) / (MOST_ROWS - 1)
  return Array.from({ length: MOST_ROWS }, (_, i) => all[Math.round(i * step)]!)
}
