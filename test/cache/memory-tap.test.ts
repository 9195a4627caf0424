// What a tap on memory is told of.
import { describe, expect, it } from 'vitest'
import { MemoryTier } from '../../src/cache/memory-tier.js'
import { POLICIES } from '../../src/tuning/policies.js'
import { TestClock } from '../support.js'

interface Box {
  readonly id: string
  readonly bytes: number
}

function open(): MemoryTier<Box> {
  return new MemoryTier<Box>({ capacity: 10, capacityBytes: 1e6, sizeOf: box => box.bytes, clock: new TestClock() })
}

describe('a tap', () => {
  const boxOf = (id: string) => ({ id, bytes: 7 })

  it('is told of hits, misses and what comes, by one hash for an id, while it lasts', () => {
    const tier = open()
    const told: unknown[][] = []
    const listen = (mask: number) =>
      tier.tap({
        mask,
        hit: (...facts) => told.push(['hit', ...facts]),
        miss: (...facts) => told.push(['miss', ...facts]),
        stored: (...facts) => told.push(['stored', ...facts]),
      })
    tier.set('before', boxOf('before'), undefined, 3)
    const end = listen(0)
    expect(tier.get('a')).toBeUndefined()
    tier.missed('a')
    tier.set('a', boxOf('a'), undefined, 1500)
    tier.get('a')
    tier.get('before')
    const [miss, stored, hit, other] = told
    const hash = miss![1]
    expect([miss, stored, hit]).toEqual([
      ['miss', hash],
      ['stored', hash, 7, 1500],
      ['hit', hash, 7, 1500],
    ])
    expect(other).toEqual(['hit', expect.any(Number), 7, 3])
    expect(other![1]).not.toBe(hash)
    const instead = listen(3)
    end()
    told.length = 0
    const ids = Array.from({ length: 400 }, (_, i) => `text ${i}`)
    for (const id of ids) tier.missed(id)
    expect(told.every(([, hash]) => ((hash as number) & 3) === 0)).toBe(true)
    expect(told.length).toBeGreaterThan(60)
    expect(told.length).toBeLessThan(140)
    instead()
    tier.missed('a')
    tier.get('a')
    expect(told.length).toBeLessThan(140)
  })

  it('goes on over a change of policy, with the same hashes', () => {
    const tier = open()
    const hashes: number[] = []
    tier.tap({ mask: 0, hit: hash => hashes.push(hash), miss: () => {}, stored: hash => hashes.push(hash) })
    tier.set('a', boxOf('a'))
    tier.setPolicy(POLICIES['s3-fifo'])
    tier.get('a')
    expect(hashes[1]).toBe(hashes[0])
  })
})
