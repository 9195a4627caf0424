// Which of many dated things are to be kept: the newest, those of late, and the newest of each hour, day, week and quarter. Pure.
import { OpDbusError } from '../errors.js'
import type { Retention } from './reports.js'

export type Rules = Required<{ readonly [K in keyof Retention]: number }>

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** In which hour, day, week or quarter of UTC a moment lies, counted from any start. */
const PERIODS: Readonly<Record<'hourly' | 'daily' | 'weekly' | 'quarterly', (ms: number) => number>> = {
  hourly: ms => Math.floor(ms / HOUR_MS),
  daily: ms => Math.floor(ms / DAY_MS),
  // ISO 8601 weeks begin on Mondays; 1970 began on a Thursday.
  weekly: ms => Math.floor((ms / DAY_MS + 3) / 7),
  quarterly: ms => {
    const date = new Date(ms)
    return 4 * date.getUTCFullYear() + Math.floor(date.getUTCMonth() / 3)
  },
}

const PERIOD_NAMES = { hourly: 'hours', daily: 'days', weekly: 'weeks', quarterly: 'quarters' } as const

/** What a call says, or what is set where it says nothing of it. @throws OpDbusError INVALID_INPUT */
export function rulesOf(call: Retention, set: Partial<Retention>): Rules {
  const rules = { hourly: 0, daily: 0, weekly: 0, quarterly: 0, last: 0, within: 0 }
  const names = Object.keys(rules) as (keyof Rules)[]
  const said = names.some(name => call[name] !== undefined) ? call : set
  for (const name of names) {
    const value = said[name] ?? 0
    if (!Number.isSafeInteger(value) || value < 0) {
      const what = name === 'within' ? 'milliseconds, a whole number' : 'a whole number'
      throw new OpDbusError('INVALID_INPUT', `${name} must be ${what}, at least 0`, { details: { option: name } })
    }
    rules[name] = value
  }
  return rules
}

/** For people: what is kept. */
export function rulesText({ last, within, ...periods }: Rules): string {
  const kept = (Object.keys(PERIODS) as (keyof typeof PERIODS)[]).flatMap(name =>
    periods[name] > 0 ? [`the newest of each of ${periods[name]} ${PERIOD_NAMES[name]}`] : [],
  )
  if (within > 0) kept.unshift(`those of the last ${Number((within / HOUR_MS).toFixed(1))} hours`)
  if (last > 0) kept.unshift(`the newest ${last}`)
  return kept.length === 0 ? 'none' : kept.join(', ')
}

/**
 * Marks what is kept: 1, else 0. `times` in the order in which things were made, Unix milliseconds; NaN for what is not asked about. Of a
 * period the last one made counts as its newest, whatever a clock said that was set back. What is dated in the future is young.
 */
export function kept(times: ArrayLike<number>, rules: Rules, now: number): Uint8Array {
  const marks = new Uint8Array(times.length)
  const newest = { hourly: new Map(), daily: new Map(), weekly: new Map(), quarterly: new Map() } as Record<
    keyof typeof PERIODS,
    Map<number, number>
  >
  let left = rules.last
  for (let i = times.length - 1; i >= 0; i--) {
    const time = times[i]!
    if (Number.isNaN(time)) continue
    if (left > 0 || (rules.within > 0 && time >= now - rules.within)) marks[i] = 1
    left--
    for (const name of Object.keys(PERIODS) as (keyof typeof PERIODS)[]) {
      const period = PERIODS[name](time)
      if (rules[name] > 0 && !newest[name].has(period)) newest[name].set(period, i)
    }
  }
  for (const name of Object.keys(PERIODS) as (keyof typeof PERIODS)[]) {
    const latest = [...newest[name]].sort(([one], [other]) => other - one).slice(0, rules[name])
    for (const [, i] of latest) marks[i] = 1
  }
  return marks
}
