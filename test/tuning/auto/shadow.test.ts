// The shadow against the memory that it stands for: what it says another size would have saved is what a memory of that size saves.
import { describe, expect, it } from 'vitest'
import type { PolicyName } from '../../../src/cache/eviction.js'
import { seeded } from '../../../src/sample-lines.js'
import { resized, type Setting } from '../../../src/tuning/auto/settings.js'
import { Shadow } from '../../../src/tuning/auto/shadow.js'
import { SimulatedMemory } from '../../../src/tuning/auto/simulated-memory.js'
import { POLICIES } from '../../../src/tuning/policies.js'
import { KINDS, type Request, Traffic } from './traffic.js'

const SIZE: Setting = { bytes: 200_000, entries: Number.POSITIVE_INFINITY, policy: 'lru' }

function requests(count: number, seed: number, kinds = KINDS): Request[] {
  const traffic = new Traffic(seed, kinds)
  return Array.from({ length: count }, () => traffic.next({ embeddings: 1 }))
}

function newShadow(now = () => 0, ttlMs?: number): Shadow {
  return new Shadow({ policies: POLICIES, readMicros: () => 10, now, ttlMs })
}

/** Sends the requests through a real memory that the shadow listens to; the shadow's answer, and the memory's. */
function listen(shadow: Shadow, memory: SimulatedMemory, all: readonly Request[]) {
  memory.tap({
    mask: 0,
    hit: (hash, bytes, cost) => shadow.hit(hash, bytes, cost),
    miss: hash => shadow.miss(hash),
    stored: (hash, bytes, cost) => shadow.stored(hash, bytes, cost),
  })
  for (const [i, { key, bytes, cost }] of all.entries()) {
    if (i % 500 === 0) shadow.nextMoment()
    memory.request(key, bytes, cost)
  }
  return shadow.take()
}

const few = { ...KINDS, embeddings: { ...KINDS.embeddings, keys: 600 } }

describe('a shadow', () => {
  it('says exactly what least recently used saves at each size, where it looks at all keys', () => {
    const shadow = newShadow()
    const sizes = [50_000, 150_000, 200_000, 300_000, 600_000].map(bytes => resized(SIZE, 'lru', bytes))
    shadow.simulate(SIZE, sizes)
    const all = requests(20_000, 5, few)
    const measured = listen(shadow, new SimulatedMemory(SIZE, POLICIES), all)
    expect(shadow.mask).toBe(0)
    expect(measured.requests).toBe(20_000)
    for (const setting of [SIZE, ...sizes]) {
      const alone = new SimulatedMemory(setting, POLICIES)
      for (const { key, bytes, cost } of all) alone.request(key, bytes, cost)
      expect(measured.saved(setting)! / alone.saved, String(setting.bytes)).toBeCloseTo(1, 9)
      expect(measured.total / alone.total).toBeCloseTo(1, 9)
    }
    expect(measured.actual).toBeCloseTo(measured.saved(SIZE)!, 3)
  })

  it.each(Object.keys(POLICIES) as PolicyName[])('says from a sample what %s saves more with twice as much', policy => {
    const big: Setting = { bytes: 4_000_000, entries: Number.POSITIVE_INFINITY, policy }
    const half = resized(big, policy, 2_000_000)
    const shadow = newShadow()
    shadow.simulate(big, [half])
    const all = requests(40_000, 9)
    const memory = new SimulatedMemory(big, POLICIES)
    const measured = listen(shadow, memory, all)
    expect(shadow.mask).toBeGreaterThan(0)
    const alone = new SimulatedMemory(half, POLICIES)
    for (const { key, bytes, cost } of all) alone.request(key, bytes, cost)
    const really = (100 * (memory.saved - alone.saved)) / memory.total
    const said = (100 * (measured.saved(big)! - measured.saved(half)!)) / memory.total
    expect(really).toBeGreaterThan(5)
    expect(Math.abs(said - really), `${said} instead of ${really}`).toBeLessThan(1)
  })

  it('goes on with what was held when another size is simulated', () => {
    const shadow = newShadow()
    shadow.simulate(SIZE, [])
    const memory = new SimulatedMemory(SIZE, POLICIES)
    const all = requests(20_000, 5, few)
    listen(shadow, memory, all.slice(0, 10_000))
    const small = resized(SIZE, 'lru', 100_000)
    shadow.simulate(small, [SIZE])
    memory.resizeMemory(small.entries, small.bytes)
    const measured = listen(shadow, memory, all.slice(10_000))
    expect(measured.saved(small)).toBeCloseTo(measured.actual, 3)
    const alone = new SimulatedMemory(SIZE, POLICIES)
    let before = 0
    for (const [i, { key, bytes, cost }] of all.entries()) {
      if (i === 10_000) before = alone.saved
      alone.request(key, bytes, cost)
    }
    expect(measured.saved(SIZE)! / (alone.saved - before)).toBeCloseTo(1, 9)
  })

  it('knows that what is too old is gone', () => {
    let now = 0
    const shadow = newShadow(() => now, 5000)
    shadow.simulate(SIZE, [])
    shadow.miss(7)
    shadow.stored(7, 100, 50)
    now = 4000
    shadow.hit(7, 100, 50)
    now = 6000
    shadow.miss(7)
    shadow.stored(7, 100, 50)
    expect(shadow.take()).toMatchObject({ total: 150, actual: 50 })
  })

  it('counts an entry without a cost as a read, and one that is held up for long as no more than 100 usual ones', () => {
    const shadow = newShadow()
    shadow.simulate(SIZE, [])
    for (const cost of [0, Number.NaN, -1, Number.POSITIVE_INFINITY]) shadow.hit(1, 100, cost)
    expect(shadow.take().actual).toBe(40)
    for (let i = 0; i < 100; i++) shadow.hit(2, 100, 1000)
    shadow.take()
    shadow.hit(3, 100, 60e6)
    expect(shadow.take().actual).toBeCloseTo(100_000, 3)
  })

  it('holds no more keys than it may, whatever comes', () => {
    const shadow = newShadow()
    shadow.simulate({ ...SIZE, bytes: 1e9 }, [
      { ...SIZE, bytes: 2e9 },
      { ...SIZE, bytes: 1e9, policy: 's3-fifo' },
    ])
    const random = seeded(3)
    let most = 0
    for (let i = 0; i < 20_000; i++) {
      if (i % 500 === 0) shadow.nextMoment()
      const hash = Math.floor(random() * 2 ** 32)
      shadow.miss(hash)
      shadow.stored(hash, 1 + Math.floor(random() * 5000), 100)
      most = Math.max(most, shadow.keys)
    }
    expect(most).toBeLessThanOrEqual(513)
    expect(shadow.mask).toBeGreaterThan(7)
  })
})
