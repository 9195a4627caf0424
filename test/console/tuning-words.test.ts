// The pure parts of the screen Tuning: curves as a plot and a table take them, and what happened in words.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { curveRows, plotData, policiesOf } from '../../console/curve-rows.js'
import { wordsOf } from '../../console/news.js'
import { changeWords, predictorWords, rateWords, warmWords } from '../../console/tuning-words.js'
import type { PolicyName } from '../../src/cache/eviction.js'
import type { CurvePoint } from '../../src/tuning/report.js'

const at = (bytes: number): CurvePoint => {
  const hitRate = bytes / (bytes + 50)
  return { capacity: bytes, bytes, hitRate, savedRate: hitRate, savedSeconds: 100 * hitRate }
}
const sizes = fc.uniqueArray(fc.nat(10_000), { maxLength: 40 }).map(list => list.sort((a, b) => a - b).map(at))
const curves = fc.record({ lru: sizes, sieve: sizes }).map(({ lru, sieve }) => ({
  curves: [
    { policy: 'sieve' as PolicyName, points: sieve },
    { policy: 'lru' as PolicyName, points: lru },
  ],
}))

describe('curves', () => {
  it('of policies that were tried at different sizes share one axis, and have values where they were tried', () => {
    fc.assert(
      fc.property(curves, given => {
        const policies = policiesOf(given)
        expect(policies).toEqual((['lru', 'sieve'] as const).filter(one => policies.includes(one)))
        const [xs, ...rows] = plotData(given, policies, 'misses')
        expect(xs).toEqual([...new Set(xs)].sort((a, b) => a - b))
        policies.forEach((policy, i) => {
          const points = given.curves.find(curve => curve.policy === policy)!.points.filter(({ bytes }) => bytes > 0)
          expect(rows[i]).toHaveLength(xs.length)
          expect(rows[i]!.filter(value => value !== null)).toEqual(points.map(({ hitRate }) => 1 - hitRate))
        })
      }),
    )
  })

  it('are a table of at most twelve sizes, the smallest and the largest among them', () => {
    fc.assert(
      fc.property(curves, given => {
        const all = [...new Set(given.curves.flatMap(({ points }) => points.map(({ bytes }) => bytes)))]
        const rows = curveRows(given, 'saved')
        expect(rows).toHaveLength(Math.min(12, all.length))
        if (all.length === 0) return
        expect([rows[0]!.bytes, rows.at(-1)!.bytes]).toEqual([Math.min(...all), Math.max(...all)])
        for (const { bytes, values } of rows)
          for (const value of Object.values(values)) expect(value).toBe(at(bytes).savedSeconds)
      }),
    )
  })
})

describe('words', () => {
  it('say what the tuner changed, and pass on what they do not know', () => {
    const change = { cache: 'queries', undone: false } as const
    expect(changeWords({ ...change, what: 'capacity', from: '1000000', to: '12500000' })).toBe(
      'queries: 1.0 MB → 13 MB',
    )
    expect(changeWords({ ...change, what: 'policy', from: 'lru', to: 'cost-s3-fifo', undone: true })).toBe(
      'queries: LRU → cost-aware S3-FIFO, taken back',
    )
    expect(changeWords({ ...change, what: 'policy', from: 'constructor', to: '' })).toBe('queries: constructor → ')
    const tuned = { ...change, what: 'capacity', from: '', to: 'all', why: 'it pays' } as const
    expect(wordsOf('tuned', tuned)).toBe('queries:  → all: it pays')
    expect(wordsOf('prefetched', { prefetched: [] })).toBeUndefined()
    expect(wordsOf('warmed', { cache: 'embeddings', entries: 1, bytes: 2000, micros: 5, gone: 0 })).toBe(
      'embeddings: 1 entry of before loaded into memory, 2.0 kB',
    )
  })

  it('say why a predictor rests, how warm it was, and what is recorded', () => {
    const counts = {
      name: 'read-ahead',
      cache: 'blocks',
      useful: 3,
      useless: 6,
      late: 1,
      waiting: 0,
      micros: 1,
    } as const
    expect(predictorWords({ ...counts, state: 'paused' })).toMatch(/less than half .*: 3 of 10$/)
    expect(predictorWords({ ...counts, state: 'on', useful: 0, useless: 0, late: 0 })).toBe('on, nothing fetched yet')
    const warm = { loaded: 0, bytes: 0, ms: 0, used: 0, gone: 3 }
    expect(warmWords(warm)).toBe('nothing was there to be loaded; 3 were there no more')
    expect(warmWords({ ...warm, loaded: 10, bytes: 5000, ms: 2, gone: 0, stoppedBy: 'time' })).toBe(
      '10 entries, 5.0 kB, in 2.0 ms, as long as it may take',
    )
    const trace = { on: true, files: 1, bytes: 1, maxBytes: 2, requests: 3, rate: 1, dropped: 0 }
    expect(rateWords(trace)).toBe('every request')
    expect(rateWords({ ...trace, rate: 0.25, dropped: 4 })).toMatch(/^requests to 25 % of the entries; 4 were left out/)
    expect(rateWords({ ...trace, on: false })).toBe('nothing')
  })
})
