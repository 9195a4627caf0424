// Counts of the daemon: rates over an injected clock, and quantiles within their bound.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Diagnostics } from '../../src/diagnostics.js'
import { Histogram } from '../../src/server/histogram.js'
import { createMeters, type RowCounts } from '../../src/server/meters.js'

const rows = (some: Partial<RowCounts>): RowCounts => ({
  memory: 0,
  disk: 0,
  shared: 0,
  pattern: 0,
  computed: 0,
  ...some,
})

function metersAt(start = 5_000_000) {
  const clock = { at: start, monotonic: () => clock.at }
  return { clock, meters: createMeters({ clock }) }
}

describe('a histogram', () => {
  it('answers every quantile within nine percent, and counts up to powers of two exactly', () => {
    const value = fc.double({ min: 1, max: 1e9, noNaN: true })
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, share) => {
          const histogram = new Histogram()
          for (const one of values) histogram.add(one)
          const sorted = [...values].sort((a, b) => a - b)
          const exact = sorted[Math.max(0, Math.ceil(share * values.length) - 1)]!
          expect(histogram.quantile(share) / exact).toBeGreaterThan(0.91)
          expect(histogram.quantile(share) / exact).toBeLessThan(1.1)
          for (const exponent of [0, 1, 10, 29, 39]) {
            expect(histogram.upTo(exponent)).toBe(values.filter(one => one <= 2 ** exponent).length)
          }
          expect(histogram.count).toBe(values.length)
        },
      ),
    )
  })

  it('is right at its ends: nothing, zero, and what is beyond the last bucket', () => {
    const histogram = new Histogram()
    expect(histogram.quantile(0.5)).toBe(0)
    histogram.add(0)
    histogram.add(2 ** 50)
    expect(histogram.upTo(0)).toBe(1)
    expect(histogram.upTo(39)).toBe(1)
    expect(histogram.quantile(0)).toBe(1)
    expect(histogram.quantile(1)).toBeGreaterThan(2 ** 39)
  })
})

describe('rows a second', () => {
  it('are those of the last ten seconds, and forgotten after them', () => {
    const { clock, meters } = metersAt()
    expect(meters.rowsPerSecond).toBe(0)
    for (let second = 0; second < 30; second++) {
      meters.embedded('m', rows({ memory: 50 }), 100, 0)
      clock.at += 1000
    }
    expect(meters.rowsPerSecond).toBe(50)
    clock.at += 5000
    expect(meters.rowsPerSecond).toBe(25)
    clock.at += 60_000
    expect(meters.rowsPerSecond).toBe(0)
  })

  it('of a daemon that has just begun are not divided by ten', () => {
    const { clock, meters } = metersAt()
    clock.at += 2000
    meters.embedded('m', rows({ memory: 10 }), 100, 0)
    expect(meters.rowsPerSecond).toBe(5)
  })
})

describe('requests and look-ups', () => {
  it('are counted by route, class and source, the farthest source of a mixed request', () => {
    const { meters } = metersAt()
    meters.waiting(1)
    meters.answered('/v1/embeddings', 200, 100)
    meters.answered('/v1/embeddings', 429, 100)
    meters.answered('/v1/embeddings', 503, 100)
    meters.embedded('m', rows({ memory: 3, disk: 1 }), 400, 12)
    expect(meters.requests).toEqual({ total: 3, refused: 1, failed: 1, inHand: 1 })
    expect([...meters.counts.routes.get('/v1/embeddings')!.byClass]).toEqual([0, 0, 1, 0, 1, 1])
    // 429 is also said by who is busy with one thing.
    expect(meters.counts.overloaded).toBe(0)
    meters.turnedAway()
    expect(meters.counts.overloaded).toBe(1)
    expect(meters.latency('memory').count).toBe(0)
    expect(meters.latency('disk').count).toBe(1)
    expect(meters.latency('disk').p50 / 400).toBeCloseTo(1, 0)
    expect(meters.rows).toEqual(rows({ memory: 3, disk: 1 }))
    expect(meters.counts.models.get('m')).toEqual({ rows: rows({ memory: 3, disk: 1 }), tokens: 12 })
  })

  it('have a bounded number of names, whatever is asked for', () => {
    const { meters } = metersAt()
    for (let i = 0; i < 1000; i++) meters.answered(`/made-up-${i}`, 404, 1)
    expect(meters.counts.routes.size).toBeLessThanOrEqual(101)
    expect(meters.counts.routes.get('other')!.byClass[4]).toBe(900)
  })

  it('hear of computations and faults from the caches until they are told to stop', () => {
    const { meters } = metersAt()
    const diagnostics = new Diagnostics()
    const end = meters.listenTo({ on: (name, listener) => diagnostics.on(name, listener) })
    const fault = { cache: 'embeddings', tier: 'shared', what: 'read', why: 'timeout', message: 'a text?' } as const
    const computed = { cache: 'embeddings', keyHash: '', device: 'cpu', micros: 1, bytes: 1 } as const
    diagnostics.fault.tell(fault)
    diagnostics.computed.tell(computed)
    end()
    diagnostics.fault.tell(fault)
    diagnostics.computed.tell(computed)
    expect([...meters.counts.faults.values()]).toEqual([
      { cache: 'embeddings', tier: 'shared', why: 'timeout', count: 1 },
    ])
    expect(meters.counts.computedBy.get('cpu')).toBe(1)
  })
})
