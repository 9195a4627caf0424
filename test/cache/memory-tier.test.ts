// The memory tier on its own: what it lists, and what another capacity does to what is in it.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryTier } from '../../src/cache/memory-tier.js'
import { TestClock } from '../support.js'

interface Box {
  readonly bytes: number
}

function tierOf(capacity: number, clock = new TestClock(), ttlMs?: number): MemoryTier<Box> {
  return new MemoryTier<Box>({
    capacity,
    capacityBytes: 1_000,
    sizeOf: box => box.bytes,
    clock,
    clockResolutionMs: 0,
    ...(ttlMs !== undefined && { ttlMs }),
  })
}

const ids = (tier: MemoryTier<Box>) => [...tier.entries()].map(([id]) => id)

describe('MemoryTier', () => {
  it('lists what it holds, most recently used first, and changes nothing by it', () => {
    const tier = tierOf(3)
    for (const id of ['a', 'b', 'c']) tier.set(id, { bytes: 1 })
    tier.touch('a')
    expect(ids(tier)).toEqual(['a', 'c', 'b'])
    expect(tier.counts).toEqual({ hits: 0, misses: 0, evictions: 0 })
    tier.set('d', { bytes: 1 })
    expect(ids(tier)).toEqual(['d', 'a', 'c'])
  })

  it('keeps, at any other capacity, the most recently used in their order, and counts the rest as evicted', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 }),
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 0, max: 12 }),
        (uses, before, after) => {
          const tier = tierOf(before)
          for (const use of uses) tier.set(String(use), { bytes: 1 })
          const held = ids(tier)
          const evicted = tier.counts.evictions
          tier.resize(after, 1_000)
          expect(ids(tier)).toEqual(held.slice(0, after))
          expect(tier.counts.evictions - evicted).toBe(Math.max(0, held.length - after))
          expect(tier.stats()).toMatchObject({ capacity: after, size: Math.min(held.length, after) })
        },
      ),
    )
  })

  it('obeys the new bound of bytes, and works again after it was off', () => {
    const tier = tierOf(10)
    for (const id of ['a', 'b', 'c']) tier.set(id, { bytes: 100 })
    tier.resize(10, 200)
    expect(ids(tier)).toEqual(['c', 'b'])
    tier.resize(0, 200)
    tier.set('d', { bytes: 1 })
    expect(ids(tier)).toEqual([])
    tier.resize(10, 200)
    tier.set('e', { bytes: 1 })
    expect(ids(tier)).toEqual(['e'])
  })

  it('lets an entry live no longer for being moved', () => {
    const clock = new TestClock()
    const tier = tierOf(4, clock, 1_000)
    tier.set('a', { bytes: 1 })
    clock.advance(600)
    tier.resize(8, 1_000)
    expect(tier.get('a')).toBeDefined()
    clock.advance(500)
    expect(tier.get('a')).toBeUndefined()
  })
})
