// What the console's pages stand on, without a browser: the event stream, addresses, the way of a look-up, numbers in words.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventsOf, type StreamEvent } from '../../console/event-stream.js'
import { History, WINDOW_MS } from '../../console/history.js'
import { wordsOf } from '../../console/news.js'
import { hrefOf, parseRoute, SCREENS } from '../../console/router.js'
import { vectorOf, wayOf } from '../../console/way.js'
import { age, capacity, percent, rateOf } from '../../console/words.js'
import { duration } from '../../src/format.js'
import type { Source } from '../../src/public.js'
import type { LookupReport } from '../../src/server/api.js'

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}

async function heard(chunks: readonly Uint8Array[]): Promise<StreamEvent[]> {
  const events: StreamEvent[] = []
  for await (const event of eventsOf(streamOf(chunks))) events.push(event)
  return events
}

describe('the event stream', () => {
  it('reads events wherever the network cut them', async () => {
    const line = fc.string({ unit: 'grapheme' }).map(text => text.replace(/[\r\n\0]/g, ' '))
    const event = fc.record({
      name: fc.constantFrom('stats', 'lookups', 'warning'),
      data: fc.array(line, { minLength: 1, maxLength: 3 }).map(lines => lines.join('\n')),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 5 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.array(fc.nat(400), { maxLength: 8 }),
        async (events, end, cuts) => {
          const text = events.map(({ name, data }) =>
            [`event: ${name}`, ': a comment', ...data.split('\n').map(one => `data: ${one}`), '', ''].join(end),
          )
          // A lone \r waits for what may follow it.
          const bytes = new TextEncoder().encode(`${text.join('')}${end === '\r' ? '\n' : ''}`)
          const at = [0, ...cuts.filter(cut => cut < bytes.length).sort((a, b) => a - b), bytes.length]
          const chunks = at.slice(1).map((to, i) => bytes.slice(at[i]!, to))
          expect(await heard(chunks)).toEqual(events)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('gives up a line that never ends', async () => {
    const chunk = new Uint8Array(1_000_000).fill(65)
    await expect(heard(Array.from({ length: 6 }, () => chunk))).rejects.toThrow('does not end')
  })
})

describe('addresses', () => {
  it('lead to their screen and back, and to the overview where there is none', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SCREENS), fc.string({ unit: 'grapheme' }), (screen, rest) => {
        expect(parseRoute(hrefOf(screen, rest))).toEqual({ screen, rest })
      }),
    )
    for (const hash of ['', '#', '#/', '#/nowhere', '#overview']) expect(parseRoute(hash).screen).toBe('overview')
    expect(parseRoute('#/blocks/%E0%A4%A')).toEqual({ screen: 'blocks', rest: '' })
  })
})

describe('the way of a look-up', () => {
  const report: LookupReport = { micros: 1000, tiers: [], dims: 2, neighbours: [] }
  const visits = (given: Partial<LookupReport>, off: readonly Source[] = ['pattern']) =>
    wayOf({ ...report, ...given }, new Set(off)).map(({ visit }) => visit)

  it('ends where it was answered', () => {
    expect(visits({ source: 'memory' })).toEqual(['answered', 'not-asked', 'not-asked', 'off', 'not-asked'])
    const without = visits({ source: 'memory' }, ['shared'])
    expect(without).toEqual(['answered', 'not-asked', 'off', 'not-asked', 'not-asked'])
    const disk = [{ tier: 'disk', kind: 'hit', micros: 300 }] as const
    expect(visits({ source: 'disk', tiers: disk })).toEqual(['missed', 'answered', 'not-asked', 'off', 'not-asked'])
    const both = [
      { tier: 'disk', kind: 'miss', micros: 300 },
      { tier: 'shared', kind: 'skipped', why: 'timeout', micros: 50 },
    ] as const
    const way = wayOf({ ...report, source: 'computed', tiers: both }, new Set())
    expect(way.map(({ visit }) => visit)).toEqual(['missed', 'missed', 'skipped', 'by-template', 'answered'])
    expect(way[2]!.why).toBe('did not answer in time')
    expect(way[4]!.micros).toBe(650)
  })

  it('says what was off, and that nothing was computed', () => {
    const tiers = [{ tier: 'disk', kind: 'miss', micros: 1 }] as const
    expect(visits({ source: 'computed', tiers })).toEqual(['missed', 'missed', 'off', 'off', 'answered'])
    expect(visits({ tiers })).toEqual(['missed', 'missed', 'off', 'off', 'not-asked'])
  })

  it('reads vectors as they were written, and no other', () => {
    fc.assert(
      fc.property(fc.float32Array({ minLength: 1, maxLength: 20 }), floats => {
        const bytes = Buffer.alloc(4 * floats.length)
        for (const [i, value] of floats.entries()) bytes.writeFloatLE(value, 4 * i)
        expect(vectorOf(bytes.toString('base64'), floats.length)).toEqual(floats)
      }),
    )
    expect(() => vectorOf('AAAA', 1)).toThrow('3 bytes')
  })
})

describe('what happened lately', () => {
  const rows = (computed: number) => ({ memory: 0, disk: 0, shared: 0, pattern: 0, computed })

  it('is texts a second between two looks, and begins anew with another daemon', () => {
    const history = new History()
    history.takeStats({ now: 1000, started: 1, rows: rows(10) })
    history.takeStats({ now: 3000, started: 1, rows: rows(30) })
    expect(history.rates).toEqual([{ at: 3000, perSecond: 10 }])
    history.takeStats({ now: 4000, started: 2, rows: rows(5) })
    expect(history.rates).toEqual([])
    history.takeStats({ now: 5000, started: 2, rows: rows(6) })
    expect(history.rates).toEqual([{ at: 5000, perSecond: 1 }])
  })

  it('is bounded', () => {
    const history = new History()
    const one = { cache: 'embeddings', source: 'memory', outcome: 'hit', micros: 5 } as const
    for (let at = 0; at < 4000; at++) history.takeLookups([one], at)
    expect(history.dots).toHaveLength(1500)
    history.takeLookups([], 4000 + WINDOW_MS)
    expect(history.dots).toEqual([])
  })

  it('is told in words', () => {
    expect(wordsOf('appended', { first: 1200, blocks: 1 })).toBe('1 block appended from 1\u2009200 on')
    expect(wordsOf('cleared', { cache: 'diffs', elsewhere: true })).toBe('diffs cleared, by another process')
    expect(wordsOf('applied', { plugin: 'net', outcomes: { done: 2 } })).toBe('net applied: 2 done')
    expect(wordsOf('lookups', { total: 0, lookups: [] })).toBeUndefined()
  })
})

describe('numbers in words', () => {
  it('say no more than is true', () => {
    expect(percent(0.999)).toBe('> 99 %')
    expect(percent(0.001)).toBe('< 1 %')
    expect(percent(1)).toBe('100 %')
    expect(rateOf(3, 4)).toBe('75 % of 4')
    expect(rateOf(0, 0)).toBe('-')
    expect(capacity(null)).toBe('∞')
    expect([3_000, 300_000, 7_200_000, 432_000_000].map(age)).toEqual(['3 s', '5 min', '2 h', '5 days'])
  })

  it('have the unit in which they are read, and are rounded once', () => {
    const said = [0, 0.0004, 0.0996, 999.6, 119_600, 414_000, 7_100_000, 7_200_000, 1e8, 1.728e8, 3.2e11, Number.NaN]
    expect(said.map(duration)).toEqual([
      '0 ns',
      '400 ns',
      '0.10 ms',
      '1.0 s',
      '2.0 min',
      '6.9 min',
      '2.0 h',
      '2.0 h',
      '28 h',
      '2.0 days',
      '10 years',
      '-',
    ])
  })
})
