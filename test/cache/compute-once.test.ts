// One computation for each key among caches over one store that says who computes what: two caches in one process stand for two processes.
import { describe, expect, it } from 'vitest'
import type { Codec } from '../../src/cache/codec.js'
import { type LoadOne, loadEach } from '../../src/cache/loader.js'
import { MemoryTier } from '../../src/cache/memory-tier.js'
import { StoreTier } from '../../src/cache/store-tier.js'
import { sharedPolicy } from '../../src/cache/tier-policy.js'
import { TieredCache } from '../../src/cache/tiered-cache.js'
import type { Key, Store, StoreStatus } from '../../src/ports.js'
import { openMapStore } from '../../src/stores/map.js'
import { crc32, deferred, TestClock } from '../support.js'

interface Box {
  readonly n: number
}

const codec: Codec<Box> = {
  key: id => id as Key,
  encode: (_id, { n }) => Uint8Array.of(n),
  decode: (_id, bytes) => ({ value: { n: bytes[0]! } }),
}

/** A medium that several open, with claims that stay until they are let go, and a switch. */
function openMedium() {
  const map = openMapStore()
  const holders = new Map<Key, object>()
  const medium = {
    status: { at: 'there', state: 'serving' } as StoreStatus,
    holders,
    asked: 0,
    fails: false,
    late: undefined as Promise<void> | undefined,
    getMany: map.getMany,
    open,
  }
  return medium

  function open(): Store {
    const me = {}
    const { setMany, deleteMany, list, size, clear } = map
    return {
      name: 'medium',
      get status() {
        return medium.status
      },
      ...{ setMany, deleteMany, list, size, clear },
      getMany: keys => medium.getMany(keys),
      async claimMany(keys) {
        medium.asked++
        if (medium.fails) throw new Error('no claims')
        await medium.late
        return keys.map(key => {
          if (!holders.has(key)) holders.set(key, me)
          return holders.get(key) === me
        })
      },
      async releaseMany(keys) {
        for (const key of keys) if (holders.get(key) === me) holders.delete(key)
      },
      async close() {},
    }
  }
}

function openCache(store: Store, { claimAboveMs = 20, readTimeoutMs = undefined as number | undefined } = {}) {
  const clock = new TestClock()
  /** Who waits, until the clock is turned. */
  const pauses: (() => void)[] = []
  const tier = new StoreTier<Box>({
    source: 'shared',
    store,
    codec,
    clock,
    policy: { ...sharedPolicy({ crc32, claimAboveMs }), readTimeoutMs: readTimeoutMs!, writeTimeoutMs: undefined! },
    warn: () => {},
    timer: (_ms, run) => {
      pauses.push(run)
      return () => {}
    },
  })
  const memory = new MemoryTier<Box>({ capacity: 10, capacityBytes: 1000, sizeOf: () => 1, clock })
  const cache = new TieredCache<Box>({ memory, tiers: [tier], clock })
  return {
    cache,
    clock,
    tier,
    get pausing() {
      return pauses.length
    },
    async pass(ms: number) {
      clock.advance(ms)
      for (const run of pauses.splice(0)) run()
      await turns()
    },
    ask: async (id: string, load: LoadOne<Box>, signal?: AbortSignal) => {
      const { value, source } = await cache.getOrLoad(id, loadEach(load), { signal })
      return `${source} ${value.n}`
    },
    takes(ms: number) {
      return async () => {
        clock.advance(ms)
        return { n: 9 }
      }
    },
  }
}

async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise(resolve => setImmediate(resolve))
}

const unexpected = () => expect.fail('nothing is to be computed')

