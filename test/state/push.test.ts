// Push: what is cached goes the moment that its system tells a change, and lives longer while it tells every one. Clock and timers are
// the test's.
import { describe, expect, it } from 'vitest'
import type { WatchEvent } from '../../src/state/reports.js'
import { deferred, temporaryFolder } from '../support.js'
import { desired, manage, memoryPlugin, tellingPlugin, turns } from './managed.js'

const source = async (state: ReturnType<typeof manage>['state']) => (await state.query(['mine'])).sources.mine
const value = async (state: ReturnType<typeof manage>['state']) =>
  ((await state.query(['mine'])).plugins.mine as { items: { one: { value: number } } }).items.one.value

/** A telling plugin whose watch is sound, and whose answer was cached since. */
async function listening() {
  const made = tellingPlugin('mine')
  const managed = manage([made.plugin], { push: true })
  await managed.state.query()
  await turns()
  await managed.timers.pass(5001)
  expect(await source(managed.state)).toBe('computed')
  return { ...made, ...managed }
}

describe('a cached answer whose system tells its changes', () => {
  it('lives as long as the watch is sound, and goes at once when something changes', async () => {
    const { state, timers, system, watches } = await listening()
    await timers.pass(299_000)
    expect(await source(state)).toBe('memory')
    system.items.one = { value: 7 }
    watches[0]?.watcher.changed()
    expect(await value(state)).toBe(7)
    await timers.pass(299_000)
    expect(await source(state)).toBe('memory')
    await timers.pass(1_001)
    expect(await source(state)).toBe('computed')
    expect((await state.plugins())[0]?.push).toBe('on')
  })

  it('lives no longer than usual where the question is older than the watch', async () => {
    const begun = deferred<void>()
    const { plugin } = tellingPlugin('mine', () => begun.promise)
    const { state, timers } = manage([plugin], { push: true })
    await state.query()
    begun.resolve()
    await timers.pass(5_001)
    expect(await source(state)).toBe('computed')
  })

  it('is asked again where it changed while it was asked for', async () => {
    const made = await listening()
    const answer = deferred<void>()
    const { query } = made.plugin
    Object.assign(made.plugin, {
      query: async (call: never) => {
        const state = await query(call)
        await answer.promise
        return state
      },
    })
    made.watches[0]?.watcher.changed()
    const asking = value(made.state)
    await turns()
    made.system.items.one = { value: 7 }
    made.watches[0]?.watcher.changed()
    answer.resolve()
    expect(await asking).toBe(7)
    expect(await value(made.state)).toBe(7)
  })

  it('goes when the watch is lost, is good for the usual time then, and for long again when there is another', async () => {
    const { state, timers, watches, system } = await listening()
    watches[0]?.watcher.lost('the connection broke')
    expect(watches[0]?.closed).toBe(true)
    expect((await state.plugins())[0]?.push).toBe('lost')
    system.items.one = { value: 7 }
    expect(await value(state)).toBe(7)
    // The lost watch says nothing any more.
    watches[0]?.watcher.changed()
    watches[0]?.watcher.lost('again')
    expect(await source(state)).toBe('memory')
    expect(watches).toHaveLength(1)
    await timers.pass(1_000)
    expect(watches).toHaveLength(2)
    expect((await state.plugins())[0]?.push).toBe('on')
    expect(await source(state)).toBe('computed')
    await timers.pass(100_000)
    expect(await source(state)).toBe('memory')
  })

  it('is tried again after 1, 2, 4 ... 60 seconds as long as it cannot be listened to', async () => {
    let tries = 0
    const { plugin } = tellingPlugin('mine', async () => {
      tries++
      throw new Error('nobody there')
    })
    const { state, timers } = manage([plugin], { push: true })
    await state.query()
    await turns()
    const waits: number[] = []
    for (let i = 0; i < 8; i++) {
      waits.push(timers.next ?? Number.NaN)
      await timers.pass(timers.next ?? 0)
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map(seconds => seconds * 1000))
    expect(tries).toBe(9)
    await state.close()
    expect(timers.next).toBeUndefined()
  })

  it('is not listened to where push is off, nor where the plugin is not there', async () => {
    const off = tellingPlugin('mine')
    await manage([off.plugin]).state.query()
    let gone = true
    const away = tellingPlugin('mine')
    const { state, timers } = manage([{ ...away.plugin, unavailable: () => (gone ? 'gone' : undefined) }], {
      push: true,
    })
    await state.query()
    await turns()
    expect([off.watches, away.watches]).toEqual([[], []])
    gone = false
    await timers.pass(1000)
    await state.query()
    await turns()
    expect(away.watches).toHaveLength(1)
  })

  it('lets go of a watch that comes after the deadline, or after the end', async () => {
    const begun = deferred<void>()
    const { plugin, watches } = tellingPlugin('mine', () => begun.promise)
    const { state, timers } = manage([plugin], { push: true })
    await state.query()
    await timers.pass(10_000)
    begun.resolve()
    await turns()
    expect(watches.map(({ closed }) => closed)).toEqual([true])
    await state.close()
    const late = deferred<void>()
    const slow = tellingPlugin('mine', () => late.promise)
    const other = manage([slow.plugin], { push: true })
    await other.state.query()
    await other.state.close()
    late.resolve()
    await turns()
    expect(slow.watches.map(({ closed }) => closed)).toEqual([true])
  })
})

