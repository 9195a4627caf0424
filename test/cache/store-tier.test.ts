// A tier and its policy: who waits for whom, what is dropped, how often a failing medium is asked. The clock and the timer are the
// test's own.
import { describe, expect, it } from 'vitest'
import type { Codec } from '../../src/cache/codec.js'
import { StoreTier } from '../../src/cache/store-tier.js'
import { sharedPolicy, type TierPolicy } from '../../src/cache/tier-policy.js'
import { Diagnostics } from '../../src/diagnostics.js'
import type { Key, Store } from '../../src/ports.js'
import { openMapStore } from '../../src/stores/map.js'
import { crc32, deferred, hash, TestClock } from '../support.js'

const codec: Codec<{ text: string }> = {
  key: id => hash.sha256(id) as Key,
  encode: (_id, { text }) => new TextEncoder().encode(text),
  decode: (_id, bytes) => ({ value: { text: new TextDecoder().decode(bytes) } }),
}

function open(store: Store, policy: Partial<TierPolicy> = {}) {
  const clock = new TestClock()
  const warnings: string[] = []
  const { warn } = new Diagnostics({ onWarning: message => warnings.push(message) })
  /** What waits for its time, soonest set first. */
  const timers = new Set<{ ms: number; run: () => void }>()
  const timer = (ms: number, run: () => void) => {
    const one = { ms, run }
    timers.add(one)
    return () => timers.delete(one)
  }
  const tier = new StoreTier({
    source: 'shared',
    store,
    codec,
    clock,
    warn,
    timer,
    policy: { ...sharedPolicy({ crc32 }), ...policy },
  })
  const get = async (id: string) => (await tier.getMany([{ id, key: undefined }]))[0]
  const timeUp = () => {
    for (const one of [...timers]) one.run()
  }
  return { tier, get, clock, warnings, timers, timeUp }
}

const turns = () => new Promise(resolve => setImmediate(resolve))
const never = new Promise<never>(() => {})

