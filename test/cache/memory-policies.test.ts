// The memory tier under each policy against a plain map, and under LRU against lru-cache; what tuners change while it runs.
import fc from 'fast-check'
import { LRUCache } from 'lru-cache'
import { describe, expect, it } from 'vitest'
import { CacheEvents } from '../../src/cache/cache-events.js'
import type { EvictionPolicy, NewPolicy, PolicyName } from '../../src/cache/eviction.js'
import { MemoryTier } from '../../src/cache/memory-tier.js'
import { Diagnostics } from '../../src/diagnostics.js'
import { POLICIES } from '../../src/tuning/policies.js'
import { TestClock } from '../support.js'

interface Box {
  readonly id: string
  readonly bytes: number
  readonly seed: number
}

const FULL = process.env.OP_DBUS_TUNING === 'full'
const NAMES = Object.keys(POLICIES) as PolicyName[]

const id = fc.integer({ min: 0, max: 30 }).map(String)
const bytes = fc.integer({ min: 1, max: 40 })
const ttl = fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined })
const step = fc.oneof(
  { weight: 20, arbitrary: fc.record({ kind: fc.constant('set' as const), id, bytes, ttl, cost: fc.nat(1000) }) },
  { weight: 20, arbitrary: fc.record({ kind: fc.constantFrom('get' as const, 'touch' as const), id }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), id }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('resize' as const),
      capacity: fc.integer({ min: 0, max: 24 }),
      bytes: fc.integer({ min: 1, max: 400 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('policy' as const), name: fc.constantFrom(...NAMES) }) },
)
const steps = fc.array(step, { minLength: 120, maxLength: 120 })
const capacities = fc.integer({ min: 0, max: 24 })

/** Passes everything on, and throws where it is told of a slot that is not what it is said to be. */
function watched(make: NewPolicy): NewPolicy {
  return capacity => {
    const inner: EvictionPolicy = make(capacity, () => 0.5)
    const live = new Set<number>()
    const must = (slot: number) => expect(live.has(slot), `slot ${slot} of ${inner.name}`).toBe(true)
    return {
      name: inner.name,
      get bytes() {
        return inner.bytes
      },
      added(slot, hash, bytes, cost) {
        expect(live.has(slot)).toBe(false)
        live.add(slot)
        inner.added(slot, hash, bytes, cost)
      },
      hit(slot) {
        must(slot)
        inner.hit(slot)
      },
      replaced(slot, bytes, cost) {
        must(slot)
        if (inner.replaced) inner.replaced(slot, bytes, cost)
        else inner.hit(slot)
      },
      removed(slot) {
        must(slot)
        live.delete(slot)
        inner.removed(slot)
      },
      victim() {
        const slot = inner.victim()
        if (slot === undefined) expect(live.size).toBe(0)
        else {
          must(slot)
          live.delete(slot)
        }
        return slot
      },
      resize: capacity => inner.resize(capacity),
      *slots() {
        const slots = [...inner.slots()]
        expect(new Set(slots)).toEqual(live)
        expect(slots.length).toBe(live.size)
        yield* slots
      },
      clear() {
        live.clear()
        inner.clear()
      },
    }
  }
}

function open(policy: NewPolicy | undefined, capacity: number, capacityBytes: number, clock = new TestClock()) {
  const diagnostics = new Diagnostics()
  const evicted: string[] = []
  diagnostics.on('evicted', ({ keyHash }) => evicted.push(keyHash))
  const tier = new MemoryTier<Box>({
    capacity,
    capacityBytes,
    sizeOf: box => box.bytes,
    policy,
    clock,
    clockResolutionMs: 0,
    events: new CacheEvents({ diagnostics, cache: 'diffs', hashOf: id => id }),
  })
  return { tier, clock, evicted }
}

