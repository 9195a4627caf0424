// What a caller may ask of a query: a frozen value, a fresh one, one with a time of its own, and what is served past its time.
import { describe, expect, it } from 'vitest'
import { deferred, TestClock, temporaryFolder } from '../support.js'
import { answer, handTimer, never, open, openTwo, plugin, TTL } from './query-support.js'

describe('a frozen value', () => {
  it('is the very object that the plugin’s query answered, frozen, for all who ask so', async () => {
    const { here } = openTwo()
    const state = { interfaces: [{ name: 'eth0' }] }
    const first = await here.getOrCompute('net', () => state, { frozen: true })
    expect(first.value).toBe(state)
    expect(Object.isFrozen(state.interfaces[0])).toBe(true)
    expect((await here.getOrCompute('net', never, { frozen: true })).value).toBe(state)
    expect((await here.get('net', { frozen: true }))?.value).toBe(state)
    expect(here.view('net')).toBe(state)
    const copy = await here.getOrCompute<typeof state>('net', never)
    copy.value.interfaces.push({ name: 'mine' })
    expect(here.view('net')).toEqual({ interfaces: [{ name: 'eth0' }] })
  })

  it('is made of what was kept as a copy, and of what came from disk', async () => {
    const { dir, clock, here } = openTwo()
    const state = { interfaces: ['eth0'] }
    await here.getOrCompute('net', () => state)
    expect(Object.isFrozen(state)).toBe(false)
    const view = here.view<typeof state>('net')!
    expect([view === state, view, Object.isFrozen(view.interfaces)]).toEqual([false, state, true])
    const there = open(dir, { clock }).cache
    const { value, source } = (await there.get<typeof state>('net', { frozen: true }))!
    expect([source, value, Object.isFrozen(value.interfaces)]).toEqual(['disk', state, true])
  })

  it('is frozen also below what was frozen before, and where parts of it come twice', async () => {
    const { here } = openTwo()
    const part = { list: [{ deep: 1 }] }
    await here.getOrCompute('net', () => Object.freeze({ a: Object.freeze([part]), b: part }), { frozen: true })
    const view = here.view<{ b: typeof part }>('net')!
    expect([view.b === part, Object.isFrozen(part.list[0])]).toEqual([true, true])
    await here.getOrCompute('lxc', () => ({ a: Object.freeze([{ list: [{}] }]) }))
    expect(Object.isFrozen(here.view<{ a: (typeof part)[] }>('lxc')!.a[0]!.list[0])).toBe(true)
  })

  it('is no value that JSON cannot say', async () => {
    const { here } = openTwo()
    await expect(here.getOrCompute('net', () => new Map(), { frozen: true })).rejects.toMatchObject({
      code: 'UNCACHEABLE',
    })
    await here.getOrCompute('net', () => new Map())
    expect(here.view('net')).toBeUndefined()
    await expect(here.get('net', { frozen: true })).rejects.toMatchObject({ code: 'UNCACHEABLE' })
  })

  it('counts a view that memory answers, and none that it does not', async () => {
    const { cache } = open(undefined)
    cache.view('net')
    await cache.getOrCompute('net', answer(1))
    cache.view('net')
    expect(cache.counts()).toMatchObject({ hits: 1, misses: 1 })
  })
})

describe('a fresh call', () => {
  it('asks whatever is cached or under way, and caches its answer', async () => {
    const { dir, clock, here } = openTwo()
    const { query, begun } = plugin()
    const before = here.getOrCompute('net', query)
    await begun(1)
    const fresh = here.getOrCompute('net', query, { fresh: true })
    const started = await begun(2)
    started[1]!.resolve('fresh')
    expect(await fresh).toEqual({ value: 'fresh', source: 'computed' })
    started[0]!.resolve('older')
    expect((await before).value).toBe('older')
    expect((await here.get('net'))?.value).toBe('fresh')
    expect((await here.getOrCompute('net', answer('fresher'), { fresh: true })).value).toBe('fresher')
    await Promise.resolve()
    expect((await open(dir, { clock }).cache.get('net'))?.value).toBe('fresher')
  })

  it('is each one’s own, and only the one that began last is kept', async () => {
    const { here } = openTwo()
    const { query, begun } = plugin()
    const [one, two] = [1, 2].map(() => here.getOrCompute('net', query, { fresh: true }))
    const started = await begun(2)
    started[1]!.resolve('two')
    await two
    started[0]!.resolve('one')
    expect((await one!).value).toBe('one')
    expect(here.view('net')).toBe('two')
  })

  it('is answered and not kept where somebody invalidated meanwhile', async () => {
    const { here, there } = openTwo()
    for (const by of [here, there]) {
      const { query, begun } = plugin()
      const fresh = here.getOrCompute('net', query, { fresh: true })
      await begun(1)
      await by.invalidate('net')
      ;(await begun(1))[0]!.resolve('before')
      expect((await fresh).value).toBe('before')
      expect(here.view('net')).toBeUndefined()
      expect(await there.get('net')).toBeUndefined()
    }
  })

  it('leaves what is cached where it fails, and ends with its caller', async () => {
    const { here } = openTwo()
    await here.getOrCompute('net', answer('kept'))
    await expect(here.getOrCompute('net', never, { fresh: true })).rejects.toThrow('asked again')
    const controller = new AbortController()
    const asked = deferred<AbortSignal>()
    const call = { fresh: true, signal: controller.signal }
    const waiting = here.getOrCompute('net', signal => new Promise(() => asked.resolve(signal)), call)
    const signal = await asked.promise
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
    expect(signal.aborted).toBe(true)
    expect(here.view('net')).toBe('kept')
  })

  it('works where the cache is off', async () => {
    const { cache } = open(temporaryFolder(), { ttlMs: 0 })
    expect((await cache.getOrCompute('net', answer(1), { fresh: true, ttlMs: 1e6 })).value).toBe(1)
    expect(cache.view('net')).toBeUndefined()
  })
})