describe('a store tier', () => {
  it('answers from what is yet to be written, and asks for the rest without waiting for a write', async () => {
    const inner = openMapStore()
    const writing = deferred<void>()
    const store: Store = { ...inner, setMany: items => writing.promise.then(() => inner.setMany(items)) }
    const { tier, get, timers } = open(store)
    tier.set('a', { text: 'A' })
    await turns()
    tier.set('b', { text: 'B' })
    expect(await get('a')).toMatchObject({ kind: 'hit', value: { value: { text: 'A' } } })
    expect(await get('b')).toMatchObject({ kind: 'hit', value: { value: { text: 'B' } } })
    expect(await get('c')).toEqual({ kind: 'miss' })
    writing.resolve()
    await tier.flush()
    expect((await inner.size()).entries).toBe(2)
    expect(await get('a')).toMatchObject({ kind: 'hit', value: { value: { text: 'A' } } })
    expect(timers.size).toBe(0)
  })

  it('never waits longer than its policy says, and tells the store that nobody waits any more', async () => {
    let signal: AbortSignal | undefined
    const store: Store = {
      ...openMapStore(),
      getMany(_keys, call) {
        signal = call?.signal
        return never
      },
    }
    const { tier, get, timers, timeUp, warnings } = open(store, { readTimeoutMs: 7 })
    const asked = ['a', 'b', 'c'].map(id => get(id))
    await turns()
    expect([...timers].map(({ ms }) => ms)).toEqual([7])
    timeUp()
    expect(await Promise.all(asked)).toEqual(Array(3).fill({ kind: 'skipped', why: 'timeout' }))
    expect(signal?.aborted).toBe(true)
    expect(tier.counts).toMatchObject({ skipped: 3, hits: 0, misses: 0 })
    expect(warnings).toEqual(['cannot read the map cache, going on without it: no answer within 7 ms'])
  })

  it('leaves a failing store alone, then lets one question find out for all', async () => {
    let asked = 0
    let broken = true
    const inner = openMapStore()
    const answer = deferred<void>()
    const store: Store = {
      ...inner,
      async getMany(keys) {
        asked++
        if (broken) throw new Error('down')
        await answer.promise
        return inner.getMany(keys)
      },
    }
    const { get, clock, warnings } = open(store)
    for (let i = 0; i < 5; i++) await get('a')
    expect(asked).toBe(3)
    broken = false
    clock.advance(10_001)
    const probe = get('a')
    await turns()
    expect(await get('b')).toEqual({ kind: 'skipped', why: 'breaker' })
    answer.resolve()
    expect(await probe).toEqual({ kind: 'miss' })
    expect(await get('b')).toEqual({ kind: 'miss' })
    expect(asked).toBe(5)
    expect(warnings).toHaveLength(1)
  })

  it('keeps no more in memory for a slow store than it may, and says once that the rest is not stored', async () => {
    const writing = deferred<void>()
    const batches: number[] = []
    const store: Store = {
      ...openMapStore(),
      setMany(items) {
        batches.push(items.length)
        return writing.promise
      },
    }
    const { tier, warnings } = open(store, { pendingBytes: 1000 })
    for (let i = 0; i < 50; i++) {
      tier.set(`a${i}`, { text: 'x'.repeat(24) })
      await turns()
    }
    expect(tier.counts.dropped).toBe(40)
    expect(warnings).toHaveLength(1)
    writing.resolve()
    await tier.flush()
    await turns()
    expect(batches).toEqual([1, 9])
    tier.set('b', { text: 'again' })
    await tier.flush()
    expect(tier.counts.dropped).toBe(40)
  })

  it('gives a write up that is not answered, and what came meanwhile with it while the store is left alone', async () => {
    const { tier, timeUp, warnings } = open({ ...openMapStore(), setMany: () => never })
    for (let i = 0; i < 4; i++) {
      tier.set(`a${i}`, { text: 'x' })
      await turns()
      timeUp()
      await turns()
    }
    await tier.flush()
    expect(tier.counts.dropped).toBe(4)
    expect(warnings).toHaveLength(1)
  })

  it('asks a store without a time limit at once where it can, one with a limit never', () => {
    expect(open(openMapStore()).tier.synchronous).toBe(false)
    expect(open(openMapStore(), { readTimeoutMs: undefined }).tier.synchronous).toBe(true)
  })

  it('goes on whatever is thrown at it, also what cannot be put into words', async () => {
    const nothing = Object.create(null)
    const inner = openMapStore()
    let failing = true
    const store: Store = {
      ...inner,
      getMany: keys => (failing ? Promise.reject(nothing) : inner.getMany(keys)),
      setMany: items => (failing ? Promise.reject(nothing) : inner.setMany(items)),
      clearedElsewhere() {
        throw nothing
      },
      get counters(): never {
        throw nothing
      },
    }
    const { tier, get, warnings } = open(store)
    expect(await Promise.all(['a', 'b'].map(id => get(id)))).toEqual(Array(2).fill({ kind: 'skipped', why: 'error' }))
    tier.set('a', { text: 'A' })
    await tier.flush()
    expect(tier.clearedElsewhere()).toBe(false)
    expect(await tier.stats()).toMatchObject({ damaged: 0, dropped: 1 })
    failing = false
    tier.set('a', { text: 'A' })
    await tier.flush()
    expect((await inner.size()).entries).toBe(1)
    expect(warnings).toHaveLength(1)
  })

  it('sends a shared store no more at once than a slow one takes in the time of a write', async () => {
    const batches: number[] = []
    const inner = openMapStore()
    const store: Store = {
      ...inner,
      setMany(items) {
        batches.push(items.reduce((sum, [, value]) => sum + value.length, 0))
        return inner.setMany(items)
      },
    }
    const { tier } = open(store)
    for (let i = 0; i < 100; i++) tier.set(`${i}`, { text: 'x'.repeat(10_000) })
    await tier.flush()
    expect((await inner.size()).entries).toBe(100)
    expect(Math.max(...batches)).toBeLessThanOrEqual(256 * 1024)
    expect(batches.length).toBeGreaterThan(3)
  })

  it('tries to write what waited behind writes that failed: a disk may be well again', async () => {
    const inner = openMapStore()
    const writes: ((failed: boolean) => void)[] = []
    const store: Store = {
      ...inner,
      async setMany(items) {
        if (await new Promise<boolean>(resolve => writes.push(resolve))) throw new Error('full')
        return inner.setMany(items)
      },
    }
    const { tier } = open(store, { writeTimeoutMs: undefined, pendingBytes: undefined, batchBytes: undefined })
    for (const id of ['a', 'b', 'c', 'd']) {
      // Each waits behind the one before, which fails.
      tier.set(id, { text: id })
      await turns()
      if (id !== 'a') writes.shift()!(true)
      await turns()
    }
    writes.shift()!(false)
    await tier.flush()
    expect(await inner.getMany([hash.sha256('d') as Key])).not.toEqual([undefined])
  })
})

it('a read takes what most take: not the first, which opens files, nor one that waited for something else', async () => {
  const inner = openMapStore()
  let ms = 0
  const store: Store = {
    ...inner,
    getMany(keys, call) {
      clock.advance(ms)
      return inner.getMany(keys, call)
    },
  }
  const { tier, get, clock } = open(store)
  tier.set('a', { text: 'A' })
  await tier.flush()
  for (let i = 0; i <= 50; i++) {
    ms = i === 0 ? 5 : i === 30 ? 100 : 0.02
    expect(await get('a')).toMatchObject({ kind: 'hit' })
  }
  const { reads, readMicros } = tier.times
  expect(reads).toBe(50)
  expect(readMicros / reads).toBeLessThan(25)
})