describe.each(NAMES)('memory under %s', name => {
  it('answers what was set last or nothing, and holds exactly what was not told to be gone, within its bounds', () => {
    fc.assert(
      fc.property(steps, capacities, (steps, capacity) => {
        let bounds = { capacity, bytes: 300 }
        const { tier, clock, evicted } = open(watched(POLICIES[name]), bounds.capacity, bounds.bytes)
        const model = new Map<string, { box: Box; until: number }>()
        const alive = (id: string) => {
          const entry = model.get(id)
          return entry && clock.monotonic() <= entry.until ? entry.box : undefined
        }
        let [seed, hits, all] = [0, 0, 0]
        for (const step of steps) {
          if (step.kind === 'set') {
            const box = { id: step.id, bytes: step.bytes, seed: seed++ }
            tier.set(step.id, box, step.ttl, step.cost)
            if (bounds.capacity > 0 && step.ttl !== 0) {
              model.delete(step.id)
              const until = step.ttl === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() + step.ttl
              if (step.bytes <= bounds.bytes) model.set(step.id, { box, until })
            }
          } else if (step.kind === 'get') {
            expect(tier.get(step.id)).toBe(alive(step.id))
            if (alive(step.id)) hits++
          } else if (step.kind === 'touch') tier.touch(step.id)
          else if (step.kind === 'wait') clock.advance(step.ms)
          else if (step.kind === 'delete') {
            const there = alive(step.id) !== undefined
            if (there) expect(tier.delete(step.id)).toBe(true)
            else tier.delete(step.id)
            model.delete(step.id)
          } else if (step.kind === 'clear') {
            tier.clear()
            model.clear()
          } else if (step.kind === 'policy') {
            const before = new Set([...tier.entries()].map(([id]) => id))
            tier.setPolicy(watched(POLICIES[step.name]))
            expect(tier.info().policy).toBe(step.name)
            expect(new Set([...tier.entries()].map(([id]) => id))).toEqual(before)
          } else if (step.kind === 'resize') {
            bounds = step
            tier.resize(step.capacity, step.bytes)
          }
          all += evicted.length
          for (const id of evicted.splice(0)) model.delete(id)
          const { size, bytes } = tier.info()
          expect(size).toBeLessThanOrEqual(bounds.capacity)
          expect(bytes).toBeLessThanOrEqual(bounds.bytes)
        }
        const held = [...model].filter(([id]) => alive(id))
        expect(new Map(tier.entries())).toEqual(new Map(held.map(([id, { box }]) => [id, box])))
        const { size, bytes } = tier.stats()
        expect([size, bytes]).toEqual([held.length, held.reduce((sum, [, { box }]) => sum + box.bytes, 0)])
        expect(tier.counts.hits).toBe(hits)
        // Some of those that were past their time were counted as evicted, for want of room.
        if (!steps.some(step => step.kind === 'set' && step.ttl !== undefined)) expect(tier.counts.evictions).toBe(all)
      }),
      { numRuns: FULL ? 400 : 20 },
    )
  })

  it('goes through its entries while they are used, replaced and deleted', () => {
    const { tier } = open(POLICIES[name], 20, 1e6)
    for (let i = 0; i < 10; i++) tier.set(String(i), { id: String(i), bytes: 1, seed: i })
    const seen: string[] = []
    for (const [id] of tier.entries()) {
      seen.push(id)
      tier.get(id)
      if (id === '3') tier.set('3', { id, bytes: 2, seed: 99 })
      for (const other of ['7', '8']) if (id !== other) tier.delete(other)
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.length).toBeGreaterThanOrEqual(8)
    expect(tier.size).toBe(8)
    for (const [id] of tier.entries()) tier.setPolicy(id === '1' ? POLICIES.sieve : POLICIES[name])
  })

  it('counts and tells what goes when its bounds shrink', () => {
    for (const [capacity, bytes, left] of [
      [0, 300, 0],
      [24, 50, 0],
      [24, 250, 2],
      [1, 300, 1],
    ] as const) {
      const { tier, evicted } = open(POLICIES[name], 24, 300)
      for (const id of ['a', 'b', 'c']) tier.set(id, { id, bytes: 100, seed: 1 })
      tier.resize(capacity, bytes)
      expect([tier.size, tier.counts.evictions, evicted.length]).toEqual([left, 3 - left, 3 - left])
    }
    const { tier } = open(POLICIES[name], 24, 300)
    expect(() => tier.resize(Number.NaN, 300)).toThrow('cannot hold NaN entries')
  })

  it.each([1, 2])('works with a capacity of %i', capacity => {
    const { tier } = open(watched(POLICIES[name]), capacity, 1e6)
    for (let i = 0; i < 50; i++) {
      tier.set(String(i % 7), { id: String(i % 7), bytes: 1, seed: i })
      expect(tier.get(String(i % 7))?.seed).toBe(i)
      expect(tier.size).toBeLessThanOrEqual(capacity)
    }
  })
})

/** lru-cache, rebuilt where its bounds change: it cannot change them. */
class Oracle {
  lru: LRUCache<string, Box> | undefined
  evictions = 0

