// Whatever comes: the four caches together never have more than they started with, and none has less than its floor.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { NewPolicy } from '../../../src/cache/eviction.js'
import type { CacheName } from '../../../src/ports.js'
import type { Setting, Watched } from '../../../src/tuning/auto/settings.js'
import { SimulatedMemory } from '../../../src/tuning/auto/simulated-memory.js'
import { AutoTuner } from '../../../src/tuning/auto/tuner.js'
import { POLICIES } from '../../../src/tuning/policies.js'
import { CACHE_ORDER } from '../../../src/tuning/requests.js'
import { Traffic } from './traffic.js'

const RUNS = process.env.OP_DBUS_TUNING === 'full' ? 500 : 10

const setting = fc.record({
  bytes: fc.oneof(fc.constantFrom(0, 1, 2048, 65_536), fc.integer({ min: 1, max: 2_000_000 })),
  entries: fc.oneof(fc.constantFrom(0, 1, 2, Number.POSITIVE_INFINITY), fc.integer({ min: 1, max: 1000 })),
  policy: fc.constantFrom(...(Object.keys(POLICIES) as Setting['policy'][])),
})

it('stays within the bytes of the start at each step, with capacities of 0 and 1 as well', () => {
  let changes = 0
  fc.assert(
    fc.property(
      fc.record({ embeddings: setting, queries: setting, diffs: setting, blocks: setting }),
      fc.array(fc.record({ hot: fc.constantFrom(...CACHE_ORDER), weird: fc.constantFrom(0, Number.NaN, -5, 1e12) }), {
        minLength: 3,
        maxLength: 6,
      }),
      fc.integer({ min: 0, max: 2 ** 31 }),
      (start, phases, seed) => {
        let now = 0
        const memories = new Map<CacheName, SimulatedMemory>()
        const isOn = ({ bytes, entries }: Setting) => bytes >= 1 && entries >= 1
        const budget = CACHE_ORDER.reduce((sum, name) => sum + (isOn(start[name]) ? start[name].bytes : 0), 0)
        const check = () => {
          let bounds = 0
          for (const [name, memory] of memories) {
            const { capacity, capacityBytes, bytes, size } = memory.memoryInfo()
            if (!isOn(start[name])) {
              expect({ capacity, capacityBytes }).toEqual({
                capacity: start[name].entries,
                capacityBytes: start[name].bytes,
              })
              continue
            }
            bounds += capacityBytes
            expect(bytes).toBeLessThanOrEqual(capacityBytes)
            expect(size).toBeLessThanOrEqual(capacity)
            expect(capacity).toBeGreaterThanOrEqual(1)
            expect(capacityBytes).toBeGreaterThanOrEqual(Math.min(start[name].bytes, 65_536))
          }
          expect(bounds).toBeLessThanOrEqual(budget)
        }
        /** A memory that looks around after each change, the one in the middle of a move too. */
        class Checked extends SimulatedMemory {
          override resizeMemory(capacity: number, bytes: number): void {
            super.resizeMemory(capacity, bytes)
            check()
          }
          override setPolicy(policy: NewPolicy): void {
            super.setPolicy(policy)
            check()
          }
        }
        for (const name of CACHE_ORDER) memories.set(name, new Checked(start[name], POLICIES))
        const caches = CACHE_ORDER.map((name): Watched => ({ name, memory: memories.get(name)!, readMicros: () => 10 }))
        const clock = { now: () => now, monotonic: () => now }
        const tuner = new AutoTuner({ caches, policies: POLICIES, clock, changed: () => void changes++ })
        expect(tuner.budgetBytes).toBe(budget)
        const traffic = new Traffic(seed)
        for (const { hot, weird } of phases) {
          for (let i = 0; i < 1500; i++) {
            now += 20
            const one = traffic.next({ embeddings: 0.1, queries: 0.1, diffs: 0.1, blocks: 0.1, [hot]: 0.7 })
            memories.get(one.cache)!.request(one.key, one.bytes, i % 7 === 0 ? weird : one.cost)
            if (i % 50 === 0) tuner.moment()
          }
        }
        check()
        const { shares, usedBytes } = tuner.state()
        expect(usedBytes).toBeLessThanOrEqual(budget)
        for (const name of CACHE_ORDER) {
          expect(shares[name]?.bytes).toBe(
            isOn(start[name]) ? memories.get(name)!.memoryInfo().capacityBytes : undefined,
          )
        }
        tuner.close()
      },
    ),
    { numRuns: RUNS, seed: 16 },
  )
  // Otherwise nothing was looked at.
  expect(changes).toBeGreaterThan(5)
})
