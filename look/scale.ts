// Times in words, and on a log scale from a clock's step to a slow model's seconds. Pure.
import { count, duration, significant } from '../src/format.js'

export const FASTEST_MS = 0.001
export const SLOWEST_MS = 100_000

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

/** Where a log axis of times has its marks, in ms: whole powers of ten from one end to the other. */
export const TIME_MARKS: readonly number[] = Array.from(
  { length: Math.round(Math.log10(SLOWEST_MS / FASTEST_MS)) + 1 },
  (_, i) => Number(`1e${Math.round(Math.log10(FASTEST_MS)) + i}`),
)

/** A mark in words. What lies beyond an end is drawn at it, and its words say so. */
export function timeMarkText(ms: number): string {
  if (ms <= FASTEST_MS) return `≤ ${1000 * ms} µs`
  if (ms < 0.1) return `${1000 * ms} µs`
  const text = ms < 1000 ? `${ms} ms` : `${ms / 1000} s`
  return ms < SLOWEST_MS ? text : `≥ ${text}`
}

/** Two significant digits: `0.21 ms`, `340 ms`, `1.3 s`. A page's clock ticks in steps: less than one is told as such. */
export function shortTime(ms: number): string {
  return ms < 0.005 ? '< 0.01 ms' : duration(Math.max(ms, 0.01))
}

/** Two significant digits: `4.2`, `380`, `1 300 000`. */
export function rateText(rate: number): string {
  const rounded = twoDigits(rate)
  return rounded < 100 ? significant(rounded) : count(rounded)
}

function twoDigits(value: number): number {
  return Number(value.toPrecision(2))
}
