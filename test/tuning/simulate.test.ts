// Simulations: the bounds of memory against a plain model of them, what counts, and what a cost-aware policy gains.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PolicyName } from '../../src/cache/eviction.js'
import { MemoryTier } from '../../src/cache/memory-tier.js'
import { logLines, seeded } from '../../src/sample-lines.js'
import { POLICIES } from '../../src/tuning/policies.js'
import { newRequests, OUTCOMES, type Requests } from '../../src/tuning/requests.js'
import { type SimulationOptions, simulate } from '../../src/tuning/simulate.js'
import { WORKLOADS, workload } from '../../src/tuning/workloads.js'
import { TestClock } from '../support.js'

const FULL = process.env.OP_DBUS_TUNING === 'full'
const SIZE = FULL ? 1_000_000 : 50_000
const NAMES = Object.keys(POLICIES) as PolicyName[]

interface Request {
  readonly key: number
  readonly cache?: number
  readonly bytes?: number
  readonly cost?: number
  readonly outcome?: (typeof OUTCOMES)[number]
}

function listOf(list: readonly Request[]): Requests {
  const requests = newRequests(list.length)
  for (const [i, { key, cache = 0, bytes = 100, cost = 10, outcome = 'computed' }] of list.entries()) {
    requests.key[i] = key
    requests.cache[i] = cache
    requests.bytes[i] = bytes
    requests.cost[i] = cost
    requests.outcome[i] = OUTCOMES.indexOf(outcome)
  }
  return requests
}

/** Hits of an LRU memory, as a Map in order of use. */
function lruHits(list: readonly Request[], capacity: number, capacityBytes: number): number {
  const held = new Map<string, number>()
  let hits = 0
  const over = () => held.size > capacity || [...held.values()].reduce((sum, bytes) => sum + bytes, 0) > capacityBytes
  for (const { key, cache = 0, bytes = 100, outcome } of list) {
    if (outcome === 'absent' || outcome === 'failed') continue
    const id = `${cache} ${key}`
    if (held.has(id)) hits++
    held.delete(id)
    if (bytes > capacityBytes) continue
    held.set(id, bytes)
    while (over()) held.delete(held.keys().next().value!)
  }
  return hits
}

describe('simulate', () => {
  const request = fc.record({
    key: fc.oneof(fc.nat(6), fc.constantFrom(2 ** 52 - 1, 2 ** 33, 2 ** 32, 2 ** 40 + 3)),
    cache: fc.nat(1),
    bytes: fc.constantFrom(100, 100, 100, 1, 500, 2000),
    outcome: fc.constantFrom('computed', 'memory', 'disk', 'absent', 'failed'),
  })

  it('bounds a memory by entries and bytes as a plain model does, sizes that change and entries too large included', () => {
    const lists = fc.array(request as fc.Arbitrary<Request>, { minLength: 1, maxLength: 120, size: 'max' })
    const bounds = fc.record({
      capacity: fc.constantFrom(0, 1, 2, 3, 8, Infinity),
      capacityBytes: fc.constantFrom(50, 600, 1500, Infinity),
    })
    fc.assert(
      fc.property(lists, bounds, (list, { capacity, capacityBytes }) => {
        const { hits } = simulate(listOf(list), { policy: 'lru', capacity, capacityBytes })
        expect(hits).toBe(lruHits(list, capacity, capacityBytes))
      }),
      { numRuns: FULL ? 1000 : 60 },
    )
  })

  it.each(NAMES)('%s: keeps within all bounds, whatever comes', policy => {
    const lists = fc.array(request as fc.Arbitrary<Request>, { minLength: 1, maxLength: 200, size: 'max' })
    fc.assert(
      fc.property(lists, fc.constantFrom(1, 2, 3, 5, Infinity), (list, capacity) => {
        const all = simulate(listOf(list), { policy, capacity, capacityBytes: 1500 })
        expect(all.requests).toBe(list.length)
        expect(all.cost).toBe(list.length * 10)
        expect(all.saved).toBe(all.hits * 10)
        // With room for everything no policy differs from any other.
        const roomy: SimulationOptions = { policy, capacity: 1000 }
        expect(simulate(listOf(list), roomy).hits).toBe(simulate(listOf(list), { ...roomy, policy: 'lru' }).hits)
      }),
      { numRuns: FULL ? 200 : 10 },
    )
  })

  it('looks at one cache where it is asked to', () => {
    const list = [0, 1, 0, 1, 1].map(cache => ({ key: 7, cache, cost: 1 + cache }))
    expect(simulate(listOf(list), { policy: 'lru', capacity: 5, cache: 1 })).toEqual({
      requests: 3,
      hits: 2,
      cost: 6,
      saved: 4,
    })
    expect(simulate(listOf(list), { policy: 'lru', capacity: 5 }).hits).toBe(3)
    expect(simulate(listOf([]), { policy: 's3-fifo', capacity: 5 })).toEqual({
      requests: 0,
      hits: 0,
      cost: 0,
      saved: 0,
    })
  })

  it.each(NAMES)('%s: hits as often as the memory of the caches does, where bytes are the bound', policy => {
    const requests = workload('shift', { requests: 5000, keys: 500, seed: 1, costs: 'lognormal' })
    requests.bytes.set(requests.key.map(key => 100 + (key % 900)))
    const memory = new MemoryTier<{ bytes: number }>({
      capacity: Number.POSITIVE_INFINITY,
      capacityBytes: 50_000,
      sizeOf: value => value.bytes,
      policy: capacity => POLICIES[policy](capacity, seeded(1)),
      clock: new TestClock(),
    })
    let hits = 0
    for (const [i, key] of requests.key.entries()) {
      if (memory.get(String(key)) !== undefined) hits++
      else memory.set(String(key), { bytes: requests.bytes[i]! }, undefined, requests.cost[i])
    }
    const simulated = simulate(requests, { policy, capacity: Number.POSITIVE_INFINITY, capacityBytes: 50_000 }).hits
    // W-TinyLFU counts by hashes, which differ.
    if (policy === 'w-tinylfu') expect(Math.abs(hits / simulated - 1)).toBeLessThan(0.02)
    else expect(hits).toBe(simulated)
  })

  it.each(NAMES)('%s: says the same twice', policy => {
    const requests = workload('shift', { requests: 5000, keys: 500, seed: 1, costs: 'lognormal' })
    expect(simulate(requests, { policy, capacity: 100 })).toEqual(simulate(requests, { policy, capacity: 100 }))
  })
})

