// Times and durations on a command line.
import { describe, expect, it } from 'vitest'
import { durationIn, momentIn, timeText } from '../../src/cli/when.js'

const NOW = Date.parse('2026-11-27T20:15:30.500Z')
const HOUR = 3_600_000

describe('a moment', () => {
  it.each([
    ['90s', NOW - 90_000],
    ['15m', NOW - 15 * 60_000],
    ['1h', NOW - HOUR],
    ['7d', NOW - 7 * 24 * HOUR],
    [' 2w ', NOW - 14 * 24 * HOUR],
    ['0s', NOW],
    ['99999999w', 0],
    ['2026-11-27', Date.parse('2026-11-27T00:00:00Z')],
    ['2024-02-29', Date.parse('2024-02-29T00:00:00Z')],
    ['2026-11-27T20:15', Date.parse('2026-11-27T20:15:00Z')],
    ['2026-11-27 20:15:30', Date.parse('2026-11-27T20:15:30Z')],
    ['2026-11-27T20:15:30.250Z', Date.parse('2026-11-27T20:15:30.250Z')],
    ['2026-11-27t20:15z', Date.parse('2026-11-27T20:15:00Z')],
    ['2026-11-27T20:15+02:00', Date.parse('2026-11-27T18:15:00Z')],
    ['1969-12-31', 0],
  ])('%j', (text, moment) => {
    expect(momentIn(text, 'since', NOW)).toBe(moment)
  })

  it.each([
    '',
    '1',
    '1 hour',
    '1.5h',
    '-1h',
    '1y',
    'yesterday',
    '2026-02-30',
    '2026-13-01',
    '2026-11-27T25:00',
    '27.11.2026',
    'Infinity',
    '1e3s',
  ])('is not %j, which is told with what there is', text => {
    expect(() => momentIn(text, 'since', NOW)).toThrow(`--since ${JSON.stringify(text)} is no time\nwrite a duration`)
  })
})

it('a duration is a number with a unit, and nothing else', () => {
  expect(durationIn('30d', 'keep-within')).toBe(30 * 24 * HOUR)
  for (const text of ['2026-11-27', '30', 'd']) {
    expect(() => durationIn(text, 'keep-within')).toThrow(`--keep-within ${JSON.stringify(text)} is no duration`)
  }
})

it('times are told in UTC, and a number that no calendar has as it is', () => {
  expect(timeText(NOW)).toBe('2026-11-27T20:15:30Z')
  expect(timeText(NOW, true)).toBe('2026-11-27T20:15:30.500Z')
  expect(timeText(9e15)).toBe('9000000000000000')
})
