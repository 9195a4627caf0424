// Advice against full simulation, and what it says of traces that say little.
import { describe, expect, it } from 'vitest'
import type { PolicyName } from '../../src/cache/eviction.js'
import { type AdvisedTrace, advise } from '../../src/tuning/advise.js'
import { POLICIES } from '../../src/tuning/policies.js'
import type { CacheAdvice } from '../../src/tuning/report.js'
import { newRequests, OUTCOMES, type Requests } from '../../src/tuning/requests.js'
import { simulate } from '../../src/tuning/simulate.js'
import { type WorkloadName, type WorkloadOptions, workload } from '../../src/tuning/workloads.js'

const FULL = process.env.OP_DBUS_TUNING === 'full'
const NAMES = Object.keys(POLICIES) as PolicyName[]
const COMPUTED = OUTCOMES.indexOf('computed')
const MEMORY = OUTCOMES.indexOf('memory')
const DISK = OUTCOMES.indexOf('disk')
const HOUR = 3_600_000

const traceOf = (requests: Requests, more: Partial<AdvisedTrace> = {}): AdvisedTrace => ({
  requests,
  rate: 1,
  disk: {},
  ...more,
})
const only = (traces: readonly AdvisedTrace[], rate?: number): CacheAdvice => {
  const { caches } = advise(traces, { rate })
  expect(caches).toHaveLength(1)
  return caches[0]!
}
const said = (advice: CacheAdvice) => advice.advice.join('\n')

