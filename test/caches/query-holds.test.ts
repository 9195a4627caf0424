// While a plugin's state is being changed nothing that is asked is kept, by no process, until the change is over or who made it is gone.
import { describe, expect, it } from 'vitest'
import { Diagnostics } from '../../src/diagnostics.js'
import { TestClock, temporaryFolder } from '../support.js'
import { answer, never, open, openTwo, plugin } from './query-support.js'

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

  it('ends with the process that held it, and an hour later where nobody can tell', async () => {
    const dir = temporaryFolder()
    const clock = new TestClock()
    await open(dir, { clock }).cache.hold('net')
    const asked: unknown[] = []
    let liveness: 'alive' | 'dead' | 'unknown' = 'unknown'
    const process = {
      pid: 2,
      place: 'here',
      livenessOf: (other: unknown) => {
        asked.push(other)
        return liveness
      },
    }
    const { cache } = open(dir, { clock, process })
    await cache.getOrCompute('net', answer('half'))
    expect(cache.view('net')).toBeUndefined()
    expect(asked).toEqual([{ pid: 1, place: 'here' }])
    liveness = 'dead'
    await cache.getOrCompute('net', answer('after'))
    expect(cache.view('net')).toBe('after')
    await cache.delete('net')
    liveness = 'unknown'
    clock.advance(3600 * 1000)
    await cache.getOrCompute('net', answer('later'))
    expect(cache.view('net')).toBe('later')
  })

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
