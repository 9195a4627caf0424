// The playground's pure parts: what a pasted text becomes, where a look-up went, what charts and map are made of.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { heatPixels, heatTable, largest, parseRgb } from '../../look/heat.js'
import { decadesAround, FASTEST_MS, rateText, SLOWEST_MS, shortTime, timeShare } from '../../look/scale.js'
import { SOURCES } from '../../look/sources.js'
import { EXAMPLES } from '../../playground/examples.js'
import { History, median } from '../../playground/history.js'
import { parseLines, shown } from '../../playground/lines.js'
import { fitPoints, pick } from '../../playground/map-layout.js'
import { changed, NOTHING_HELD } from '../../playground/memory-view.js'
import { summary, wayOf } from '../../playground/sources.js'

describe('lines', () => {
  it('takes what holds anything, whatever the line ends, and keeps it as it is', () => {
    expect(parseLines('a\r\n\r\n  b  \rc\n\n\t\nd').lines).toEqual(['a', '  b  ', 'c', 'd'])
    expect(parseLines('').lines).toEqual([])
  })

  it('loses no line of any text, and says how many are too many', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 12 }), fc.integer({ min: 0, max: 5 }), (parts, most) => {
        const whole = parts.map(part => part.replace(/[\r\n\u2028\u2029]/g, '')).filter(part => part.trim() !== '')
        const { lines, left } = parseLines(whole.join('\n'), most)
        expect(lines).toEqual(whole.slice(0, most))
        expect(left).toBe(Math.max(0, whole.length - most))
      }),
    )
  })

  it('shows control and direction characters as dots, and cuts long lines', () => {
    expect(shown('a\0b\u202ec')).toBe('a·b·c')
    expect(shown('x'.repeat(1_000_000))).toHaveLength(241)
    expect(shown('\ud800').isWellFormed()).toBe(true)
  })

  it('has examples without a blank line, and one that repeats', () => {
    for (const { lines } of EXAMPLES) expect(parseLines(lines.join('\n')).lines).toEqual(lines)
    expect(new Set(EXAMPLES[0]!.lines).size).toBeLessThan(EXAMPLES[0]!.lines.length)
  })
})

describe('sources', () => {
  it('lights what was asked before the answer, and nothing behind it', () => {
    const off = new Set(['shared', 'pattern'] as const)
    expect(wayOf('disk', off)).toEqual({
      memory: 'missed',
      disk: 'answered',
      shared: 'off',
      pattern: 'off',
      computed: 'not asked',
    })
    for (const source of SOURCES) {
      if (source === 'pattern') continue
      const path = wayOf(source, new Set())
      const at = SOURCES.indexOf(source)
      expect(SOURCES.map(one => path[one])).toEqual(
        SOURCES.map((_one, i) => (i < at ? 'missed' : i === at ? 'answered' : 'not asked')),
      )
    }
  })

  it('says that tiers were asked for a template, where a template answered', () => {
    const way = wayOf('pattern', new Set(['shared', 'disk'] as const))
    expect(way).toMatchObject({ memory: 'by template', disk: 'off', pattern: 'answered', computed: 'not asked' })
    expect(wayOf('computed', new Set())).toMatchObject({ memory: 'missed', pattern: 'missed' })
  })

  it('says in a sentence what a run came to', () => {
    expect(summary([...Array(12).fill('memory'), ...Array(8).fill('computed')])).toBe(
      '20 lines, 12 from memory, 8 computed',
    )
    expect(summary(['disk'], 1)).toBe('2 lines, 1 from IndexedDB, 1 failed')
    expect(summary(['computed'])).toBe('1 line, 1 computed')
  })
})

describe('history', () => {
  it('gives the rate of the minute before each moment, and null before the first look-up', () => {
    const history = new History()
    history.add({ at: 10_000, source: 'computed', ms: 10, count: 3 })
    history.add({ at: 20_000, source: 'memory', ms: 0.01, count: 1 })
    const { seconds, rates } = history.rates(60_000, 6)
    expect(seconds).toEqual([-60, -50, -40, -30, -20, -10, 0])
    expect(rates).toEqual([null, 0, 0.25, 0.25, 0.25, 0.25, 0.25])
    expect(history.recent(60_000)).toEqual({ hits: 1, all: 4 })
    expect(history.rates(75_000, 6).rates.at(-1)).toBe(1)
    expect(history.recent(90_000)).toEqual({ hits: 0, all: 0 })
  })

  it('stays bounded, and shows events of the last minute only', () => {
    const history = new History()
    for (let i = 0; i < 20_000; i++) history.add({ at: i, source: 'disk', ms: 1, count: 1 })
    expect(history.since(20_000).length).toBeLessThanOrEqual(1_500)
    expect(history.since(20_000).at(-1)?.at).toBe(19_999)
    expect(history.since(100_000)).toEqual([])
    history.clear()
    expect(history.since(20_000)).toEqual([])
  })

  it('finds the middle', () => {
    expect(median([])).toBeUndefined()
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
  })
})

