// The read path, over the reference store and over stores that misbehave.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BatchSink } from '../../src/cache/batch.js'
import type { Codec } from '../../src/cache/codec.js'
import { type Loader, loadEach } from '../../src/cache/loader.js'
import type { Answer } from '../../src/cache/look-up.js'
import { MemoryTier } from '../../src/cache/memory-tier.js'
import { StoreTier } from '../../src/cache/store-tier.js'
import { TieredCache } from '../../src/cache/tiered-cache.js'
import { Diagnostics } from '../../src/diagnostics.js'
import type { Key, Store } from '../../src/ports.js'
import { openMapStore } from '../../src/stores/map.js'
import { deferred, hash, TestClock } from '../support.js'

interface Box {
  readonly n: number
}

const codec: Codec<Box> = {
  key: id => hash.sha256(id) as Key,
  encode: (_id, box) => new TextEncoder().encode(JSON.stringify(box)),
  decode: (_id, bytes) => ({ value: JSON.parse(new TextDecoder().decode(bytes)) as Box }),
}

/** The same store without getSync: a medium that needs a promise, such as IndexedDB. */
function asynchronous(store: Store): Store {
  const { getSync: _, ...rest } = store
  return rest
}

function setUp(options: { capacity?: number; stores?: Store[]; codec?: Codec<Box> } = {}) {
  const clock = new TestClock()
  const warnings: string[] = []
  const { warn } = new Diagnostics({ onWarning: message => warnings.push(message) })
  const memory = new MemoryTier<Box>({
    capacity: options.capacity ?? 100,
    capacityBytes: 1e6,
    sizeOf: () => 10,
    clock,
    clockResolutionMs: 0,
  })
  const stores = options.stores ?? [openMapStore()]
  const tiers = stores.map(
    (store, i) =>
      new StoreTier<Box>({
        source: i === 0 ? 'disk' : 'shared',
        store,
        codec: options.codec ?? codec,
        clock,
        warn,
      }),
  )
  const cache = new TieredCache<Box>({ memory, tiers, clock })
  return { cache, memory, tiers, stores, clock, warnings }
}

/** A loader that counts, answering the number in the id. */
function counting() {
  const calls: string[] = []
  const load = loadEach<Box>(async id => {
    calls.push(id)
    return { n: Number(id.replace(/\D/g, '')) }
  })
  return { calls, load }
}

async function many(cache: TieredCache<Box>, ids: string[], load: Loader<Box>, call = {}) {
  const rows: (Answer<Box> | undefined)[] = new Array(ids.length)
  const failed = new Map<number, unknown>()
  const told: number[] = []
  const sink: BatchSink<Box> = {
    answer(i, answer) {
      told.push(i)
      rows[i] = answer
    },
    same(i, first) {
      told.push(i)
      expect(rows[first]).toBeDefined()
      rows[i] = rows[first]
    },
    failed(i, error) {
      told.push(i)
      failed.set(i, error)
    },
  }
  await cache.getOrLoadMany(ids, load, sink, call)
  expect(new Set(told).size).toBe(ids.length)
  return { rows, failed }
}