describe('a time of its own', () => {
  it('keeps an answer longer in memory, and not on disk', async () => {
    const { dir, here, clock } = openTwo()
    await here.getOrCompute('net', answer(1), { ttlMs: 300_000 })
    clock.advance(299_999)
    expect(here.view('net')).toBe(1)
    expect(await open(dir, { clock }).cache.get('net')).toBeUndefined()
    clock.advance(2)
    expect(here.view('net')).toBeUndefined()
  })

  it('is never shorter than the cache’s, and a number', async () => {
    const { here, clock } = openTwo()
    await here.getOrCompute('net', answer(1), { ttlMs: 1 })
    clock.advance(TTL - 1)
    expect(here.view('net')).toBe(1)
    await expect(here.getOrCompute('net', never, { ttlMs: Number.NaN })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
  })
})

describe('an answer past its time', () => {
  const staleMs = 10_000

  it('is served at once while one query renews it, from memory and from disk', async () => {
    for (const from of ['memory', 'disk'] as const) {
      const { here, there, clock } = openTwo({ staleMs })
      await here.getOrCompute('net', answer('old'))
      await Promise.resolve()
      clock.advance(TTL + 1)
      const cache = from === 'memory' ? here : there
      const { query, begun } = plugin()
      expect(await cache.getOrCompute('net', query)).toEqual({ value: 'old', source: from })
      expect(await cache.getOrCompute('net', query)).toEqual({ value: 'old', source: 'memory' })
      expect(cache.view('net')).toBeUndefined()
      const started = await begun(1)
      started[0]!.resolve('new')
      await expect.poll(() => cache.view('net')).toBe('new')
      clock.advance(TTL - 1)
      expect((await cache.getOrCompute('net', never)).value).toBe('new')
    }
  })

  it('is not served after its limit, nor after an invalidation', async () => {
    const { here, there, clock } = openTwo({ staleMs })
    await here.getOrCompute('net', answer('old'))
    clock.advance(TTL + staleMs + 1)
    expect(await here.getOrCompute('net', answer('new'))).toEqual({ value: 'new', source: 'computed' })
    clock.advance(TTL + 1)
    await there.invalidate('net')
    expect((await here.getOrCompute('net', answer('newer'))).value).toBe('newer')
  })

  it('waits for the renewal once its limit is over, and is not renewed by what began before a change', async () => {
    const { here, there, clock } = openTwo({ staleMs })
    await here.getOrCompute('net', answer('old'))
    clock.advance(TTL + 1)
    const { query, begun } = plugin()
    await here.getOrCompute('net', query)
    clock.advance(staleMs)
    const waits = here.getOrCompute('net', never)
    const started = await begun(1)
    started[0]!.resolve('new')
    expect((await waits).value).toBe('new')
    clock.advance(TTL + 1)
    await here.getOrCompute('net', query)
    await begun(2)
    await there.delete('net')
    started[1]!.resolve('from before')
    await new Promise(setImmediate)
    expect(here.view('net')).toBeUndefined()
    expect(await there.get('net')).toBeUndefined()
  })

  it('stays until its limit where the renewal fails, which is told', async () => {
    const clock = new TestClock()
    const { cache, warnings } = open(temporaryFolder(), { staleMs, clock })
    await cache.getOrCompute('net', answer('old'))
    clock.advance(TTL + 1)
    for (let i = 0; i < 3; i++) {
      expect((await cache.getOrCompute('net', () => Promise.reject(new Error('no socket')))).value).toBe('old')
      await new Promise(setImmediate)
    }
    expect(warnings[0]).toContain('no socket')
    clock.advance(staleMs)
    await expect(cache.getOrCompute('net', () => Promise.reject(new Error('no socket')))).rejects.toThrow('no socket')
  })

  it('is renewed by a program that asks once, since its end waits for that, and not for ever', async () => {
    const { dir, clock, here } = openTwo({ staleMs })
    await here.getOrCompute('net', answer('old'))
    await Promise.resolve()
    clock.advance(TTL + 1)
    const { timer, pass } = handTimer()
    for (const how of ['answers', 'hangs'] as const) {
      const { cache } = open(dir, { staleMs, clock, timer })
      const { query, begun } = plugin()
      expect((await cache.getOrCompute('net', query)).value).toBe(how === 'answers' ? 'old' : 'new')
      const [asked] = await begun(1)
      let closed = false
      const closing = cache.close().then(() => (closed = true))
      await new Promise(setImmediate)
      expect(closed).toBe(false)
      if (how === 'answers') asked!.resolve('new')
      else pass()
      await closing
      clock.advance(TTL + 1)
    }
    expect(await open(dir, { clock, staleMs }).cache.get('net')).toMatchObject({ value: 'new' })
  })
})
