// What retention keeps, by examples and against a plain definition of each rule.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { kept, type Rules, rulesOf } from '../../src/blockchain/retention.js'

const NONE: Rules = { hourly: 0, daily: 0, weekly: 0, quarterly: 0, last: 0, within: 0 }
const at = (text: string) => Date.parse(`${text}Z`)
const NOW = at('2026-11-27T20:00:00')

function keeps(times: readonly string[], rules: Partial<Rules>): string[] {
  const marks = kept(
    times.map(time => (time === '-' ? Number.NaN : at(time))),
    { ...NONE, ...rules },
    NOW,
  )
  return times.filter((_, i) => marks[i] === 1)
}

describe('retention', () => {
  it('keeps the newest of each hour, day, week and quarter that has any', () => {
    const times = [
      '2026-01-05T00:00:00',
      '2026-06-30T23:59:59',
      '2026-07-01T00:00:00',
      '2026-11-22T23:59:59', // a Sunday
      '2026-11-23T00:00:00', // a Monday
      '2026-11-26T10:00:00',
      '2026-11-26T10:59:59',
      '2026-11-27T19:00:00',
    ]
    expect(keeps(times, { hourly: 2 })).toEqual([times[6], times[7]])
    expect(keeps(times, { daily: 3 })).toEqual([times[4], times[6], times[7]])
    expect(keeps(times, { weekly: 2 })).toEqual([times[3], times[7]])
    expect(keeps(times, { quarterly: 9 })).toEqual([times[0], times[1], times[2], times[7]])
    expect(keeps(times, { last: 2, quarterly: 1 })).toEqual([times[6], times[7]])
    expect(keeps(times, { within: 33.5 * 3_600_000 })).toEqual([times[6], times[7]])
    expect(keeps(times, {})).toEqual([])
  })

  it('takes the last one made for the newest of its period where a clock went back, and leaves out what is not asked about', () => {
    const times = ['2026-11-27T10:50:00', '2026-11-27T10:10:00', '-', '2026-11-27T09:00:00']
    expect(keeps(times, { hourly: 1 })).toEqual([times[1]])
    expect(keeps(times, { last: 2 })).toEqual([times[1], times[3]])
  })

  it('is what each rule says by itself, together', () => {
    const rule = fc.integer({ min: 0, max: 4 })
    const rules = fc.record({
      hourly: rule,
      daily: rule,
      weekly: rule,
      quarterly: rule,
      last: rule,
      within: fc.integer({ min: 0, max: 1e9 }),
    })
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: NOW - 4e10, max: NOW + 1e6 }), { maxLength: 60 }),
        rules,
        (times, given) => {
          const marks = kept(times, given, NOW)
          const periods: [number, (time: number) => string][] = [
            [given.hourly, time => new Date(time).toISOString().slice(0, 13)],
            [given.daily, time => new Date(time).toISOString().slice(0, 10)],
            [given.weekly, mondayOf],
            [
              given.quarterly,
              time => `${new Date(time).toISOString().slice(0, 4)} ${Math.floor(new Date(time).getUTCMonth() / 3)}`,
            ],
          ]
          for (const [i, time] of times.entries()) {
            const isKept =
              i >= times.length - given.last ||
              (given.within > 0 && time >= NOW - given.within) ||
              periods.some(([count, period]) => {
                const own = period(time)
                const later = new Set(times.map(period).filter(other => other > own)).size
                return later < count && !times.slice(i + 1).some(other => period(other) === own)
              })
            expect(marks[i] === 1, `${i} of ${times.map(one => new Date(one).toISOString()).join(' ')}`).toBe(isKept)
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('takes settings where a call says nothing at all, and refuses what is no number', () => {
    expect(rulesOf({}, { daily: 5, weekly: 5 })).toEqual({ ...NONE, daily: 5, weekly: 5 })
    expect(rulesOf({ last: 3 }, { daily: 5, weekly: 5 })).toEqual({ ...NONE, last: 3 })
    expect(rulesOf({ daily: 0 }, { daily: 5, weekly: 5 })).toEqual(NONE)
    for (const bad of [-1, 1.5, Number.NaN, '5']) {
      expect(() => rulesOf({ hourly: bad as number }, {})).toThrow(/hourly must be a whole number/)
    }
  })
})

/** The day on which the ISO week of a moment began. */
function mondayOf(time: number): string {
  const date = new Date(time)
  date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7))
  return date.toISOString().slice(0, 10)
}