describe.each([
  ['a store that answers at once', (store: Store) => store],
  ['a store that needs a promise', asynchronous],
])('TieredCache over %s', (_name, kind) => {
  it('computes, then answers from memory, then from disk, and back-fills', async () => {
    const store = openMapStore()
    const { calls, load } = counting()
    const first = setUp({ stores: [kind(store)] })
    expect(await first.cache.getOrLoad('a1', load)).toEqual({ value: { n: 1 }, source: 'computed' })
    expect(await first.cache.getOrLoad('a1', load)).toEqual({ value: { n: 1 }, source: 'memory' })
    await first.tiers[0]!.flush()
    const second = setUp({ stores: [kind(store)] })
    expect(await second.cache.getOrLoad('a1', load)).toEqual({ value: { n: 1 }, source: 'disk' })
    expect(await second.cache.getOrLoad('a1', load)).toEqual({ value: { n: 1 }, source: 'memory' })
    expect(calls).toEqual(['a1'])
  })

  it('fills every nearer tier that looked and missed', async () => {
    const [near, far] = [openMapStore(), openMapStore()]
    await far.setMany([[codec.key('a1'), codec.encode('a1', { n: 1 }, undefined)!]])
    const { cache, tiers } = setUp({ stores: [kind(near), kind(far)] })
    const { calls, load } = counting()
    expect(await cache.getOrLoad('a1', load)).toEqual({ value: { n: 1 }, source: 'shared' })
    await tiers[0]!.flush()
    expect((await near.size()).entries).toBe(1)
    expect(calls).toEqual([])
  })

  it('computes once for fifty who ask together', async () => {
    const { cache } = setUp({ stores: [kind(openMapStore())] })
    const { calls, load } = counting()
    const answers = await Promise.all(Array.from({ length: 50 }, () => cache.getOrLoad('a1', load)))
    expect(answers.every(answer => answer.value.n === 1)).toBe(true)
    expect(calls).toEqual(['a1'])
  })

  it('does not cache errors', async () => {
    const { cache, stores } = setUp({ stores: [kind(openMapStore())] })
    const error = new Error('no')
    await expect(
      cache.getOrLoad(
        'a1',
        loadEach(() => Promise.reject(error)),
      ),
    ).rejects.toBe(error)
    await expect(
      cache.getOrLoad(
        'a1',
        loadEach(() => {
          throw error
        }),
      ),
    ).rejects.toBe(error)
    await expect(
      cache.getOrLoad('a1', () => {
        throw error
      }),
    ).rejects.toBe(error)
    expect((await stores[0]!.size()).entries).toBe(0)
    expect((await cache.getOrLoad('a1', counting().load)).source).toBe('computed')
  })

  it.each(['delete', 'clear', 'set'] as const)('does not store what began before a %s', async what => {
    const store = openMapStore()
    const { cache, tiers } = setUp({ stores: [kind(store)] })
    const started = deferred<void>()
    const work = deferred<Box>()
    const slow = cache.getOrLoad(
      'a1',
      loadEach(() => {
        started.resolve()
        return work.promise
      }),
    )
    await started.promise
    if (what === 'delete') await cache.delete('a1')
    else if (what === 'clear') await cache.clear()
    else cache.set('a1', { n: 99 })
    work.resolve({ n: 1 })
    expect((await slow).value).toEqual({ n: 1 })
    await tiers[0]!.flush()
    const after = await cache.get('a1')
    expect(after?.value).toEqual(what === 'set' ? { n: 99 } : undefined)
    expect((await store.size()).entries).toBe(what === 'set' ? 1 : 0)
  })

  it('does not let a read that began before a delete bring the value back', async () => {
    const inner = openMapStore()
    await inner.setMany([[codec.key('a1'), codec.encode('a1', { n: 1 }, undefined)!]])
    const gate = deferred<void>()
    const slowStore: Store = {
      ...kind(inner),
      getMany: async keys => {
        const found = await inner.getMany(keys)
        await gate.promise
        return found
      },
    }
    const { cache } = setUp({ stores: [asynchronous(slowStore)] })
    const reads = [cache.getOrLoad('a1', counting().load), cache.get('a1')]
    await Promise.resolve()
    const deleted = cache.delete('a1')
    gate.resolve()
    await Promise.all([...reads, deleted])
    expect(cache.peek('a1')).toBeUndefined()
  })

  it('answers a batch in order, computing each distinct id once', async () => {
    const { cache } = setUp({ stores: [kind(openMapStore())] })
    const { calls, load } = counting()
    const ids = Array.from({ length: 1000 }, (_, i) => `a${i % 300}`)
    for (let i = 0; i < 150; i++) await cache.getOrLoad(`a${i}`, load)
    calls.length = 0
    const { rows } = await many(cache, ids, load)
    expect(rows.map(row => row!.value.n)).toEqual(ids.map(id => Number(id.slice(1))))
    expect(calls.sort()).toEqual(Array.from({ length: 150 }, (_, i) => `a${i + 150}`).sort())
  })

  it('keeps what finished when a part of a batch fails', async () => {
    const { cache, tiers, stores } = setUp({ stores: [kind(openMapStore())] })
    const load = loadEach<Box>(async id => {
      if (id === 'a1') throw new Error('no a1')
      return { n: Number(id.slice(1)) }
    })
    const { rows, failed } = await many(cache, ['a0', 'a1', 'a2', 'a1'], load)
    expect(rows.map(row => row?.value.n)).toEqual([0, undefined, 2, undefined])
    expect([...failed.keys()].sort()).toEqual([1, 3])
    await tiers[0]!.flush()
    expect((await stores[0]!.size()).entries).toBe(2)
  })

  it('keeps no more loads under way than it may', async () => {
    const { cache } = setUp({ stores: [kind(openMapStore())] })
    let now = 0
    let most = 0
    const load = loadEach<Box>(async id => {
      most = Math.max(most, ++now)
      await new Promise(resolve => setImmediate(resolve))
      now--
      return { n: Number(id.slice(1)) }
    })
    await many(
      cache,
      Array.from({ length: 100 }, (_, i) => `a${i}`),
      load,
      { concurrency: 7 },
    )
    expect(most).toBe(7)
  })

  it('ends a batch when its caller aborts, and keeps what finished', async () => {
    const { cache } = setUp({ stores: [kind(openMapStore())] })
    const controller = new AbortController()
    const load = loadEach((id, signal) =>
      id === 'a0'
        ? Promise.resolve({ n: 0 })
        : new Promise<Box>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    )
    const sink: BatchSink<Box> = { answer: () => controller.abort(), same() {}, failed() {} }
    const batch = cache.getOrLoadMany(['a0', 'a1', 'a2'], load, sink, { signal: controller.signal })
    await expect(batch).rejects.toMatchObject({ code: 'ABORTED' })
    expect(cache.peek('a0')).toEqual({ n: 0 })
  })
})