describe('advice', () => {
  const SMALL = { requests: 60_000, keys: 8000, seed: 5 }
  const LARGE = { requests: 1_000_000, keys: 100_000, seed: 5 }
  type Case = readonly [WorkloadName, WorkloadOptions, number]
  const AT_FULL: readonly Case[] = [
    ['zipf', { ...LARGE, alpha: 0.9 }, 5000],
    ['scan', { ...LARGE, alpha: 1 }, 5000],
    ['shift', { ...LARGE, alpha: 1 }, 5000],
    ['zipf', { ...LARGE, alpha: 1, costs: 'lognormal' }, 5000],
  ]
  const CASES: readonly Case[] = [
    ['zipf', { ...SMALL, alpha: 0.9 }, 400],
    ['scan', { ...SMALL, alpha: 1 }, 800],
    ['shift', { ...SMALL, alpha: 1 }, 400],
    ['zipf', { ...SMALL, alpha: 0.9, seed: 6, costs: 'lognormal' }, 800],
    ...(FULL ? AT_FULL : []),
  ]
  it.each(CASES)(
    'names the policy that full simulation finds best, and what it does: %s %j %d',
    (name, options, capacity) => {
      const requests = workload(name, options)
      // So few would be simulated in full: a quarter of the keys is said here. Of many as much is taken as is without being said.
      const rate = options.requests > 100_000 ? undefined : 0.25
      const advice = only([traceOf(requests, { caches: { embeddings: { policy: 'lru', capacity } } })], rate)
      const full = NAMES.map(policy => ({ policy, ...simulate(requests, { policy, capacity, cache: 0 }) }))
      const saved = (policy: PolicyName) =>
        full.map(one => (one.policy === policy ? one.saved / one.cost : 0)).reduce((a, b) => a + b)
      const best = Math.max(...NAMES.map(saved))
      const { policy } = advice.best
      // Of several that do as well the simplest.
      expect(best - saved(policy)).toBeLessThan(0.01)
      expect(saved(policy)).toBeGreaterThan(saved('lru') - 0.01)
      const replay = full.find(one => one.policy === policy)!
      expect(Math.abs(advice.best.hitRate - replay.hits / replay.requests)).toBeLessThan(0.01)
      expect(said(advice)).toContain(policy)
    },
    600_000,
  )

  it('predicts what a replay does at the sizes it names', () => {
    const requests = workload('zipf', { requests: 40_000, keys: 3000, alpha: 1.1, seed: 2 })
    const advice = only([traceOf(requests, { caches: { embeddings: { policy: 'lru', capacity: 500 } } })], 0.5)
    const reached = advice.targets.filter(target => target.capacity !== undefined)
    expect(reached.length).toBeGreaterThan(1)
    for (const { hitRate, capacity } of reached) {
      const { hits, requests: all } = simulate(requests, { policy: advice.best.policy, capacity: capacity!, cache: 0 })
      expect(Math.abs(hits / all - hitRate)).toBeLessThan(0.012)
    }
  })

  it('leaves what is where nothing pays more than half a point', () => {
    const requests = workload('loop', { requests: 5000, keys: 100, seed: 1 })
    for (const policy of ['lru', 's3-fifo'] as const) {
      const advice = only([traceOf(requests, { caches: { embeddings: { policy, capacity: 200 } } })])
      expect(advice.best.policy).toBe(policy)
      expect(said(advice)).toContain('as good as any other')
    }
  })

  it('says what could be given back, and what more would save', () => {
    const requests = workload('zipf', { requests: 10_000, keys: 2000, alpha: 1.1, seed: 3, bytes: 10_000 })
    const roomy = only([traceOf(requests, { caches: { embeddings: { policy: 'lru', capacity: 10_000 } } })])
    expect(roomy.more.savedSeconds).toBe(0)
    expect(said(roomy)).toMatch(/give back \d+ MB/)
    const few = workload('zipf', { requests: 500, keys: 50, alpha: 1.1, seed: 3, bytes: 10_000 })
    const thin = only([traceOf(few, { caches: { embeddings: { policy: 'lru', capacity: 10_000 } } })])
    expect(said(thin)).toContain('This is thin')
    expect(said(thin)).not.toContain('give back')
    const tight = only([traceOf(requests, { caches: { embeddings: { policy: 'lru', capacity: 50 } } })])
    expect(tight.more.savedSeconds).toBeGreaterThan(1)
    expect(said(tight)).toMatch(/10 MB more would save .* a day of computing/)
    expect(said(tight)).not.toContain('give back')
    // 10 MB are 1,000 entries of these.
    const { best } = tight
    const day = 86_400 / ((requests.at.at(-1)! - requests.at[0]!) / 1000)
    const saves = (capacity: number) => simulate(requests, { policy: best.policy, capacity, cache: 0 }).saved / 1e6
    expect(tight.more.savedSeconds).toBeCloseTo((saves(1050) - saves(50)) * day, 0)
  })

  it('takes the bytes that bound memory for its size', () => {
    const requests = workload('zipf', { requests: 5000, keys: 500, seed: 3, bytes: 1000 })
    const { now } = only([
      traceOf(requests, { caches: { embeddings: { policy: 'lru', capacity: 400, bytes: 50_000 } } }),
    ])
    expect(now).toMatchObject({ capacity: 50, bytes: 50_000 })
  })

  it('holds memory that is bound by bytes to its bytes', () => {
    const requests = workload('zipf', { requests: 20_000, keys: 2000, alpha: 0.9, seed: 3, bytes: 300 })
    // One entry in fifty is huge.
    for (let i = 0; i < requests.length; i++) if (requests.key[i]! % 50 === 0) requests.bytes[i] = 500_000
    const bytes = 3_000_000
    const advice = only([traceOf(requests, { caches: { embeddings: { policy: 'lru', bytes } } })])
    const { curves, now } = advice
    // A number of entries would be another bound, and a harmful one.
    expect(said(advice)).not.toContain('_CACHE_SIZE')
    for (const policy of ['lru', 'gdsf', 's3-fifo'] as const) {
      const { hits, requests: all } = simulate(requests, {
        policy,
        capacity: Number.POSITIVE_INFINITY,
        capacityBytes: bytes,
        cache: 0,
      })
      const point = curves.find(curve => curve.policy === policy)!.points.find(one => one.capacity === now!.capacity)!
      expect(Math.abs(point.hitRate - hits / all), policy).toBeLessThan(0.02)
    }
  })

  it('says nothing of time that nobody knows, and what memory that never helped is good for', () => {
    const memory = { caches: { embeddings: { policy: 'lru' as const, capacity: 50 } } }
    const still = workload('zipf', { requests: 3000, keys: 500, seed: 3 })
    still.at.fill(1000)
    const free = withColumn(workload('zipf', { requests: 3000, keys: 500, seed: 3 }), 'cost', 0)
    for (const requests of [still, free])
      expect(said(only([traceOf(requests, memory)]))).not.toContain('less than a second')
    const once = requestsOf([...Array(2000).keys()], COMPUTED)
    expect(said(only([traceOf(once, memory)]))).toContain('Nothing was asked for that memory could have answered')
  })

  it('tells memory that is off from one whose bytes nobody knew', () => {
    const requests = workload('zipf', { requests: 5000, keys: 500, seed: 3, bytes: 1000 })
    const unknown = only([traceOf(requests, { caches: { embeddings: { policy: 'lru', capacity: 40, bytes: 0 } } })])
    expect(unknown.now).toMatchObject({ capacity: 40, bytes: 40_000 })
    expect(unknown.best).toMatchObject({ capacity: 40 })
    const off = only([traceOf(requests, { caches: { embeddings: { policy: 'lru', capacity: 0 } } })])
    expect(off.now).toMatchObject({ capacity: 0, bytes: 0 })
    expect(off.best.hitRate).toBeGreaterThan(0.5)
    expect(said(off)).toContain('Memory is off')
  })

  it('counts its steps, of several processes as of one', () => {
    const requests = workload('zipf', { requests: 2000, keys: 500, seed: 3 })
    let last = { done: 0, all: 0 }
    advise([traceOf(requests), traceOf(requests), traceOf(requests)], {
      onStep: (done, all) => {
        last = { done, all }
      },
    })
    expect(last.done / last.all).toBeGreaterThan(0.7)
    expect(last.done / last.all).toBeLessThan(1.3)
  })

  it('counts what the disk would have to read where there is one, at the median of what was measured', () => {
    const requests = workload('zipf', { requests: 4000, keys: 300, seed: 8, costs: 'lognormal' })
    for (let i = 0; i < requests.length; i += 3) {
      requests.outcome[i] = DISK
      requests.micros[i] = i % 2 ? 150 : 50
    }
    requests.micros[0] = 100
    const memory = { embeddings: { policy: 'lru', capacity: 60 } } as const
    const { curves } = only([traceOf(requests, { disk: { embeddings: true }, caches: memory })])
    for (const point of curves.flatMap(curve => curve.points)) expect(point.savedRate).toBeCloseTo(point.hitRate, 6)
    const lru = curves.find(curve => curve.policy === 'lru')!.points.at(-1)!
    const span = (requests.at.at(-1)! - requests.at[0]!) / 1000
    const reads = lru.hitRate * requests.length * (86_400 / span)
    expect(
      [50, 100, 150].map(micros => (reads * micros) / 1e6).some(seconds => Math.abs(seconds - lru.savedSeconds) < 1e-6),
    ).toBe(true)
  })

  it('scales what a trace of part of the keys says to all of them', () => {
    const whole = workload('zipf', { requests: 30_000, keys: 8000, alpha: 0.8, seed: 4 })
    const part = sampled(whole, 0.25)
    const [all, some] = [only([traceOf(whole)], 1), only([traceOf(part, { rate: 0.25 })], 1)]
    expect(Math.abs(some.keys / all.keys - 1)).toBeLessThan(0.1)
    const lru = (advice: CacheAdvice) => advice.curves.find(curve => curve.policy === 'lru')!.points
    const [one, other] = [lru(all).at(-3)!, lru(some).at(-3)!]
    expect(Math.abs(one.capacity / other.capacity - 1)).toBeLessThan(0.1)
    expect(Math.abs(one.hitRate - other.hitRate)).toBeLessThan(0.05)
    expect(Math.abs(one.savedSeconds / other.savedSeconds - 1)).toBeLessThan(0.25)
  })

  it('knows what processes computed that another had computed', () => {
    const one = requestsOf([1, 2, 3, 1], COMPUTED, [0, 1, 2, 3])
    const other = requestsOf([2, 4, 1, 2], COMPUTED, [2.5, 2.6, 2.7, 3])
    other.outcome[3] = MEMORY
    const advice = only([traceOf(one), traceOf(other)])
    // 2 and 1 by the second after the first, and 1 again by the first; 4 by nobody before.
    expect(advice.shared?.computations).toBe(3)
    expect(advice.shared?.savedSeconds).toBeGreaterThan(0)
    expect(advice.keys).toBe(4)
    expect(said(advice)).toContain('shared tier')
    expect(only([traceOf(one)]).shared).toBeUndefined()
  })

  it('holds each of several processes to a memory of its own', () => {
    // Together 20 keys; each asks for 10 of its own, over and over.
    const loop = (from: number) =>
      requestsOf(
        Array.from({ length: 500 }, (_, i) => from + (i % 10)),
        COMPUTED,
      )
    const { curves } = only([traceOf(loop(0)), traceOf(loop(100))])
    const last = curves.find(curve => curve.policy === 'lru')!.points.at(-1)!
    expect(last.capacity).toBe(10)
    expect(last.hitRate).toBeCloseTo(0.98, 6)
  })

  const ODD: readonly [string, Requests][] = [
    ['one request', requestsOf([1], COMPUTED)],
    ['one key', requestsOf(Array(500).fill(7), COMPUTED)],
    [
      'all different',
      requestsOf(
        Array.from({ length: 500 }, (_, i) => i),
        COMPUTED,
      ),
    ],
    ['all at once', requestsOf([1, 2, 1, 2, 3], COMPUTED, [0, 0, 0, 0, 0])],
    ['no bytes', withColumn(requestsOf([1, 2, 1, 2, 3], COMPUTED), 'bytes', 0)],
    ['no costs', withColumn(workload('zipf', { requests: 3000, keys: 300, seed: 1 }), 'cost', 0)],
    ['nothing that came', requestsOf([1, 1, 1], OUTCOMES.indexOf('absent'))],
  ]
  it.each(ODD)('of %s is finite and plain', (_name, requests) => {
    for (const more of [{}, { caches: { embeddings: { policy: 'lru' as const, capacity: 100 } } }, { rate: 0.3 }]) {
      for (const rate of [undefined, 0.01, 1]) {
        const report = advise([traceOf(requests, more)], { rate })
        expect(JSON.stringify(report)).not.toContain('null')
        expect(report.caches).toHaveLength(1)
        const { curves, best, advice } = report.caches[0]!
        for (const { hitRate, savedRate, savedSeconds } of [...curves.flatMap(curve => curve.points), best]) {
          for (const value of [hitRate, savedRate]) expect(value >= 0 && value <= 1).toBe(true)
          expect(savedSeconds).toBeGreaterThanOrEqual(0)
        }
        if (requests.length < 1000) expect(advice[0]).toContain('This is thin')
        expect(advice.join(' ')).not.toMatch(/NaN|Infinity|undefined|-\d/)
      }
    }
  })

  it('of nothing is a report without caches', () => {
    expect(advise([])).toMatchObject({ traces: 0, requests: 0, spanSeconds: 0, caches: [] })
    expect(advise([traceOf(newRequests(0))])).toMatchObject({ traces: 1, requests: 0, spanSeconds: 0, caches: [] })
  })

  it('calls a long list in a short time thin, and a long one not', () => {
    const requests = workload('zipf', { requests: 2000, keys: 100, seed: 1 })
    expect(said(only([traceOf(requests)]))).toContain('This is thin')
    for (let i = 0; i < requests.length; i++) requests.at[i] = (i * HOUR) / 2000
    expect(said(only([traceOf(requests)]))).not.toContain('thin')
  })
})

