// Words and numbers that several screens say. Pure.
import { count, duration } from '../src/format.js'
import type { Source } from '../src/public.js'

/** What the daemon's tiers are called. */
export const NAMES: Readonly<Record<Source, string>> = {
  memory: 'memory',
  disk: 'disk',
  shared: 'shared',
  pattern: 'pattern',
  computed: 'computed',
}

/** `75 % of 4`; `-` of none. */
export function rateOf(part: number, whole: number): string {
  return whole > 0 ? `${percent(part / whole)} of ${count(whole)}` : '-'
}

/** `75 %`; what is not all never reads 100, and what is not none never reads 0. */
export function percent(share: number): string {
  if (!(share > 0)) return '0 %'
  if (share >= 1) return '100 %'
  if (share < 0.01) return '< 1 %'
  if (share > 0.99) return '> 99 %'
  return `${Math.round(100 * share)} %`
}

/** Microseconds, as the daemon counts: `21 µs`, `14 ms`. */
export function micros(value: number): string {
  return duration(value / 1000)
}

/** `14:03:05`, of this browser's clock. */
export function clock(unixMs: number): string {
  return new Date(unixMs).toLocaleTimeString('en-GB')
}

/** `2026-11-27 14:03:05`, of this browser's clock. */
export function dateTime(unixMs: number): string {
  const date = new Date(unixMs)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(unixMs)}`
}

/** How long ago, in one unit: `3 s`, `14 min`, `2 h`, `5 days`. */
export function age(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 99.5) return `${Math.round(seconds)} s`
  if (seconds < 99.5 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} days`
}

/** What the daemon calls unbounded is null in JSON: `∞`. */
export function capacity(value: number | null): string {
  return value === null || !Number.isFinite(value) ? '∞' : count(value)
}
