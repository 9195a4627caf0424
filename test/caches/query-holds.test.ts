// While a plugin's state is being changed nothing that is asked is kept, by no process, until the change is over or who made it is gone.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { QueryCache } from '../../src/caches/query-cache.js'
import { isHold } from '../../src/caches/query-file.js'
import { Diagnostics } from '../../src/diagnostics.js'
import { startOf } from '../../src/fs/process-identity.js'
import { openDisk } from '../../src/node/disk.js'
import { nodeClock } from '../../src/node/runtime.js'
import { openFileStore } from '../../src/stores/files.js'
import { crc32, hash, TestClock, temporaryFolder } from '../support.js'
import { answer, LIVING, never, open, openTwo, plugin } from './query-support.js'

const holdsIn = (dir: string) => readdirSync(dir).filter(name => name.endsWith('.hold.json'))

describe('hold', () => {
  it('keeps nothing here or elsewhere until it is let go, and nothing from before afterwards', async () => {
    const { here, there, dir, clock } = openTwo()
    await here.getOrCompute('net', answer('before'))
    expect((await there.getOrCompute('net', never)).source).toBe('disk')
    const letGo = await here.hold('net')
    for (const cache of [here, there, open(dir, { clock }).cache]) {
      for (const value of ['half', 'way']) {
        expect(cache.view('net')).toBeUndefined()
        expect(await cache.getOrCompute('net', answer(value))).toEqual({ value, source: 'computed' })
        expect(await cache.get('net')).toBeUndefined()
      }
      expect((await cache.getOrCompute('net', answer('fresh'), { fresh: true })).value).toBe('fresh')
      expect(cache.view('net')).toBeUndefined()
    }
    const { query, begun } = plugin()
    const slow = there.getOrCompute('net', query)
    const [asked] = await begun(1)
    await letGo()
    asked!.resolve('half')
    await slow
    for (const cache of [here, there]) expect(await cache.get('net')).toBeUndefined()
    await there.getOrCompute('net', answer('after'))
    await Promise.resolve()
    expect(there.view('net')).toBe('after')
    expect((await here.getOrCompute('net', never)).source).toBe('disk')
  })

  it('does not end with a change that somebody tells meanwhile', async () => {
    const { here, there } = openTwo()
    const letGo = await here.hold('net')
    for (const tell of [() => here.invalidate('net'), () => there.delete('net'), () => there.invalidate('net')]) {
      await tell()
      await there.getOrCompute('net', answer('half'))
      expect(there.view('net')).toBeUndefined()
    }
    await letGo()
    await letGo()
    await there.getOrCompute('net', answer('after'))
    expect(there.view('net')).toBe('after')
  })

  it('leaves no gap to who begins at the same time', async () => {
    const dir = temporaryFolder()
    const clock = new TestClock()
    const holder = open(dir, { clock }).cache
    const { cache, store } = open(dir, { clock })
    const { setSync } = store!
    let letGo: Promise<() => Promise<void>> | undefined
    // Between the look of this one and its token the other begins.
    store!.setSync = (key, value) => {
      letGo ??= holder.hold('net')
      setSync(key, value)
    }
    await cache.getOrCompute('net', answer('half'))
    expect(letGo).toBeDefined()
    expect(cache.view('net')).toBeUndefined()
  })

  it('is held as often as it was called, by plugin', async () => {
    for (const dir of [temporaryFolder(), undefined]) {
      const { cache } = open(dir)
      const [one, other] = [await cache.hold('net'), await cache.hold('net')]
      await cache.getOrCompute('lxc', answer(1))
      expect(cache.view('lxc')).toBe(1)
      await one()
      await one()
      await cache.getOrCompute('net', answer('half'))
      expect(cache.view('net')).toBeUndefined()
      expect((await cache.getOrCompute('net', answer('way'))).value).toBe('way')
      await other()
      await cache.getOrCompute('net', answer('after'))
      expect(cache.view('net')).toBe('after')
    }
  })

  it('is each holder’s own, whoever ends before, and of whichever the answers are', async () => {
    const { here, there, dir, clock } = openTwo()
    const asking = open(dir, { clock }).cache
    const plain = await here.hold('net')
    const holds = [await here.hold('net\tA'), await there.hold('net'), plain, await there.hold('net\tB')]
    for (const letGo of holds) {
      await asking.getOrCompute('net', answer('half'))
      expect(asking.view('net')).toBeUndefined()
      await letGo()
    }
    await asking.getOrCompute('net', answer('after'))
    expect(asking.view('net')).toBe('after')
    expect(holdsIn(dir)).toEqual([])
  })

  it('is not ended by a clear, nor by another plugin whose name begins alike', async () => {
    const { here, there, dir, clock } = openTwo()
    const letGo = await here.hold('net')
    for (const cache of [there, here, open(dir, { clock }).cache]) {
      await cache.clear()
      await (await there.hold('net-2'))()
      await there.getOrCompute('net', answer('half'))
      await there.getOrCompute('net-2', answer('other'))
      expect([there.view('net'), there.view('net-2')]).toEqual([undefined, 'other'])
    }
    await letGo()
    expect(holdsIn(dir)).toEqual([])
  })

  it('is shared by all who ask while it is asked, but who asks after a change that is told asks anew', async () => {
    const { here, there } = openTwo()
    const before = plugin()
    const old = there.getOrCompute('net', before.query)
    await before.begun(1)
    const letGo = await here.hold('net')
    for (const cache of [there, here]) {
      const { query, begun, started } = plugin()
      const many = () => Array.from({ length: 20 }, () => cache.getOrCompute('net', query))
      const first = many()
      await begun(1)
      await here.invalidate('net')
      const second = many()
      await begun(2)
      for (const [i, asked] of started.entries()) asked.resolve(`half ${i}`)
      for (const { value } of await Promise.all(first)) expect(value).toBe('half 0')
      for (const { value } of await Promise.all(second)) expect(value).toBe('half 1')
      expect(started).toHaveLength(2)
      expect(cache.view('net')).toBeUndefined()
    }
    const { query, begun, started } = plugin()
    const half = there.getOrCompute('net', query)
    await begun(1)
    await letGo()
    const after = there.getOrCompute('net', query)
    await begun(2)
    for (const [i, asked] of started.entries()) asked.resolve(['half', 'after'][i])
    expect([(await half).value, (await after).value, there.view('net')]).toEqual(['half', 'after', 'after'])
    before.started[0]!.resolve('before')
    expect((await old).value).toBe('before')
    expect(there.view('net')).toBe('after')
  })

  it('of one who died is not shared with who asks after that', async () => {
    const dir = temporaryFolder()
    const clock = new TestClock()
    await open(dir, { clock }).cache.hold('net')
    let liveness: 'alive' | 'dead' = 'alive'
    const { cache } = open(dir, { clock, process: { ...LIVING, livenessOf: () => liveness } })
    const { query, begun, started } = plugin()
    const half = [1, 2].map(() => cache.getOrCompute('net', query))
    await begun(1)
    liveness = 'dead'
    const after = [1, 2].map(() => cache.getOrCompute('net', query))
    await begun(2)
    for (const [i, asked] of started.entries()) asked.resolve(['half', 'after'][i])
    const told = await Promise.all([...half, ...after])
    expect(told.map(({ value }) => value)).toEqual(['half', 'half', 'after', 'after'])
    expect([started.length, cache.view('net')]).toEqual([2, 'after'])
  })

  it('ends with the process that held it, after an hour where it seems to live, after 5 minutes where nobody can tell', async () => {
    const dir = temporaryFolder()
    const clock = new TestClock()
    await open(dir, { clock, process: { ...LIVING, started: '7' } }).cache.hold('net')
    const asked: unknown[] = []
    let liveness: 'alive' | 'dead' | 'unknown' = 'unknown'
    const livenessOf = (other: unknown) => {
      asked.push(other)
      return liveness
    }
    const { cache } = open(dir, { clock, process: { pid: 2, place: 'here', livenessOf } })
    const isKept = async () => {
      await cache.getOrCompute('net', answer(1))
      const kept = cache.view('net') === 1
      await cache.delete('net')
      return kept
    }
    expect(await isKept()).toBe(false)
    expect(asked).toEqual([{ pid: 1, place: 'here', started: '7' }])
    clock.advance(300_000)
    expect(await isKept()).toBe(true)
    liveness = 'alive'
    expect(await isKept()).toBe(false)
    clock.advance(3_300_000)
    expect(await isKept()).toBe(true)
    expect(holdsIn(dir)).toHaveLength(1)
    liveness = 'dead'
    expect(await isKept()).toBe(true)
    expect(holdsIn(dir)).toEqual([])
  })

  it.runIf(process.platform === 'linux')(
    'counts no process whose id is another’s since, nor one from before the system was started',
    async () => {
      const dir = temporaryFolder()
      const clock = nodeClock()
      const disk = openDisk(dir, { queryCacheTtl: 60, queryCacheStale: 0, clock, warn: () => {} })
      const queries = new QueryCache({
        ttlMs: 60_000,
        capacityBytes: 1e6,
        disk: disk.queries,
        clock,
        hash,
        warn: () => {},
      })
      const letGo = await queries.hold('net')
      const store = openFileStore({ name: 'query', dir: join(dir, 'queries'), maxEntries: 100, clock, hash, crc32 })
      const key = store.keysSync().find(isHold)!
      const hold = JSON.parse(String(Buffer.from(store.getSync(key)!)))
      const [, namespace, host] = hold.place.split(' ')
      const earlier = `00000000-0000-4000-8000-000000000000 ${namespace}`
      const counts = async (changed: object) => {
        store.setSync(key, Buffer.from(JSON.stringify({ ...hold, ...changed })))
        await queries.delete('net')
        const other = new QueryCache({
          ttlMs: 60_000,
          capacityBytes: 1e6,
          disk: disk.queries,
          clock,
          hash,
          warn: () => {},
        })
        await other.getOrCompute('net', answer(1))
        return other.view('net') === undefined
      }
      expect([hold.pid, hold.started, await counts({})]).toEqual([process.pid, startOf(process.pid), true])
      expect(await counts({ place: hold.place.replace(namespace, 'pid:[1]') })).toBe(true)
      expect(await counts({ place: `${earlier} not-${host}` })).toBe(true)
      expect(await counts({ started: '1' })).toBe(false)
      expect(await counts({ place: `${earlier} ${host}` })).toBe(false)
      await letGo()
      await queries.close()
      await store.close()
    },
  )

  it('is let go without harm when the caches are closed', async () => {
    const { cache } = open(temporaryFolder())
    const letGo = await cache.hold('net')
    await cache.close()
    await letGo()
  })
})