describe('TieredCache', () => {
  it('skips a failing tier, says so once, writes nothing back to it, and looks again after a pause', async () => {
    const inner = openMapStore()
    let broken = true
    let asked = 0
    let written = 0
    const flaky: Store = {
      ...asynchronous(inner),
      getMany: keys => {
        asked++
        return broken ? Promise.reject(new Error('EIO')) : inner.getMany(keys)
      },
      setMany: items => {
        written++
        return inner.setMany(items)
      },
    }
    const { cache, clock, warnings } = setUp({ stores: [flaky], capacity: 0 })
    const { load } = counting()
    for (let i = 0; i < 10; i++) await cache.getOrLoad(`a${i}`, load)
    expect(asked).toBe(3)
    expect(written).toBe(0)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('EIO')
    broken = false
    clock.advance(10_001)
    await cache.getOrLoad('b1', load)
    await cache.getOrLoad('b2', load)
    expect(asked).toBe(5)
    expect(written).toBe(2)
    expect(warnings).toHaveLength(1)
  })

  it('serves from memory and says so once when writing fails', async () => {
    const full: Store = { ...openMapStore(), setMany: () => Promise.reject(new Error('ENOSPC')) }
    const { cache, tiers, warnings } = setUp({ stores: [full] })
    const { calls, load } = counting()
    for (let i = 0; i < 10; i++) {
      await cache.getOrLoad(`a${i}`, load)
      await tiers[0]!.flush()
    }
    expect((await cache.getOrLoad('a3', load)).source).toBe('memory')
    expect(calls).toHaveLength(10)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('ENOSPC')
  })

  it('treats what a codec cannot read as a miss, and writes it again', async () => {
    const store = openMapStore()
    await store.setMany([[codec.key('a1'), new Uint8Array([1, 2, 3])]])
    const wary: Codec<Box> = {
      ...codec,
      decode: (id, bytes) => (bytes.length === 3 ? undefined : codec.decode(id, bytes)),
    }
    const { cache, tiers } = setUp({ stores: [store], codec: wary })
    expect((await cache.getOrLoad('a1', counting().load)).source).toBe('computed')
    await tiers[0]!.flush()
    expect(store.getSync(codec.key('a1'))).toHaveLength(7)
  })

  it('gives a back-filled entry only what is left of its life', async () => {
    const store = openMapStore()
    await store.setMany([[codec.key('a1'), codec.encode('a1', { n: 1 }, undefined)!]])
    const dying: Codec<Box> = { ...codec, decode: (id, bytes) => ({ ...codec.decode(id, bytes)!, ttlMs: 50 }) }
    const { cache, clock } = setUp({ stores: [store], codec: dying })
    await cache.get('a1')
    clock.advance(40)
    expect(cache.peek('a1')).toBeDefined()
    clock.advance(20)
    expect(cache.peek('a1')).toBeUndefined()
  })

  it('drops memory when another process cleared the disk', async () => {
    const inner = openMapStore()
    let cleared = false
    const watched: Store = {
      ...inner,
      clearedElsewhere: () => {
        const was = cleared
        cleared = false
        return was
      },
    }
    const { cache, tiers, clock } = setUp({ stores: [watched] })
    await cache.getOrLoad('a1', counting().load)
    await tiers[0]!.flush()
    await inner.clear()
    cleared = true
    clock.advance(5)
    expect((await cache.getOrLoad('a1', counting().load)).source).toBe('computed')
  })

  it('drops memory as soon as a store tells of a clear: `peek` answers nothing, what is under way is not stored', async () => {
    let tell = () => {}
    const store: Store = {
      ...openMapStore(),
      onClearedElsewhere: listener => {
        tell = listener
      },
    }
    const { cache, tiers } = setUp({ stores: [store] })
    await cache.getOrLoad('a1', counting().load)
    const slow = deferred<Box>()
    const underWay = cache.getOrLoad(
      'a2',
      loadEach(() => slow.promise),
    )
    expect(cache.peek('a1')).toEqual({ n: 1 })
    tell()
    expect(cache.peek('a1')).toBeUndefined()
    slow.resolve({ n: 2 })
    expect(await underWay).toEqual({ value: { n: 2 }, source: 'computed' })
    await tiers[0]!.flush()
    expect(cache.peek('a2')).toBeUndefined()
    expect(store.getSync!(codec.key('a2'))).toBeUndefined()
  })

  it('counts every look-up once', async () => {
    const { cache, tiers } = setUp({ capacity: 1 })
    const { load } = counting()
    await cache.getOrLoad('a1', load) // computed
    await cache.getOrLoad('a1', load) // memory
    await cache.getOrLoad('a2', load) // computed, a1 evicted
    await tiers[0]!.flush()
    await cache.getOrLoad('a1', load) // disk
    await cache.get('a9') // nowhere
    const stats = await cache.stats()
    expect(stats).toMatchObject({ hits: 2, misses: 3, hitRate: 0.4 })
    expect(stats.memory).toMatchObject({ hits: 1, misses: 4, evictions: 2, size: 1, capacity: 1, utilization: 1 })
    expect(stats.disk).toMatchObject({ hits: 1, misses: 3 })
  })

  it('says CLOSED after close, to everything, and to those who were waiting', async () => {
    const { cache } = setUp()
    let signal!: AbortSignal
    const waiting = cache.getOrLoad(
      'a1',
      loadEach((_id, s) => {
        signal = s
        return new Promise(() => {})
      }),
    )
    await Promise.all([cache.close(), expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })])
    expect(signal.aborted).toBe(true)
    const closed = { code: 'CLOSED' }
    const { load } = counting()
    for (const call of [
      cache.getOrLoad('a1', load),
      cache.get('a1'),
      cache.has('a1'),
      cache.delete('a1'),
      cache.clear(),
      cache.stats(),
    ]) {
      await expect(call).rejects.toMatchObject(closed)
    }
    expect(() => cache.set('a1', { n: 1 })).toThrow(expect.objectContaining(closed))
    expect(cache.peek('a1')).toBeUndefined()
  })

  it('evicts the first texts of a batch first, in whatever order they finish', async () => {
    const { cache } = setUp({ capacity: 100 })
    const ids = Array.from({ length: 101 }, (_, i) => `a${i}`)
    const gates = ids.map(() => deferred<Box>())
    const batch = many(
      cache,
      ids,
      loadEach(id => gates[Number(id.slice(1))]!.promise),
    )
    const order = ids.map((_, i) => i).sort((a, b) => ((a * 37) % 101) - ((b * 37) % 101))
    for (const i of order.filter(n => n !== 100)) {
      gates[i]!.resolve({ n: i })
      await new Promise(resolve => setImmediate(resolve))
    }
    gates[100]!.resolve({ n: 100 })
    await batch
    expect(ids.filter(id => cache.peek(id) === undefined)).toEqual(['a0'])
  })

  describe('a batch of more ids than memory has room for', () => {
    const ids = Array.from({ length: 500 }, (_, i) => `a${i}`)

    /** The first ids that are asked for are answered; then the caller goes. */
    function once(cache: TieredCache<Box>, from: readonly string[], meanwhile: () => void = () => {}) {
      let asked = 0
      const leaving = new AbortController()
      const load: Loader<Box> = (some, sink) => {
        if (asked++ === 0) {
          queueMicrotask(() => {
            meanwhile()
            const values = some.map(id => ({ n: Number(id.slice(1)) }))
            sink.loaded([...some.keys()], values)
            leaving.abort()
          })
        }
        return { drop: () => {} }
      }
      return many(cache, [...from], load, { signal: leaving.signal }).catch((error: unknown) => error)
    }

    it('leaves those last told in memory, and does not put all others there before', async () => {
      const { cache, memory, tiers, stores } = setUp({ capacity: 10 })
      const { rows } = await many(cache, ids, counting().load)
      expect(rows.map(row => row!.value.n)).toEqual([...ids.keys()])
      expect([...cache.entries()].map(([id]) => id)).toEqual(ids.slice(-10).reverse())
      expect(memory.counts.evictions).toBeLessThan(300)
      await tiers[0]!.flush()
      expect((await stores[0]!.size()).entries).toBe(ids.length)
    })

    it('keeps in memory what finished where no tier below has it', async () => {
      const { cache } = setUp({ capacity: 10, stores: [] })
      await once(cache, ids)
      expect([...cache.entries()]).toHaveLength(10)
    })

    it('keeps in memory what finished where the disk does not take it', async () => {
      const store = { ...openMapStore(), setMany: () => Promise.reject(new Error('disk full')) }
      const { cache, tiers } = setUp({ capacity: 10, stores: [store] })
      for (let i = 0; i < 20; i++) {
        cache.set(`b${i}`, { n: i })
        await tiers[0]!.flush()
      }
      cache.clearMemory()
      await once(cache, ids)
      expect([...cache.entries()]).toHaveLength(10)
    })

    it('keeps in memory what somebody else waits for as well', async () => {
      const { cache } = setUp({ capacity: 10 })
      let other: unknown
      await once(cache, ids, () => {
        other = cache.getOrLoad('a3', counting().load)
      })
      expect(await other).toMatchObject({ value: { n: 3 }, source: 'computed', joined: true })
      expect([...cache.entries()].map(([id]) => id)).toEqual(['a3'])
    })
  })

  it('never answers one id with another’s value, whatever happens in between', async () => {
    const id = fc.nat(8).map(n => `a${n}`)
    const step = fc.oneof(
      fc.record({ op: fc.constant('load' as const), id }),
      fc.record({ op: fc.constant('many' as const), ids: fc.array(id, { maxLength: 12 }) }),
      fc.record({ op: fc.constant('get' as const), id }),
      fc.record({ op: fc.constant('delete' as const), id }),
      fc.record({ op: fc.constant('clear' as const) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.nat(4), async (steps, capacity) => {
        const { cache } = setUp({ capacity, stores: [openMapStore(), asynchronous(openMapStore())] })
        const { load } = counting()
        const right = (of: string, answer: Answer<Box> | undefined) =>
          expect(answer?.value.n ?? Number(of.slice(1))).toBe(Number(of.slice(1)))
        await Promise.all(
          steps.map(async s => {
            if (s.op === 'load') right(s.id, await cache.getOrLoad(s.id, load))
            else if (s.op === 'get') right(s.id, await cache.get(s.id))
            else if (s.op === 'delete') await cache.delete(s.id)
            else if (s.op === 'clear') await cache.clear()
            else if (s.op === 'many') {
              const { rows } = await many(cache, s.ids, load)
              s.ids.forEach((of, i) => {
                right(of, rows[i])
              })
            }
          }),
        )
      }),
      { numRuns: 60 },
    )
  })
})
