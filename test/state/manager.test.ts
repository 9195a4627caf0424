// What the manager answers: states out of the cache, diffs, plans; and what a plugin that misbehaves comes to.
import { describe, expect, it, vi } from 'vitest'
import type { JsonObject } from '../../src/json/json.js'
import { deferred, temporaryFolder } from '../support.js'
import { desired, manage, memoryPlugin, turns } from './managed.js'

const ITEMS = { items: { one: { value: 1 }, two: { value: 2 } } }

describe('query', () => {
  it('asks once while the answer is good, and hands out the same frozen state', async () => {
    const { plugin, system } = memoryPlugin('mine')
    const { state, timers } = manage([plugin])
    const first = await state.query()
    expect(first).toEqual({ plugins: { mine: ITEMS }, sources: { mine: 'computed' }, trouble: {} })
    const second = await state.query(['mine'])
    expect(second.sources).toEqual({ mine: 'memory' })
    expect(second.plugins.mine).toBe(first.plugins.mine)
    expect(Object.isFrozen((second.plugins.mine as typeof ITEMS).items.one)).toBe(true)
    expect(system.asked).toBe(1)
    await timers.pass(5001)
    await state.query()
    expect(system.asked).toBe(2)
  })

  it('asks anew when it is to be fresh, and caches that', async () => {
    const { plugin, system } = memoryPlugin('mine')
    const { state } = manage([plugin])
    await state.query()
    system.items.one = { value: 10 }
    expect((await state.query(undefined, { fresh: true })).plugins.mine).toMatchObject({
      items: { one: { value: 10 } },
    })
    expect((await state.query()).plugins.mine).toMatchObject({ items: { one: { value: 10 } } })
    expect(system.asked).toBe(2)
  })

  it('answers for all others when one cannot, and asks that one again the next time', async () => {
    let broken = true
    const bad = memoryPlugin('bad', {
      query: async () => {
        if (broken) throw new Error('no luck')
        return { items: {} }
      },
    })
    const gone = memoryPlugin('gone', { unavailable: () => 'there is no such program' })
    const { state } = manage([bad.plugin, gone.plugin, memoryPlugin('good').plugin])
    const report = await state.query()
    expect(report.plugins).toEqual({ good: ITEMS })
    expect(report.trouble).toEqual({
      bad: { kind: 'failed', message: 'plugin "bad" failed: no luck' },
      gone: { kind: 'unavailable', message: 'there is no such program' },
    })
    expect(gone.system.asked).toBe(0)
    broken = false
    expect((await state.query()).plugins).toEqual({ bad: { items: {} }, good: ITEMS })
    expect((await state.plugins()).map(({ name, available, reason }) => [name, available, reason])).toEqual([
      ['bad', true, undefined],
      ['gone', false, 'there is no such program'],
      ['good', true, undefined],
    ])
  })

  it('gives up on a plugin that hangs, even if it does not hear its signal', async () => {
    let signal: AbortSignal | undefined
    const hangs = memoryPlugin('hangs', {
      query: async call => {
        signal = call.signal
        return new Promise(() => {})
      },
    })
    const { state, timers } = manage([hangs.plugin, memoryPlugin('good').plugin])
    const asking = state.query()
    await timers.pass(10_000)
    const { trouble, plugins } = await asking
    expect(trouble.hangs).toEqual({ kind: 'failed', message: 'plugin "hangs" did not answer within 10 s' })
    expect(signal?.aborted).toBe(true)
    expect(plugins.good).toEqual(ITEMS)
  })

  it.each([
    [
      'throws at once',
      () => {
        throw new Error('at once')
      },
      /failed: at once/,
    ],
    ['rejects with nothing', () => Promise.reject(undefined), /failed: undefined/],
    ['answers nothing', async () => undefined, /answered no state/],
    ['answers a circle', async () => circle(), /answered no state/],
    ['answers megabytes', async () => ({ items: { one: { text: 'x'.repeat(17 << 20) } } }), /answered no state/],
    ['answers a function', async () => ({ items: { one: { f: () => 1 } } }), /answered no state/],
    ['answers NaN', async () => ({ items: { one: { value: Number.NaN } } }), /answered no state/],
    ['answers what it has no rule for', async () => ({ other: {} }), /answered no state/],
  ])('says so when a plugin %s', async (_what, query, message) => {
    const bad = memoryPlugin('bad', { query: query as never })
    const { state } = manage([bad.plugin])
    const { trouble } = await state.query()
    expect(trouble.bad).toEqual({ kind: 'failed', message: expect.stringMatching(message) })
    expect(trouble.bad?.message).toContain('bad')
  })

  it('has integers that no double holds as texts', async () => {
    const { state } = manage([
      memoryPlugin('big', { query: async () => ({ items: { one: { n: 2n ** 60n } } }) as unknown as JsonObject })
        .plugin,
    ])
    expect((await state.query()).plugins.big).toEqual({ items: { one: { n: '1152921504606846976' } } })
  })

  it('ends the wait of whoever gives up, and not that of others', async () => {
    const answer = deferred<JsonObject>()
    const { state } = manage([memoryPlugin('slow', { query: () => answer.promise }).plugin])
    const giver = new AbortController()
    const [one, other] = [state.query(['slow'], { signal: giver.signal }), state.query(['slow'])]
    await turns()
    giver.abort()
    await expect(one).rejects.toMatchObject({ code: 'ABORTED' })
    answer.resolve(ITEMS)
    expect((await other).plugins.slow).toEqual(ITEMS)
  })

  it('keeps apart what two versions and two systems answer', async () => {
    const { queries } = manage([])
    const at = (scope: string, version = '1') =>
      manage([memoryPlugin('mine', { scope, version }).plugin], { queries }).state
    for (const state of [at('/a'), at('/b'), at('/a', '2')]) {
      expect((await state.query()).sources).toEqual({ mine: 'computed' })
    }
    for (const state of [at('/a'), at('/b'), at('/a', '2')]) {
      expect((await state.query()).sources).toEqual({ mine: 'memory' })
    }
  })

  it('asks a plugin that is not there once in a second whether it is, and all others out of memory meanwhile', async () => {
    let [gone, looked] = [true, 0]
    const away = memoryPlugin('away', {
      unavailable: () => {
        looked++
        return gone ? 'not here' : undefined
      },
    })
    const { state, timers } = manage([away.plugin, memoryPlugin('mine').plugin, memoryPlugin('other').plugin])
    const trouble = { away: { kind: 'unavailable', message: 'not here' } }
    expect(await state.query(['away', 'mine'])).toMatchObject({ sources: { mine: 'computed' }, trouble })
    expect(await state.query()).toMatchObject({ sources: { mine: 'memory', other: 'computed' }, trouble })
    gone = false
    await timers.pass(999)
    expect(await state.query()).toMatchObject({ sources: { mine: 'memory', other: 'memory' }, trouble })
    expect(looked).toBe(1)
    await timers.pass(1)
    expect(await state.query()).toMatchObject({ sources: { away: 'computed' }, trouble: {} })
    expect(looked).toBe(2)
  })

  it('believes that a plugin is not there no longer than it is told otherwise, nor where nothing is cached', async () => {
    let gone = true
    const unavailable = () => (gone ? 'not here' : undefined)
    const away = memoryPlugin('away', { unavailable })
    const mine = memoryPlugin('mine', { affects: ['away'] })
    const { state } = manage([away.plugin, mine.plugin], { dataDir: temporaryFolder() })
    expect((await state.query()).trouble).toHaveProperty('away')
    gone = false
    expect((await state.query(['away'], { fresh: true })).trouble).toEqual({})
    gone = true
    await state.query(['away'], { fresh: true })
    gone = false
    await state.apply(await state.plan(desired({ mine: { items: { one: { value: 5 } } } })))
    expect((await state.query(['away'])).trouble).toEqual({})

    const off = manage([memoryPlugin('away', { unavailable }).plugin], { ttlMs: 0 }).state
    gone = true
    await off.query()
    gone = false
    expect((await off.query()).trouble).toEqual({})
  })
})