describe('events', () => {
  it('tell each change, whoever told it, and each token that could not be put', async () => {
    const dir = temporaryFolder()
    const clock = new TestClock()
    const diagnostics = new Diagnostics()
    const { cache, store } = open(dir, { clock, diagnostics })
    const told: unknown[] = []
    diagnostics.on('invalidated', ({ cache: name, elsewhere }) => told.push([name, elsewhere]))
    diagnostics.on('fault', ({ tier, what, why, message }) => told.push([tier, what, why, message]))
    const heard = () => told.splice(0)
    await cache.getOrCompute('net', answer(1))
    expect(heard()).toEqual([])
    await cache.delete('net')
    await cache.invalidate('net')
    expect(heard()).toEqual([
      ['queries', false],
      ['queries', false],
    ])
    await cache.getOrCompute('net', answer(1))
    const other = open(dir, { clock }).cache
    await other.delete('net')
    await other.delete('net')
    await cache.get('net')
    await cache.get('net')
    expect(heard()).toEqual([['queries', true]])
    store!.setSync = () => {
      throw new Error('ENOSPC')
    }
    await cache.delete('net')
    expect(heard()).toEqual([
      ['queries', false],
      ['disk', 'write', 'error', 'ENOSPC'],
    ])
  })
})

it('at most 256 token files are open; the one opened first is closed, and its answer dropped', async () => {
  const { cache, store } = open(temporaryFolder(), { capacityBytes: 1e8 })
  let most = 0
  let held = 0
  const { holdSync } = store!
  store!.holdSync = key => {
    const entry = holdSync(key)
    if (entry === undefined) return undefined
    most = Math.max(most, ++held)
    let open = true
    const release = () => {
      if (open) held--
      open = false
      entry.release()
    }
    return { ...entry, release }
  }
  for (let i = 0; i < 260; i++) await cache.getOrCompute(`plugin-${i}`, answer(i))
  // One more while it is looked into.
  expect(most).toBe(257)
  expect(held).toBe(256)
  expect([cache.view('plugin-3'), cache.view('plugin-4')]).toEqual([undefined, 4])
  await cache.close()
  expect(held).toBe(0)
})