describe('what processes compute once', () => {
  it('is computed by who claims it, and found by who waits', async () => {
    const medium = openMedium()
    const [one, two] = [openCache(medium.open()), openCache(medium.open())]
    const work = deferred<Box>()
    const first = one.ask('a', () => work.promise)
    await turns()
    const second = two.ask('a', unexpected)
    await turns()
    expect(two.pausing).toBe(1)
    work.resolve({ n: 7 })
    expect(await first).toBe('computed 7')
    await turns()
    expect(medium.holders.size).toBe(0)
    await two.pass(10)
    expect(await second).toBe('shared 7')
    expect((await two.tier.stats()).misses).toBe(1)
  })

  it('is taken over from who failed, and from who left', async () => {
    const medium = openMedium()
    for (const end of ['fails', 'leaves']) {
      const [one, two] = [openCache(medium.open()), openCache(medium.open())]
      const work = deferred<Box>()
      const controller = new AbortController()
      const first = one.ask(end, () => work.promise, controller.signal)
      await turns()
      const second = two.ask(end, async () => ({ n: 3 }))
      await turns()
      if (end === 'fails') work.reject(new Error('no'))
      else controller.abort()
      await expect(first).rejects.toThrow()
      await turns()
      await two.pass(10)
      expect(await second).toBe('computed 3')
      await turns()
      expect(medium.holders.size).toBe(0)
    }
  })

  it('is not waited for long, nor by those who leave meanwhile', async () => {
    const medium = openMedium()
    medium.holders.set('a' as Key, {}).set('b' as Key, {})
    const two = openCache(medium.open())
    const patient = two.ask('a', async () => ({ n: 5 }))
    const controller = new AbortController()
    const leaving = two.ask('b', unexpected, controller.signal)
    await turns()
    controller.abort()
    await expect(leaving).rejects.toMatchObject({ code: 'ABORTED' })
    await two.pass(9_000)
    expect(two.pausing).toBe(1)
    await two.pass(2_000)
    expect(await patient).toBe('computed 5')
    // It was never ours to let go.
    expect(medium.holders.has('a' as Key)).toBe(true)
  })

  it('is claimed only where computing takes long, as far as is known', async () => {
    const medium = openMedium()
    const cache = openCache(medium.open(), { claimAboveMs: 20 })
    await cache.ask('first', cache.takes(5000))
    await cache.ask('dear', cache.takes(5))
    expect(medium.asked).toBe(2)
    await cache.ask('cheap', cache.takes(5))
    expect(medium.asked).toBe(2)
    for (let n = 0; n < 20; n++) await cache.ask(`slower-${n}`, cache.takes(40))
    expect(medium.asked).toBeGreaterThan(2)
  })

  it('is computed by each where the medium cannot say, or is left alone', async () => {
    const medium = openMedium()
    medium.fails = true
    const cache = openCache(medium.open())
    expect(await cache.ask('a', cache.takes(100))).toBe('computed 9')
    expect(medium.asked).toBe(1)
    medium.status = { at: 'there', state: 'left-alone', problem: 'gone' }
    expect(await cache.ask('b', cache.takes(100))).toBe('computed 9')
    expect(medium.asked).toBe(1)
    expect(await cache.tier.stats()).toMatchObject({ skipped: 1, status: { state: 'left-alone' } })
    medium.status = { at: 'there', state: 'serving' }
    medium.fails = false
    expect(await cache.ask('c', cache.takes(100))).toBe('computed 9')
    expect(medium.asked).toBe(2)
  })

  it('is asked for once in a turn, and let go of before the medium is closed', async () => {
    const medium = openMedium()
    const cache = openCache(medium.open())
    await Promise.all(['a', 'b', 'c'].map(id => cache.ask(id, async () => ({ n: 1 }))))
    expect(medium.asked).toBe(1)
    await cache.tier.close()
    expect(medium.holders.size).toBe(0)
  })

  it('is let go of where the medium says too late that it is ours', async () => {
    const medium = openMedium()
    const late = deferred<void>()
    medium.late = late.promise
    const cache = openCache(medium.open(), { readTimeoutMs: 100 })
    const answer = cache.ask('a', async () => ({ n: 1 }))
    await turns()
    await cache.pass(100)
    expect(await answer).toBe('computed 1')
    late.resolve()
    await turns()
    expect(medium.asked).toBe(1)
    expect(medium.holders.size).toBe(0)
  })

  it('is not asked for where the medium did not answer, or takes longer to answer than computing', async () => {
    const medium = openMedium()
    const cache = openCache(medium.open(), { readTimeoutMs: 100 })
    await cache.ask('known', cache.takes(30))
    expect(medium.asked).toBe(1)
    const { getMany } = medium
    medium.getMany = () => Promise.reject(new Error('no'))
    await cache.ask('a', cache.takes(30))
    expect(medium.asked).toBe(1)
    for (let n = 0; n < 20; n++) {
      medium.getMany = async keys => {
        cache.clock.advance(20)
        return getMany(keys)
      }
      await cache.ask(`slow-${n}`, cache.takes(30))
    }
    const before = medium.asked
    await cache.ask('slow', cache.takes(30))
    expect(medium.asked).toBe(before)
  })
})