describe('diff', () => {
  const wanted = desired({ mine: { items: { one: { value: 5 }, two: { value: 2 }, three: { value: 3 } } } })

  it('says what is to be done, once for equal states', async () => {
    const { plugin } = memoryPlugin('mine')
    const { state } = manage([plugin, memoryPlugin('other').plugin])
    const report = await state.diff(wanted)
    expect(report).toMatchObject({ same: false, sources: { mine: 'computed' }, trouble: {} })
    expect(report.diffs).toHaveLength(1)
    expect(report.diffs[0]?.actions.map(({ kind, resource: { name } }) => [name, kind])).toEqual([
      ['one', 'modify'],
      ['three', 'create'],
      ['two', 'none'],
    ])
    const turned = desired({ mine: { items: { three: { value: 3 }, two: { value: 2 }, one: { value: 5 } } } })
    expect((await state.diff(turned)).sources).toEqual({ mine: 'memory' })
    expect((await state.diff(desired({ mine: { items: { one: { value: 1 } } } }))).same).toBe(true)
  })

  it('verify and plan ask the system, whatever is cached', async () => {
    const { plugin, system } = memoryPlugin('mine')
    const { state } = manage([plugin])
    const same = desired({ mine: { items: { one: { value: 1 } } } })
    expect((await state.diff(same)).same).toBe(true)
    system.items.one = { value: 9 }
    expect((await state.diff(same)).same).toBe(true)
    expect((await state.verify(same)).same).toBe(false)
    system.items.one = { value: 8 }
    expect((await state.plan(same)).diffs[0]?.actions[0]).toMatchObject({
      changes: [{ path: '/value', old: 8, new: 1 }],
    })
  })

  it('tells plugins that do not answer, and is not the same then', async () => {
    const bad = memoryPlugin('bad', { query: () => Promise.reject(new Error('no')) })
    const { state } = manage([bad.plugin])
    const report = await state.diff(desired({ bad: { items: {} } }))
    expect(report).toMatchObject({ same: false, diffs: [], trouble: { bad: { kind: 'failed' } } })
    expect(await state.plan(desired({ bad: { items: {} } }))).toMatchObject({ trouble: { bad: { kind: 'failed' } } })
  })

  it('is about the plugins that were named', async () => {
    const { state } = manage([memoryPlugin('a').plugin, memoryPlugin('b').plugin])
    const both = desired({ a: { items: {} }, b: { items: {} } })
    expect((await state.diff(both, { plugins: ['b'] })).diffs.map(({ plugin }) => plugin)).toEqual(['b'])
    const plan = await state.plan(both, { plugins: ['b'] })
    expect(plan.to).toMatchObject({ desired: { plugins: { b: { state: { items: {} } } } } })
    await expect(state.diff(desired({ a: { items: {} } }), { plugins: ['b'] })).rejects.toThrow(
      'the desired state says nothing of plugin "b"; it is about: a',
    )
    await expect(state.diff(both, { plugins: ['c'] })).rejects.toThrow('no plugin is called "c"')
    await expect(state.diff(desired({ aa: {} }))).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('says of a plugin that only reads that it does', async () => {
    const only = memoryPlugin('only', {
      apply: undefined as never,
      capabilities: { apply: false, atomic: false, rollback: false, watch: false },
    })
    const { state } = manage([only.plugin])
    const [diff] = (await state.diff(desired({ only: { items: { one: { value: 5 } } } }))).diffs
    expect(diff?.actions[0]).toMatchObject({ refused: 'only is read only' })
  })

  it('tells a plugin that throws while it judges', async () => {
    const { plugin } = memoryPlugin('mine', {
      refuses: () => {
        throw new Error('judged badly')
      },
    })
    const { state } = manage([plugin])
    expect((await state.diff(wanted)).trouble.mine).toEqual({
      kind: 'failed',
      message: 'plugin "mine" failed: judged badly',
    })
  })
})

describe('the first desired file', () => {
  it('is what each plugin can change, and the system is as it says', async () => {
    const some = memoryPlugin('some', {
      initial: state => ({ items: { one: (state.items as JsonObject).one as JsonObject } }),
    })
    const gone = memoryPlugin('gone', { unavailable: () => 'not here' })
    const bad = memoryPlugin('bad', { query: () => Promise.reject(new Error('no')) })
    const { state, warnings } = manage([some.plugin, memoryPlugin('all').plugin, gone.plugin, bad.plugin])
    const first = await state.initial()
    expect(first).toEqual({ version: 1, plugins: { some: { items: { one: { value: 1 } } }, all: ITEMS } })
    expect((await state.diff(first)).same).toBe(true)
    expect(warnings).toEqual([expect.stringContaining('bad is left out')])
    await expect(state.initial(['gone'])).rejects.toMatchObject({ code: 'PLUGIN_UNAVAILABLE' })
  })

  it('can be read as a file', async () => {
    const { state } = manage([memoryPlugin('all').plugin])
    const read = await state.readDesired(JSON.stringify(await state.initial()), 'first.json')
    expect((await state.verify(read)).same).toBe(true)
    await expect(state.readDesired('{', 'broken.json')).rejects.toThrow(/^broken\.json:1:/)
  })
})

describe('close', () => {
  it('lets each plugin go once, and serves nobody afterwards', async () => {
    const close = vi.fn()
    const bad = memoryPlugin('bad', { close: () => Promise.reject(new Error('stuck')) })
    const { state, warnings } = manage([memoryPlugin('mine', { close }).plugin, bad.plugin])
    await state.query()
    await Promise.all([state.close(), state.close()])
    expect(close).toHaveBeenCalledTimes(1)
    expect(warnings).toEqual(['plugin "bad" failed: stuck'])
    await expect(state.query()).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(state.checkpoints()).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

function circle(): object {
  const items: Record<string, unknown> = {}
  items.one = items
  return { items }
}