describe('heat strips', () => {
  const colours = { low: [0, 0, 200], middle: [250, 250, 250], high: [200, 100, 0] } as const
  const table = heatTable(colours)
  const pixel = (value: number, scale = 1) => [...heatPixels(Float32Array.of(value), scale, table)]

  it('goes from one end over the page’s tone to the other, symmetric about 0', () => {
    expect(pixel(-1)).toEqual([0, 0, 200, 255])
    expect(pixel(1)).toEqual([200, 100, 0, 255])
    for (const channel of pixel(0).slice(0, 3)) expect(channel).toBeGreaterThan(225)
    fc.assert(
      fc.property(fc.float({ min: 0, max: 1, noNaN: true }), fc.float({ min: 0, max: 1, noNaN: true }), (a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)]
        // Blue only falls on the way to orange, and red only falls on the way to blue.
        expect(pixel(more)[2]!).toBeLessThanOrEqual(pixel(less)[2]!)
        expect(pixel(-more)[0]!).toBeLessThanOrEqual(pixel(-less)[0]!)
      }),
    )
  })

  it('draws numbers that are none, and a scale of 0, as the page’s tone', () => {
    for (const strange of [Number.NaN, Number.POSITIVE_INFINITY]) expect(pixel(strange)[0]).toBeGreaterThan(225)
    expect(pixel(1, 0)[0]).toBeGreaterThan(225)
    expect(largest(Float32Array.of(0.5, -2, Number.NaN))).toBe(2)
  })

  it('reads colours as browsers write them', () => {
    expect(parseRgb('rgb(0, 114, 178)')).toEqual([0, 114, 178])
    expect(parseRgb('rgba(1, 2, 3, 0.5)')).toEqual([1, 2, 3])
  })
})

describe('scales', () => {
  it('puts times on a log axis, within it, in their order', () => {
    expect(timeShare(0)).toBe(0)
    expect(timeShare(FASTEST_MS)).toBe(0)
    expect(timeShare(SLOWEST_MS)).toBe(1)
    expect(timeShare(1e9)).toBe(1)
    expect(timeShare(10) - timeShare(1)).toBeCloseTo(timeShare(1000) - timeShare(100), 10)
  })

  it('finds whole decades around rates', () => {
    expect(decadesAround([])).toEqual([1, 10])
    expect(decadesAround([4.2, 1_326_425])).toEqual([1, 10_000_000])
    expect(decadesAround([100])).toEqual([100, 1_000])
  })

  it('writes two significant digits, and what is shorter than a tick of the clock as such', () => {
    expect(rateText(1_326_425)).toBe('1\u2009300\u2009000')
    expect(rateText(383)).toBe('380')
    expect(rateText(4.23)).toBe('4.2')
    expect(shortTime(0)).toBe('< 0.01 ms')
    expect(shortTime(0.213)).toBe('0.21 ms')
    expect(shortTime(14.2)).toBe('14 ms')
  })
})

describe('map', () => {
  it('keeps every point inside its edges, at any size of points', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, min: -100, max: 100 }), { minLength: 2, maxLength: 60 }),
        numbers => {
          const points = Float32Array.from(numbers.slice(0, numbers.length & ~1))
          const at = fitPoints(points, 300, 200, 10)
          for (let i = 0; i < at.length; i += 2) {
            expect(at[i]!).toBeGreaterThanOrEqual(9.9)
            expect(at[i]!).toBeLessThanOrEqual(290.1)
            expect(at[i + 1]!).toBeGreaterThanOrEqual(9.9)
            expect(at[i + 1]!).toBeLessThanOrEqual(190.1)
          }
        },
      ),
    )
  })

  it('picks the nearest point within reach', () => {
    const at = Float32Array.of(10, 10, 50, 50, 60, 50)
    expect(pick(at, 54, 50)).toBe(1)
    expect(pick(at, 57, 50)).toBe(2)
    expect(pick(at, 200, 200)).toBeUndefined()
  })
})

describe('memory view', () => {
  it('shows who was evicted, latest first, and drops whoever comes back', () => {
    const full = changed(NOTHING_HELD, ['c', 'b', 'a'], 0)
    expect(full).toEqual({ held: ['c', 'b', 'a'], gone: [], left: 0 })
    const less = changed(full, ['c'], 2)
    expect(less).toEqual({ held: ['c'], gone: ['b', 'a'], left: 2 })
    expect(changed(less, ['a', 'c'], 0).gone).toEqual(['b'])
  })

  it('finds those that came and went between two looks among what was asked', () => {
    const { gone, left } = changed(NOTHING_HELD, ['d'], 3, ['a', 'b', 'c', 'd'])
    expect(new Set(gone)).toEqual(new Set(['a', 'b', 'c']))
    expect(left).toBe(3)
  })

  it('calls nobody evicted who was cleared', () => {
    expect(changed(changed(NOTHING_HELD, ['a'], 0), [], 0).gone).toEqual([])
  })
})