it('tells as events what is pushed, what plugins fail at, and what an apply came to', async () => {
  const { plugin, watches, system } = tellingPlugin('mine')
  const { state, timers, diagnostics } = manage([plugin], { push: true, dataDir: temporaryFolder() })
  const events: unknown[] = []
  for (const name of ['pushed', 'failed', 'applied'] as const) diagnostics.on(name, event => events.push([name, event]))
  await state.query()
  await turns()
  watches[0]?.watcher.changed()
  watches[0]?.watcher.lost('it ended')
  await timers.pass(1000)
  const told = (kind: string) => ['pushed', { plugin: 'mine', kind }]
  expect(events.splice(0)).toEqual(['changed', 'lost', 'sound', 'changed'].map(told))

  await state.apply(await state.plan(desired({ mine: { items: { one: { value: 5 }, two: { ensure: 'absent' } } } })))
  const { query } = plugin
  Object.assign(plugin, { query: () => new Promise(() => {}) })
  const hanging = state.query(['mine'], { fresh: true })
  await timers.pass(10_000)
  await hanging
  Object.assign(plugin, { query, apply: () => Promise.reject(new Error('no luck')) })
  await state.apply(await state.plan(desired({ mine: { items: { one: { value: 6 } } } })))
  const failed = (asked: string, why: string, message: string) => ['failed', { plugin: 'mine', asked, why, message }]
  const applied = (outcomes: object) => ['applied', { plugin: 'mine', outcomes, micros: expect.any(Number) }]
  expect(events).toEqual([
    applied({ done: 2 }),
    failed('query', 'timeout', 'plugin "mine" did not answer within 10 s'),
    failed('apply', 'error', 'plugin "mine" failed: no luck'),
    applied({ failed: 1 }),
  ])
  expect(system.items).toEqual({ one: { value: 5 } })
})

describe('watch', () => {
  const heard = () => {
    const events: string[] = []
    return {
      events,
      listener: ({ kind, message }: WatchEvent) => void events.push(message ? `${kind}: ${message}` : kind),
    }
  }

  it('tells the first of a burst at once, and one more for all that follow in 20 ms', async () => {
    const { plugin, watches } = tellingPlugin('mine')
    const { state, timers } = manage([plugin])
    const { events, listener } = heard()
    const watch = await state.watch(['mine'], listener)
    const { watcher } = watches[0]!
    watcher.changed()
    expect(events).toEqual(['changed'])
    for (let i = 0; i < 18; i++) watcher.changed()
    expect(events).toEqual(['changed'])
    await timers.pass(19)
    expect(events).toHaveLength(1)
    await timers.pass(1)
    expect(events).toHaveLength(2)
    await timers.pass(100)
    watcher.changed()
    expect(events).toHaveLength(3)
    watch.close()
    watcher.changed()
    await timers.pass(100)
    expect(events).toHaveLength(3)
    // Nobody listens any more, and nothing is left that would.
    expect([watches[0]?.closed, timers.next]).toEqual([true, undefined])
  })

  it('asks a plugin that tells nothing again and again, and tells what differs', async () => {
    const { plugin, system } = memoryPlugin('mine')
    const { state, timers } = manage([plugin])
    const { events, listener } = heard()
    const watch = await state.watch(undefined, listener)
    expect(system.asked).toBe(1)
    await timers.pass(15_000)
    expect([system.asked, events]).toEqual([4, []])
    system.items.one = { value: 7 }
    await timers.pass(5_000)
    expect(events).toEqual(['changed'])
    expect(await value(state)).toBe(7)
    watch.close()
    await timers.pass(20_000)
    expect([system.asked, timers.next]).toEqual([5, undefined])
  })

  it.each([
    [20_000, 20_000],
    [100, 1000],
    [0, 1000],
  ])('asks each time that the time of its caches is up, %d ms: in %d', async (ttlMs, expected) => {
    const { queries } = manage([], { ttlMs })
    // Those of the caller, who knows another time than the options.
    const { state, timers } = manage([memoryPlugin('mine').plugin], { queries })
    await state.watch(undefined, () => {})
    expect(timers.next).toBe(expected)
    await state.close()
  })

  it('tells a loss, asks meanwhile, and tells when all is well again', async () => {
    let there = true
    const { plugin, watches, system } = tellingPlugin('mine', async () => {
      if (!there) throw new Error('nobody there')
    })
    const { state, timers } = manage([plugin])
    const { events, listener } = heard()
    await state.watch(['mine'], listener)
    there = false
    watches[0]?.watcher.lost('it ended')
    expect(events).toEqual(['lost: it ended', 'changed'])
    await timers.pass(100)
    system.items.one = { value: 7 }
    await timers.pass(5_000)
    expect(events).toEqual(['lost: it ended', 'changed', 'changed'])
    there = true
    await timers.pass(10_000)
    expect(events).toEqual(['lost: it ended', 'changed', 'changed', 'sound', 'changed'])
    const { asked } = system
    await timers.pass(60_000)
    expect(system.asked).toBe(asked)
    await state.close()
    expect(timers.next).toBeUndefined()
  })

  it('keeps a program alive while somebody listens, and a listener that throws harms nobody', async () => {
    const { plugin, watches } = tellingPlugin('mine')
    const { state, timers, warnings } = manage([plugin])
    const { events, listener } = heard()
    await state.watch(['mine'], () => {
      throw new Error('clumsy')
    })
    await state.watch(['mine'], listener)
    expect(watches).toHaveLength(1)
    expect(timers.next).toBeGreaterThan(0)
    watches[0]?.watcher.changed()
    expect(events).toEqual(['changed'])
    expect(warnings).toEqual(['a listener of changes threw: clumsy'])
    await expect(state.watch(['nosuch'], listener)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(state.watch(['mine'], 1 as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await state.close()
    expect([watches[0]?.closed, timers.next]).toEqual([true, undefined])
  })
})
