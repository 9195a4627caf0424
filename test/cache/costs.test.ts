// What computing is measured to cost, what memory is told of it, and what of it hits are said to have saved.
import { describe, expect, it } from 'vitest'
import type { MemoryTap } from '../../src/cache/memory-tap.js'
import { NO_WORK, SavingsMeter, savingsOf, type Work } from '../../src/cache/savings.js'
import { BlockCache } from '../../src/caches/block-cache.js'
import { CostMeter } from '../../src/caches/cost-meter.js'
import { DiffCache } from '../../src/caches/diff-cache.js'
import { EmbeddingCache } from '../../src/caches/embedding-cache.js'
import { embeddingTiers } from '../../src/caches/embedding-tiers.js'
import { Diagnostics } from '../../src/diagnostics.js'
import { fromUserEmbedder } from '../../src/embedder/client/custom-embedder.js'
import { openMapStore } from '../../src/stores/map.js'
import { POLICIES } from '../../src/tuning/policies.js'
import { crc32, hash, TestClock } from '../support.js'

const quiet = () => {}

/** What a tap was told of what came. */
function costsOf(cache: { tap(tap: MemoryTap): () => void }): number[] {
  const costs: number[] = []
  cache.tap({ mask: 0, hit: quiet, miss: quiet, stored: (_hash, _bytes, cost) => costs.push(cost) })
  return costs
}

describe('the cost of computing', () => {
  it('of an embedding is its share of batches by tokens, and by rows where nobody counts tokens', () => {
    const meter = new CostMeter()
    expect(meter.costOf({ tokens: 5 })).toBeUndefined()
    meter.ran(10, 100, 1000)
    expect([meter.costOf({ tokens: 5 }), meter.costOf({ tokens: 0 })]).toEqual([50, 100])
    for (let i = 0; i < 50; i++) meter.ran(10, 100, 3000)
    expect(meter.costOf({ tokens: 5 })).toBeCloseTo(150, 0)
    meter.ran(0, 0, 1e9)
    expect(meter.costOf({ tokens: 5 })).toBeCloseTo(150, 0)
  })

  it('is what memory is told where nothing below keeps it, and what the event says', async () => {
    const clock = new TestClock()
    const diagnostics = new Diagnostics()
    const told: (number | undefined)[] = []
    diagnostics.on('computed', ({ cost }) => told.push(cost))
    const diffs = new DiffCache({ capacity: 10, capacityBytes: 1e6, ttlMs: 60_000, clock, hash, diagnostics })
    const costs = costsOf(diffs)
    const input = { plugin: 'net', pluginVersion: '1', current: 1, desired: 2 }
    const compute = async () => {
      clock.advance(12)
      return [1]
    }
    for (let i = 0; i < 5; i++) await diffs.getOrCompute(input, compute)
    expect([costs, told]).toEqual([[12_000], [12_000]])
    expect(diffs.work()).toEqual({ ...NO_WORK, memoryHits: 4, computed: 1, computeMicros: 12_000 })
  })

  it('of texts is measured of whoever computes, and is nothing to memory over a disk', async () => {
    for (const keeps of [false, true]) {
      const clock = new TestClock()
      const meter = new CostMeter()
      const measure = { clock, ran: (texts: number, micros: number) => meter.ran(texts, 0, micros) }
      const user = {
        space: 'test',
        dims: 1,
        async embed(texts: readonly string[]) {
          clock.advance(3 * texts.length)
          return new Float32Array(texts.length)
        },
      }
      const diagnostics = new Diagnostics()
      const told: (number | undefined)[] = []
      diagnostics.on('computed', ({ cost }) => told.push(cost))
      const embedder = fromUserEmbedder(user, { maxQueue: 100, measure })
      const disk = { store: openMapStore(), capacityBytes: 1e6, warn: quiet }
      const parts = { hash, crc32, clock, warn: quiet, diagnostics, ...(keeps && { disk }) }
      const below = embeddingTiers(embedder, parts)
      const open = async () => ({ embedder, ...below, costOf: meter.costOf })
      const cache = new EmbeddingCache({ capacity: 10, open, clock })
      const costs = costsOf(cache)
      const texts = ['a', 'b', 'c', 'd']
      await cache.embedMany(texts)
      await cache.embedMany(texts)
      expect(told).toEqual([3000, 3000, 3000, 3000])
      expect(costs).toEqual(keeps ? [0, 0, 0, 0] : told)
      expect(cache.work()).toMatchObject({ memoryHits: 4, computed: 4, computeMicros: 12_000 })
      await cache.close()
    }
  })

  it('of blocks is reading', async () => {
    const clock = new TestClock()
    const blocks = new BlockCache({ capacity: 10, capacityBytes: 1e6, clock, hash })
    await blocks.getOrCompute(1, async () => {
      clock.advance(2)
      return { number: 1 }
    })
    blocks.shelf().read(500)
    expect(blocks.work()).toEqual({ ...NO_WORK, reads: 2, readMicros: 2500 })
  })
})

describe('what was saved', () => {
  const work: Work = { ...NO_WORK, memoryHits: 6, computed: 4, computeMicros: 400, reads: 2, readMicros: 30 }

  it('is hits by the mean of what was measured', () => {
    expect(savingsOf(8, work)).toEqual({ computeMicros: 800, diskMicros: 90 })
    expect(savingsOf(8, NO_WORK)).toEqual({ computeMicros: 0, diskMicros: 0 })
  })

  it('never falls, and waits for the first measurement; until then it goes by those of others', () => {
    const meter = new SavingsMeter()
    expect(meter.take(5, { ...NO_WORK, memoryHits: 3 })).toEqual({ computeMicros: 0, diskMicros: 0 })
    expect(meter.take(8, work)).toEqual({ computeMicros: 800, diskMicros: 90 })
    const cheaper = { ...work, memoryHits: 7, computed: 100, computeMicros: 1000, reads: 30 }
    expect(meter.take(10, cheaper)).toEqual({ computeMicros: 820, diskMicros: 91 })
    expect(new SavingsMeter().take(8, { ...NO_WORK, memoryHits: 6 }, work)).toEqual({
      computeMicros: 800,
      diskMicros: 90,
    })
  })
})

it('memory of embeddings is changed before it is open as after', async () => {
  const clock = new TestClock()
  const user = { space: 'test', dims: 2, embed: async (texts: readonly string[]) => new Float32Array(2 * texts.length) }
  const embedder = fromUserEmbedder(user, { maxQueue: 100 })
  const cache = new EmbeddingCache({ capacity: 10, open: async () => ({ embedder, tiers: [] }), clock })
  const costs = costsOf(cache)
  expect(cache.memoryInfo()).toEqual({ capacity: 10, capacityBytes: undefined, size: 0, bytes: 0, policy: 'lru' })
  cache.setPolicy(POLICIES.sieve)
  cache.resizeMemory(3, 5000)
  await cache.embedMany(['a', 'b', 'c', 'd'])
  expect(cache.memoryInfo()).toMatchObject({ capacity: 3, capacityBytes: 5000, size: 3, policy: 'sieve' })
  expect(costs).toHaveLength(4)
  cache.resizeMemory(1, 5000)
  cache.setPolicy(POLICIES.gdsf)
  expect(cache.memoryInfo()).toMatchObject({ capacity: 1, size: 1, policy: 'gdsf' })
  cache.resize(4)
  expect(cache.memoryInfo()).toMatchObject({ capacity: 4, capacityBytes: 4 * (8 + 512) })
  await cache.close()
})
