// Times and durations as people write them on a command line, and times as we tell them. Pure.
import { OpDbusError } from '../errors.js'

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }
/** A date, or a date and a time: of ISO 8601, in UTC where no offset says otherwise. */
const TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:\d{2})?)?$/i

/** `90s`, `15m`, `1h`, `7d`, `2w` in milliseconds; undefined for what is no duration. */
function millisecondsIn(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,9})([smhdw])$/.exec(text.trim()) ?? []
  return unit === undefined ? undefined : 1000 * Number(amount) * UNITS[unit]!
}

/** Milliseconds. @throws OpDbusError INVALID_INPUT that names the option */
export function durationIn(text: string, option: string): number {
  const ms = millisecondsIn(text)
  // Longer than any clock knows, which is what is meant.
  if (ms !== undefined) return Math.min(ms, Number.MAX_SAFE_INTEGER)
  throw new OpDbusError(
    'INVALID_INPUT',
    `--${option} ${JSON.stringify(text)} is no duration\nwrite 90s, 15m, 1h, 7d or 2w`,
  )
}

/**
 * A moment: so long before `now`, or a date (its first moment in UTC), or a date and time. Unix milliseconds.
 * @throws OpDbusError INVALID_INPUT that names the option
 */
export function momentIn(text: string, option: string, now: number): number {
  const ago = millisecondsIn(text)
  if (ago !== undefined) return Math.max(0, now - ago)
  const [, date, time = '00:00', zone = 'Z'] = TIME.exec(text.trim()) ?? []
  const moment = date === undefined ? Number.NaN : Date.parse(`${date}T${time}${zone.toUpperCase()}`)
  if (Number.isNaN(moment) || !isOfCalendar(date!)) {
    const how =
      'write a duration back from now (90s, 15m, 1h, 7d, 2w), or a time of ISO 8601 (2026-11-27, 2026-11-27T20:15Z)'
    throw new OpDbusError('INVALID_INPUT', `--${option} ${JSON.stringify(text)} is no time\n${how}`)
  }
  return Math.max(0, moment)
}

/** JavaScript takes February 30 for March 2. */
function isOfCalendar(date: string): boolean {
  const parsed = new Date(`${date}T00:00Z`)
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date)
}

/** `2026-11-27T20:15:00Z`, or with milliseconds; of a number that no calendar has, the number. */
export function timeText(ms: number, exact = false): string {
  const date = new Date(ms)
  if (Number.isNaN(date.getTime())) return String(ms)
  return exact ? date.toISOString() : date.toISOString().replace(/\.\d+Z$/, 'Z')
}