describe('the policies on workloads', () => {
  const hitRate = (requests: Requests, policy: PolicyName, capacity: number) => {
    const { hits, requests: all } = simulate(requests, { policy, capacity })
    return (100 * hits) / all
  }

  it.each(WORKLOADS)('%s: what was best so far is not more than a point below LRU from then on', name => {
    for (const alpha of name === 'zipf' ? [0.9, 1.1] : [1]) {
      const requests = workload(name, { requests: 50_000, keys: 5000, alpha, seed: 3 })
      for (const capacity of [50, 500]) {
        const half = part(requests, requests.length / 2)
        const best = NAMES.reduce((a, b) => (hitRate(half, b, capacity) > hitRate(half, a, capacity) ? b : a), 'lru')
        const over = (policy: PolicyName) => hitRate(requests, policy, capacity)
        expect(over(best), `${best} of ${capacity}, alpha ${alpha}`).toBeGreaterThanOrEqual(over('lru') - 1)
      }
    }
  })

  it('cost-aware S3-FIFO saves more computing than S3-FIFO, where popularity stays and where it shifts', () => {
    for (const [name, gain] of [
      ['zipf', 1],
      ['shift', -0.5],
    ] as const) {
      const requests = workload(name, { requests: SIZE, keys: SIZE / 10, alpha: 0.9, seed: 1, costs: 'lognormal' })
      for (const capacity of [SIZE / 1000, SIZE / 100]) {
        const saved = (policy: PolicyName) => {
          const { saved, cost } = simulate(requests, { policy, capacity })
          return (100 * saved) / cost
        }
        expect(saved('cost-s3-fifo'), `${name} ${capacity}`).toBeGreaterThanOrEqual(saved('s3-fifo') + gain)
      }
    }
  })

  it('cost-aware S3-FIFO saves as much as S3-FIFO where what is asked for most is cheap: the lines of a log', () => {
    const numbers = new Map<string, number>()
    const list = logLines(50_000, 1).map(line => {
      const key = numbers.get(line) ?? numbers.size
      numbers.set(line, key)
      return { key, cost: line.length }
    })
    for (const part of [0.01, 0.1]) {
      const saved = (policy: PolicyName) => {
        const { saved, cost } = simulate(listOf(list), { policy, capacity: Math.round(part * numbers.size) })
        return (100 * saved) / cost
      }
      expect(saved('cost-s3-fifo'), String(part)).toBeGreaterThanOrEqual(saved('s3-fifo') - 0.5)
    }
  })

  it('cost-aware S3-FIFO is S3-FIFO as long as no cost is known', () => {
    const requests = workload('shift', { requests: 30_000, keys: 3000, seed: 5 })
    requests.cost.fill(0)
    for (const capacity of [1, 30, 300]) {
      expect(simulate(requests, { policy: 'cost-s3-fifo', capacity })).toEqual(
        simulate(requests, { policy: 's3-fifo', capacity }),
      )
    }
  })

  it('one absurd cost does not make cost-aware policies forget what the others are worth', () => {
    const requests = workload('zipf', { requests: 50_000, keys: 5000, alpha: 0.9, seed: 1, costs: 'lognormal' })
    const before = simulate(requests, { policy: 'cost-s3-fifo', capacity: 500 }).hits
    requests.cost[500] = 1e12
    expect(simulate(requests, { policy: 'cost-s3-fifo', capacity: 500 }).hits).toBeGreaterThan(0.99 * before)
  })
})

/** The first `length` of them. */
function part(requests: Requests, length: number): Requests {
  const first = newRequests(length)
  for (const column of ['at', 'cache', 'key', 'bytes', 'tokens', 'cost', 'micros', 'outcome'] as const) {
    first[column].set(requests[column].subarray(0, length))
  }
  return first
}