function requestsOf(keys: readonly number[], outcome: number, at: readonly number[] = keys.map((_, i) => i)): Requests {
  const requests = newRequests(keys.length)
  keys.forEach((key, i) => {
    requests.key[i] = key
    requests.at[i] = at[i]!
    requests.bytes[i] = 100
    requests.cost[i] = 1000
    requests.micros[i] = 1000
    requests.outcome[i] = outcome
  })
  return requests
}

function withColumn(requests: Requests, column: 'bytes' | 'cost', value: number): Requests {
  requests[column].fill(value)
  return requests
}

/** The requests of the keys below that part of all hashes. */
function sampled(requests: Requests, rate: number): Requests {
  const places = [...requests.key.keys()].filter(i => requests.key[i]! < rate * 2 ** 52)
  const some = newRequests(places.length)
  for (const name of ['at', 'cache', 'key', 'bytes', 'tokens', 'cost', 'micros', 'outcome'] as const) {
    for (const [i, place] of places.entries()) some[name][i] = requests[name][place]!
  }
  return some
}

describe('advice on how memory is now', () => {
  const requests = (start: number) => {
    const made = workload('zipf', { requests: 2000, keys: 200, seed: 3 })
    return { ...made, at: made.at.map(at => at + start) }
  }
  const memory = (policy: string, capacity: number) => ({ embeddings: { policy: policy as PolicyName, capacity } })

  it('is of the process that asked last, and names the variable that would change it', () => {
    const old = traceOf(requests(0), { caches: memory('lru', 150) })
    const { now, advice } = only([traceOf(requests(HOUR), { caches: memory('sieve', 20) }), old])
    expect(now).toMatchObject({ policy: 'sieve', capacity: 20 })
    expect(advice).not.toHaveLength(0)
    const scarce = only([
      traceOf(workload('scan', { requests: 20_000, keys: 2000, seed: 3 }), { caches: memory('lru', 100) }),
    ])
    expect(said(scarce)).toContain(`OPDBUS_EMBEDDING_POLICY=${scarce.best.policy}`)
  })

  it.each(['arc-9', 'constructor'])('takes a policy that it does not know (%s) as none', policy => {
    const { now, best } = only([traceOf(requests(0), { caches: memory(policy, 20) })])
    expect(now).toBeUndefined()
    expect(best.hitRate).toBeGreaterThan(0)
  })

  it('assumes what a read takes where none was measured, and says so; what one process measured counts for all', () => {
    const unread = traceOf(requests(0), { disk: { embeddings: true } })
    const assumed = only([unread])
    expect(said(assumed)).toContain('what a read takes is assumed')
    expect(assumed.best.savedSeconds).toBeGreaterThan(0)
    const reading = requests(HOUR)
    const outcome = reading.outcome.map((_, i) => (i % 7 === 0 ? DISK : MEMORY))
    const micros = new Float32Array(reading.length).fill(30)
    const measured = only([unread, traceOf({ ...reading, outcome, micros }, { disk: { embeddings: true } })])
    expect(said(measured)).not.toContain('assumed')
  })
})
