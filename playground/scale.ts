// Times in words, and on a log scale from a clock's step to a slow model's seconds. Pure.
import { count, duration, significant } from '../src/cli/render.js'

export const FASTEST_MS = 0.001
export const SLOWEST_MS = 10_000

/** Where `ms` lies between the two ends, 0 to 1, on a log scale. */
export function timeShare(ms: number): number {
  if (!(ms > FASTEST_MS)) return 0
  return Math.min(1, Math.log(ms / FASTEST_MS) / Math.log(SLOWEST_MS / FASTEST_MS))
}

/** The ends of a log axis around some rates: whole powers of ten, at least one apart. */
export function decadesAround(values: readonly number[]): readonly [low: number, high: number] {
  const positive = values.filter(value => value > 0 && Number.isFinite(value))
  if (positive.length === 0) return [1, 10]
  const low = Math.floor(Math.log10(Math.min(...positive)))
  const high = Math.ceil(Math.log10(Math.max(...positive)))
  return [10 ** low, 10 ** Math.max(high, low + 1)]
}

/** A page's clock ticks in steps: less than one is told as such. */
export function shortTime(ms: number): string {
  return ms < 0.005 ? '< 0.01 ms' : duration(Math.max(ms, 0.01))
}

/** Two significant digits: `4.2`, `380`, `1 300 000`. */
export function rateText(rate: number): string {
  if (rate < 100) return significant(rate)
  const step = 10 ** (Math.floor(Math.log10(rate)) - 1)
  return count(Math.round(rate / step) * step)
}
