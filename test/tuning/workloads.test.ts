// Workloads: the same from the same seed, and shaped as they say.
import { describe, expect, it } from 'vitest'
import type { Requests } from '../../src/tuning/requests.js'
import { WORKLOADS, workload } from '../../src/tuning/workloads.js'

const counts = (requests: Requests, from = 0, to = requests.length) => {
  const found = new Map<number, number>()
  for (const key of requests.key.subarray(from, to)) found.set(key, (found.get(key) ?? 0) + 1)
  return [...found].sort((a, b) => b[1] - a[1])
}

describe('workload', () => {
  it.each(WORKLOADS)('%s: one seed says one list, another says another', name => {
    const options = { requests: 2000, keys: 500, costs: 'lognormal' } as const
    const first = workload(name, { ...options, seed: 1 })
    const again = workload(name, { ...options, seed: 1 })
    for (const column of ['at', 'key', 'bytes', 'cost'] as const) {
      expect(Buffer.from(again[column].buffer).equals(Buffer.from(first[column].buffer)), column).toBe(true)
    }
    expect(workload(name, { ...options, seed: 2 }).key).not.toEqual(first.key)
    expect(first).toMatchObject({ length: 2000 })
    expect(first.key.every(key => Number.isInteger(key) && key >= 0 && key < 2 ** 52)).toBe(true)
    expect(first.at.every((at, i) => i === 0 || at >= first.at[i - 1]!)).toBe(true)
  })

  it('is the same on every machine', () => {
    const { key } = workload('shift', { requests: 1000, keys: 100, seed: 3 })
    expect([...key.slice(0, 3), key[999]]).toMatchInlineSnapshot(`
      [
        4413069449815609,
        3597880723411044,
        3864854844211805,
        4146891689726511,
      ]
    `)
  })

  it('zipf: the first of the ranking is asked for twice as often as the second, ten times as often as the tenth', () => {
    const ranked = counts(workload('zipf', { requests: 100_000, keys: 1000, seed: 1 }))
    expect(ranked[0]![1] / ranked[1]![1]).toBeCloseTo(2, 0.7)
    expect(ranked[0]![1] / ranked[9]![1] / 10).toBeCloseTo(1, 0.7)
    expect(ranked.length).toBeGreaterThan(990)
  })

  it('scan: a third of all requests are to what is never asked for again', () => {
    const ranked = counts(workload('scan', { requests: 30_000, keys: 1000, seed: 1 }))
    expect(ranked.length).toBeGreaterThan(10_000)
    expect(ranked.filter(([, times]) => times === 1).length).toBeGreaterThanOrEqual(10_000)
  })

  it('loop: all keys, in the same order again', () => {
    const { key } = workload('loop', { requests: 3000, keys: 1000, seed: 1 })
    expect(new Set(key.subarray(0, 1000)).size).toBe(1000)
    expect(key.subarray(1000, 2000)).toEqual(key.subarray(0, 1000))
  })

  it('shift: what is asked for most is something else in each tenth', () => {
    const requests = workload('shift', { requests: 10_000, keys: 1000, seed: 1 })
    const firsts = Array.from({ length: 10 }, (_, i) => counts(requests, i * 1000, (i + 1) * 1000)[0]![0])
    expect(new Set(firsts).size).toBeGreaterThan(7)
  })

  it('gives a key one cost, lognormal over the keys', () => {
    const { key, cost } = workload('loop', { requests: 20_000, keys: 10_000, seed: 1, costs: 'lognormal' })
    expect(key[0]).toBe(key[10_000])
    expect(cost.subarray(10_000)).toEqual(cost.subarray(0, 10_000))
    const logs = cost.subarray(0, 10_000).map(Math.log)
    const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length
    const sigma = Math.sqrt(logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / logs.length)
    expect(mean).toBeCloseTo(Math.log(4000), 1)
    expect(sigma).toBeCloseTo(1.5, 1)
  })

  it('refuses numbers that make no list', () => {
    expect(() => workload('zipf', { requests: 1.5, keys: 10, seed: 1 })).toThrow('whole requests')
    expect(() => workload('zipf', { requests: 10, keys: 0, seed: 1 })).toThrow('at least one key')
    expect(workload('shift', { requests: 0, keys: 1, seed: 1 }).length).toBe(0)
  })
})