  constructor(
    capacity: number,
    capacityBytes: number,
    private readonly clock: TestClock,
  ) {
    this.lru = this.#open(capacity, capacityBytes)
  }

  resize(capacity: number, capacityBytes: number): void {
    const before = this.lru
    this.lru = this.#open(capacity, capacityBytes)
    before?.purgeStale()
    if (this.lru === undefined) this.evictions += before?.size ?? 0
    for (const [id, box] of [...(before?.entries() ?? [])].reverse()) {
      const left = before!.getRemainingTTL(id)
      // lru-cache takes 0 for no end at all.
      const ttl = left === 0 ? 1e-9 : left
      if (box.bytes <= capacityBytes) this.lru?.set(id, box, Number.isFinite(ttl) ? { ttl } : {})
      else if (this.lru !== undefined) this.evictions++
    }
  }

  #open(capacity: number, maxSize: number): LRUCache<string, Box> | undefined {
    if (capacity === 0) return undefined
    return new LRUCache<string, Box>({
      max: capacity,
      maxSize,
      sizeCalculation: box => box.bytes,
      ttl: 0,
      ttlResolution: 0,
      perf: { now: () => 1 + this.clock.monotonic() },
      dispose: (_box, _id, reason) => {
        if (reason === 'evict') this.evictions++
      },
    })
  }
}

describe('memory under lru', () => {
  it('is lru-cache: the same entries in the same order, and as many evicted', () => {
    fc.assert(
      fc.property(steps, capacities, (steps, capacity) => {
        const { tier, clock } = open(undefined, capacity, 300)
        const oracle = new Oracle(capacity, 300, clock)
        let seed = 0
        for (const step of steps) {
          if (step.kind === 'set') {
            const box = { id: step.id, bytes: step.bytes, seed: seed++ }
            tier.set(step.id, box, step.ttl, step.cost)
            const lru = oracle.lru
            if (step.ttl === 0) continue
            if (lru && step.bytes > lru.maxSize) lru.delete(step.id)
            else lru?.set(step.id, box, step.ttl === undefined ? {} : { ttl: step.ttl })
          } else if (step.kind === 'get') expect(tier.get(step.id)).toBe(oracle.lru?.get(step.id))
          else if (step.kind === 'touch') {
            tier.touch(step.id)
            oracle.lru?.get(step.id)
          } else if (step.kind === 'delete') expect(tier.delete(step.id)).toBe(oracle.lru?.delete(step.id) ?? false)
          else if (step.kind === 'wait') clock.advance(step.ms)
          else if (step.kind === 'clear') {
            tier.clear()
            oracle.lru?.clear()
          } else if (step.kind === 'resize') {
            tier.resize(step.capacity, step.bytes)
            oracle.resize(step.capacity, step.bytes)
          } else tier.setPolicy(POLICIES.lru)
          expect([...tier.entries()]).toEqual([...(oracle.lru?.entries() ?? [])])
          expect(tier.size).toBe(oracle.lru?.size ?? 0)
          expect(tier.counts.evictions).toBe(oracle.evictions)
        }
      }),
      { numRuns: FULL ? 1000 : 40 },
    )
  })
})

it('tells a policy how much fits where bytes are the bound, and lets go of long columns', () => {
  const told: number[] = []
  const policy: NewPolicy = capacity => {
    told.push(capacity)
    const inner = POLICIES.lru(capacity)
    return { ...wrap(inner), resize: capacity => told.push(capacity) }
  }
  const { tier } = open(policy, Number.POSITIVE_INFINITY, 5000)
  for (let i = 0; i < 6000; i++) tier.set(String(i), { id: '', bytes: 1, seed: i })
  expect(told.at(-1)).toBe(5000)
  tier.resize(Number.POSITIVE_INFINITY, 500)
  expect(told.at(-1)).toBe(500)
  expect([tier.size, [...tier.entries()][0]![0], [...tier.entries()].at(-1)![0]]).toEqual([500, '5999', '5500'])
})

function wrap(inner: EvictionPolicy): EvictionPolicy {
  return {
    name: inner.name,
    bytes: 0,
    added: (slot, hash, bytes, cost) => inner.added(slot, hash, bytes, cost),
    hit: slot => inner.hit(slot),
    removed: slot => inner.removed(slot),
    victim: () => inner.victim(),
    resize: capacity => inner.resize(capacity),
    slots: () => inner.slots(),
    clear: () => inner.clear(),
  }
}
