// Applying plans: what is told is what happened. The system is a file that other processes change as well, and plugins that fail in their
// own ways.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/json/json.js'
import type { ApplyCall, StateAction, StatePlugin } from '../../src/state/plugin.js'
import type { ResourceOutcome } from '../../src/state/reports.js'
import { deferred, temporaryFolder } from '../support.js'
import { desired, manage, memoryPlugin, turns } from './managed.js'

const told = (outcomes: readonly ResourceOutcome[]) =>
  outcomes.map(({ resource, status }) => `${resource.name} ${status}`)
const current = (dataDir: string) => JSON.parse(readFileSync(join(dataDir, 'state/current.json'), 'utf8'))
const wanted = (plugin = 'mine') =>
  desired({ [plugin]: { items: { one: { value: 5 }, two: { ensure: 'absent' }, three: { value: 3 } } } })

/** A plugin whose `apply` is this. */
function acting(
  apply: (actions: readonly StateAction[], call: ApplyCall) => Promise<void>,
  more: Partial<StatePlugin> = {},
) {
  return memoryPlugin('mine', { apply, ...more })
}

describe('apply', () => {
  it('does what the plan says, looks afterwards, and writes down what is now', async () => {
    const dataDir = temporaryFolder()
    const { plugin, system } = memoryPlugin('mine')
    const { state } = manage([plugin, memoryPlugin('other').plugin], { dataDir })
    const heard: string[] = []
    const report = await state.apply(await state.plan(wanted()), { onOutcome: one => heard.push(...told([one])) })
    expect(report).toMatchObject({ success: true, trouble: {}, checkpoint: expect.any(String) })
    expect(told(report.outcomes)).toEqual(['one done', 'three done', 'two done'])
    expect(heard).toEqual(told(report.outcomes))
    expect(system.items).toEqual({ one: { value: 5 }, three: { value: 3 } })
    expect(current(dataDir)).toEqual({
      version: 1,
      plugins: { mine: { items: system.items }, other: { items: { one: { value: 1 }, two: { value: 2 } } } },
    })
    expect((await state.verify(current(dataDir))).same).toBe(true)
    expect((await state.verify(wanted())).same).toBe(true)
    // The look afterwards is in the cache.
    expect((await state.query(['mine'])).sources.mine).toBe('memory')
  })

  it('waits a second for a plugin that had no part in it, and leaves what was written of that', async () => {
    const dataDir = temporaryFolder()
    const other = memoryPlugin('other')
    let hangs = false
    const query: StatePlugin['query'] = call => (hangs ? new Promise(() => {}) : other.plugin.query(call))
    const away = memoryPlugin('away', { unavailable: () => (hangs ? 'gone' : undefined) })
    const { state, timers } = manage([memoryPlugin('mine').plugin, { ...other.plugin, query }, away.plugin], {
      dataDir,
    })
    await state.apply(await state.plan(wanted()))
    const { away: _gone, ...before } = current(dataDir).plugins
    hangs = true
    await timers.pass(5001)
    const applying = state.apply(await state.plan(desired({ mine: { items: { one: { value: 6 } } } })))
    // It waits for the hanging one alone.
    while (timers.next !== 1000) await turns()
    await timers.pass(1000)
    expect((await applying).success).toBe(true)
    expect(current(dataDir).plugins).toEqual({ ...before, mine: { items: { one: { value: 6 }, three: { value: 3 } } } })
  })

  it('writes down what is even where nothing is to be done, if that is not written', async () => {
    const dataDir = temporaryFolder()
    const { plugin, system } = memoryPlugin('mine')
    const { state } = manage([plugin], { dataDir })
    await state.apply(await state.plan(wanted()))
    rmSync(join(dataDir, 'state/current.json'))
    system.items.more = { value: 1 }
    await state.apply(await state.plan(wanted()))
    expect(current(dataDir).plugins.mine).toEqual({ items: system.items })
  })

  it('changes nothing the second time, and makes no checkpoint for that', async () => {
    const { state } = manage([memoryPlugin('mine').plugin], { dataDir: temporaryFolder() })
    await state.apply(await state.plan(wanted()))
    expect(await state.apply(await state.plan(wanted()))).toEqual({ success: true, outcomes: [], trouble: {} })
    expect(await state.checkpoints()).toHaveLength(1)
  })

  it('refuses a plan when the state has moved, and changes nothing', async () => {
    const { plugin, system } = memoryPlugin('mine')
    const { state } = manage([plugin], { dataDir: temporaryFolder() })
    const plan = await state.plan(wanted())
    system.items.one = { value: 7 }
    const before = structuredClone(system.items)
    await expect(state.apply(plan)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('mine items/one'),
    })
    expect(system.items).toEqual(before)
    expect(await state.checkpoints()).toEqual([])
    // What the plan says nothing of may move.
    system.items.one = { value: 1 }
    system.items.four = { value: 4 }
    expect((await state.apply(plan)).success).toBe(true)
  })

  it('goes on where only a volatile field has moved, also to what is wanted, and not where more would be done', async () => {
    const { plugin, system } = memoryPlugin('mine', { resources: { items: { volatile: ['value'] } } })
    const { state } = manage([plugin], { dataDir: temporaryFolder() })
    const plan = await state.plan(desired({ mine: { items: { one: { value: 5 }, two: { value: 2 } } } }))
    system.items.two = { value: 3 }
    await expect(state.apply(plan)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringMatching(/items\/two/),
    })
    system.items.two = { value: 2 }
    system.items.one = { value: 7 }
    expect(told((await state.apply(plan)).outcomes)).toEqual(['one done'])
    expect(system.items.one).toEqual({ value: 5 })
    expect(await state.apply(plan)).toMatchObject({ success: true, outcomes: [] })
    const other = await state.plan(desired({ mine: { items: { one: { value: 6, name: 'x' } } } }))
    system.items.one = { value: 5, name: 'y' }
    await expect(state.apply(other)).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('takes a plan that was kept as a file, and no plan of another version of a plugin', async () => {
    const dataDir = temporaryFolder()
    const { plugin } = memoryPlugin('mine')
    const plan = JSON.parse(JSON.stringify(await manage([plugin]).state.plan(wanted())))
    const newer = manage([{ ...plugin, version: '2' }], { dataDir })
    await expect(newer.state.apply(plan)).rejects.toThrow(
      'the plan is of plugin "mine" version 1, which is version 2 now',
    )
    expect((await manage([plugin], { dataDir }).state.apply(plan)).success).toBe(true)
    const { state } = manage([plugin], { dataDir })
    for (const bad of [
      undefined,
      {},
      { ...plan, version: 2 },
      { ...plan, to: null },
      { ...plan, to: { desired: 1 } },
      { ...plan, diffs: [null] },
      { ...plan, diffs: [{ ...plan.diffs[0], actions: [{ kind: 'modify' }] }] },
      { ...plan, diffs: [{ ...plan.diffs[0], actions: [null] }] },
      { ...plan, diffs: [...plan.diffs, ...plan.diffs] },
      { ...plan, diffs: [] },
    ]) {
      await expect(state.apply(bad as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    expect((await state.verify(wanted())).same).toBe(true)
    const forged = JSON.parse(JSON.stringify(await state.plan(desired({ mine: { items: { one: { value: 6 } } } }))))
    forged.diffs[0].actions[0].changes[0].new = 7
    await expect(state.apply(forged)).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('tells what the plugin refuses, and never asks for it', async () => {
    const asked: string[] = []
    const { plugin } = memoryPlugin('mine', {
      refuses: ({ resource }) => (resource.name === 'one' ? 'one stays as it is' : undefined),
    })
    const apply: StatePlugin['apply'] = (actions, call) => {
      asked.push(...actions.map(({ resource }) => resource.name))
      return plugin.apply!(actions, call)
    }
    const { state } = manage([{ ...plugin, apply }], { dataDir: temporaryFolder() })
    const report = await state.apply(await state.plan(wanted()))
    expect(report.success).toBe(false)
    expect(told(report.outcomes)).toEqual(['one refused', 'three done', 'two done'])
    expect(report.outcomes[0]?.message).toBe('one stays as it is')
    expect(asked).toEqual(['three', 'two'])
  })

  it('believes no plugin that says done, nor one that says nothing', async () => {
    const { plugin, system } = acting(async (actions, { report }) => {
      for (const { resource } of actions) {
        if (resource.name === 'one') report(resource, { status: 'done' })
        if (resource.name === 'three') report(resource, { status: 'failed', message: 'no room' })
        if (resource.name === 'two') delete system.items.two
      }
      report({ collection: 'items', name: 'nobody asked' }, { status: 'done' })
    })
    const { state } = manage([plugin], { dataDir: temporaryFolder() })
    const { outcomes, success } = await state.apply(await state.plan(wanted()))
    expect(success).toBe(false)
    expect(told(outcomes)).toEqual(['one unconfirmed', 'three failed', 'two done'])
    expect(outcomes.map(({ message }) => message)).toEqual([
      'the plugin said done, and the state still differs',
      'no room',
      'the plugin did not say so, but a look afterwards shows it',
    ])
  })

  it('passes on what is accepted and not carried out yet', async () => {
    const { plugin } = acting(async (actions, { report }) => {
      for (const { resource } of actions) report(resource, { status: 'pending', message: 'not configured yet' })
    })
    const { state } = manage([plugin], { dataDir: temporaryFolder() })
    const { outcomes, success } = await state.apply(await state.plan(wanted()))
    expect([success, outcomes[0]?.status, outcomes[0]?.message]).toEqual([false, 'pending', 'not configured yet'])
  })

  it('goes on with other plugins when one fails, and tells what that one did', async () => {
    const first = memoryPlugin('first', {
      apply: async ([action], { report }) => {
        first.system.items.one = { value: 5 }
        report(action!.resource, { status: 'done' })
        throw new Error('and then the disk was full')
      },
    })
    const second = memoryPlugin('second')
    const { state } = manage([first.plugin, second.plugin], { dataDir: temporaryFolder() })
    const both = desired({ ...wanted('second').plugins, ...wanted('first').plugins })
    const report = await state.apply(await state.plan(both))
    expect(report.success).toBe(false)
    expect(report.trouble).toEqual({
      first: { kind: 'failed', message: 'plugin "first" failed: and then the disk was full' },
    })
    expect(told(report.outcomes)).toEqual([
      'one done',
      'three failed',
      'two failed',
      'one done',
      'three done',
      'two done',
    ])
  })

  it('says of a plugin that is given up what is not known, and keeps nothing of it until it has ended', async () => {
    const dataDir = temporaryFolder()
    const end = deferred<void>()
    const { plugin, system } = acting(async () => {
      system.items.one = { value: 5 }
      await end.promise
      system.items.three = { value: 3 }
    })
    const { state, timers, warnings } = manage([plugin], { dataDir })
    await state.query()
    const plan = await state.plan(wanted())
    const applying = state.apply(plan)
    while (system.items.one?.value !== 5) await turns()
    await timers.pass(60_000)
    const { outcomes, trouble } = await applying
    expect(told(outcomes)).toEqual(['one pending', 'three pending', 'two pending'])
    const why = 'plugin "mine" did not finish within 60 s'
    expect(outcomes.map(({ message }) => message)).toEqual([
      `a look afterwards shows it, and the plugin does not: ${why}`,
      `not known: ${why}, and it may still happen`,
      `not known: ${why}, and it may still happen`,
    ])
    expect(trouble.mine?.message).toBe(why)
    expect(existsSync(join(dataDir, 'state/current.json'))).toBe(false)
    expect(warnings).toEqual(['the state of mine was not written down: it is still being changed'])
    // It still works: nobody else applies, and what is asked is not kept.
    expect(existsSync(join(dataDir, 'state/apply.lock'))).toBe(true)
    expect((await state.query()).sources.mine).toBe('computed')
    expect((await state.query()).sources.mine).toBe('computed')
    end.resolve()
    while (existsSync(join(dataDir, 'state/apply.lock'))) await turns()
    expect((await state.query()).plugins.mine?.items).toMatchObject({ three: { value: 3 } })
    expect((await state.query()).sources.mine).toBe('memory')
  })

  it('takes the word of a plugin that ends at its deadline', async () => {
    const dataDir = temporaryFolder()
    const { plugin } = acting(
      (_actions, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('stopped, and nothing was done')))
        }),
    )
    const { state, timers, warnings } = manage([plugin], { dataDir })
    const applying = state.apply(await state.plan(wanted()))
    while (timers.next !== 60_000) await turns()
    await timers.pass(60_000)
    const { outcomes } = await applying
    expect(told(outcomes)).toEqual(['one failed', 'three failed', 'two failed'])
    expect(outcomes[0]?.message).toContain('stopped, and nothing was done')
    expect(warnings).toEqual([])
    expect(await state.checkpoints()).toEqual([])
  })

  it('lets the next apply begin after a while, whatever became of a plugin that was given up', async () => {
    const dataDir = temporaryFolder()
    const { plugin } = acting(() => new Promise(() => {}))
    const { state, timers } = manage([plugin], { dataDir })
    const applying = state.apply(await state.plan(wanted()))
    while (timers.next !== 60_000) await turns()
    await timers.pass(60_000)
    await applying
    await timers.pass(60_000)
    while (existsSync(join(dataDir, 'state/apply.lock'))) await turns()
  })

  it('believes no plugin that fails, whatever a look shows, and makes no checkpoint where nothing was changed', async () => {
    const half = acting(async () => {
      half.system.items.one = { value: 5 }
      throw new Error('lost the connection')
    })
    const first = manage([half.plugin], { dataDir: temporaryFolder() }).state
    const { outcomes, success, checkpoint } = await first.apply(await first.plan(wanted()))
    expect([success, checkpoint]).toEqual([false, expect.any(String)])
    expect(told(outcomes)).toEqual(['one pending', 'three failed', 'two failed'])
    const none = acting(() => Promise.reject(new Error('no rights')))
    const second = manage([none.plugin], { dataDir: temporaryFolder() }).state
    expect(await second.apply(await second.plan(wanted()))).not.toHaveProperty('checkpoint')
    expect(await second.checkpoints()).toEqual([])
    const odd = acting(async ([action], { report }) => report(action!.resource, { status: 'finished' as never }))
    const third = manage([odd.plugin], { dataDir: temporaryFolder() }).state
    const { outcomes: strange } = await third.apply(await third.plan(wanted()))
    expect(strange[0]).toMatchObject({ status: 'failed', message: 'the plugin said "finished" of it' })
  })

  it('rejects with the conflict that the first plugin saw, if nothing was changed', async () => {
    const { OpDbusError } = await import('../../src/errors.js')
    const { plugin } = acting(() => Promise.reject(new OpDbusError('CONFLICT', 'somebody was faster')))
    const { state } = manage([plugin], { dataDir: temporaryFolder() })
    await expect(state.apply(await state.plan(wanted()))).rejects.toThrow('somebody was faster')
    expect(await state.checkpoints()).toEqual([])
  })

  it('does not apply a plugin that cannot say what a rollback needs', async () => {
    const asked: string[] = []
    const { plugin } = acting(async () => void asked.push('apply'), {
      checkpoint: () => Promise.reject(new Error('no rows')),
    })
    const { state } = manage([plugin], { dataDir: temporaryFolder() })
    const { outcomes, success, checkpoint } = await state.apply(await state.plan(wanted()))
    expect([success, checkpoint, asked]).toEqual([false, undefined, []])
    expect(outcomes[0]).toMatchObject({ status: 'skipped', message: expect.stringContaining('no checkpoint: ') })
  })

  it('tells a plugin that is gone since the plan, and goes on with the others', async () => {
    let gone = false
    const away = memoryPlugin('away', { unavailable: () => (gone ? 'gone' : undefined) })
    const { state } = manage([away.plugin, memoryPlugin('mine').plugin], { dataDir: temporaryFolder() })
    const plan = await state.plan(desired({ ...wanted('away').plugins, ...wanted().plugins }))
    gone = true
    const report = await state.apply(plan)
    expect(report.trouble).toEqual({ away: { kind: 'unavailable', message: 'gone' } })
    expect(report.outcomes.map(({ plugin, status }) => `${plugin} ${status}`)).toEqual([
      ...Array(3).fill('away skipped'),
      ...Array(3).fill('mine done'),
    ])
  })

  it('tells what it could not plan as left out', async () => {
    const bad = memoryPlugin('bad', { query: () => Promise.reject(new Error('no')) })
    const { state } = manage([bad.plugin, memoryPlugin('mine').plugin], { dataDir: temporaryFolder() })
    const report = await state.apply(await state.plan(desired({ ...wanted('bad').plugins, ...wanted().plugins })))
    expect([report.success, Object.keys(report.trouble)]).toEqual([false, ['bad']])
    expect(report.outcomes.map(({ plugin, status }) => `${plugin} ${status}`)).toEqual([
      ...Array(3).fill('mine done'),
      ...Array(3).fill('bad skipped'),
    ])
    expect(report.outcomes.at(-1)).toMatchObject({ action: 'delete', message: 'plugin "bad" failed: no' })
  })

  it('ends between plugins when it is aborted, and tells what is done', async () => {
    const giver = new AbortController()
    const first = memoryPlugin('first', {
      apply: async (actions, { report, signal }) => {
        giver.abort()
        expect(signal.aborted).toBe(true)
        // It needs a while to end: what it does meanwhile is told as well.
        await turns()
        first.system.items.one = { value: 5 }
        report(actions[0]!.resource, { status: 'done' })
      },
    })
    const { state } = manage([first.plugin, memoryPlugin('second').plugin], { dataDir: temporaryFolder() })
    const plan = await state.plan(
      desired({ first: { items: { one: { value: 5 } } }, second: { items: { one: { value: 5 } } } }),
    )
    const report = await state.apply(plan, { signal: giver.signal })
    expect(report.outcomes.map(({ status }) => status)).toEqual(['done', 'skipped'])
    expect(report.success).toBe(false)
    await expect(state.apply(plan, { signal: giver.signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('needs a place for checkpoints before it changes anything', async () => {
    const { plugin, system } = memoryPlugin('mine')
    const before = structuredClone(system.items)
    const nowhere = manage([plugin])
    await expect(nowhere.state.apply(await nowhere.state.plan(wanted()))).rejects.toThrow('set OPDBUS_DATA_DIR')
    const file = join(temporaryFolder(), 'file')
    writeFileSync(file, '')
    const { state } = manage([plugin], { dataDir: file })
    await expect(state.apply(await state.plan(wanted()))).rejects.toMatchObject({ code: 'STORE' })
    expect(system.items).toEqual(before)
  })
})

describe('the cache around an apply', () => {
  it('keeps the answers of other plugins', async () => {
    const other = memoryPlugin('other')
    const { state } = manage([memoryPlugin('mine').plugin, other.plugin], { dataDir: temporaryFolder() })
    await state.query()
    await state.apply(await state.plan(wanted()))
    expect((await state.query()).sources).toEqual({ mine: 'memory', other: 'memory' })
    expect(other.system.asked).toBe(1)
  })

  it('drops those of plugins that feel it', async () => {
    const [felt, other] = [memoryPlugin('felt'), memoryPlugin('other')]
    const { plugin } = memoryPlugin('mine', { affects: ['felt', 'nosuch'] })
    const { state } = manage([felt.plugin, other.plugin, plugin], { dataDir: temporaryFolder() })
    await state.query()
    const plan = await state.plan(wanted())
    felt.system.items.veth = { value: 1 }
    await state.apply(plan)
    expect((await state.query()).plugins.felt).toMatchObject({ items: { veth: { value: 1 } } })
    expect(other.system.asked).toBe(1)
  })

  it('never serves a query that was begun before', async () => {
    const { plugin, system } = memoryPlugin('mine')
    const slow = deferred<void>()
    let hold = false
    const query: StatePlugin['query'] = async () => {
      system.asked++
      const answer = { items: structuredClone(system.items) }
      if (hold) {
        hold = false
        await slow.promise
      }
      return answer
    }
    const { state } = manage([{ ...plugin, query }], { dataDir: temporaryFolder() })
    const plan = await state.plan(wanted())
    hold = true
    const before = state.query(['mine'], { fresh: true })
    await turns()
    await state.apply(plan)
    slow.resolve()
    // Who asked before the apply, and is answered after it, gets what is then.
    expect((await before).plugins.mine).toMatchObject({ items: { one: { value: 5 } } })
    expect((await state.query()).plugins.mine).toEqual({ items: { one: { value: 5 }, three: { value: 3 } } })
  })

  it('is emptied by an apply that failed', async () => {
    const { plugin, system } = acting(async () => {
      system.items.one = { value: 4 }
      throw new Error('half-way')
    })
    const { state } = manage([plugin], { dataDir: temporaryFolder() })
    await state.query()
    await state.apply(await state.plan(wanted()))
    expect((await state.query()).plugins.mine).toMatchObject({ items: { one: { value: 4 } } })
  })

  it('holds nothing that a later plugin changed of an earlier one', async () => {
    const first = memoryPlugin('first')
    const second = memoryPlugin('second')
    const { state } = manage(
      [
        first.plugin,
        {
          ...second.plugin,
          async apply(actions, call) {
            await state.query(['first'])
            first.system.items.veth = { value: 1 }
            await second.plugin.apply!(actions, call)
          },
        },
      ],
      { dataDir: temporaryFolder() },
    )
    await state.apply(await state.plan(desired({ ...wanted('first').plugins, ...wanted('second').plugins })))
    expect((await state.query()).plugins.first).toMatchObject({ items: { veth: { value: 1 } } })
  })

  it('shows at each moment of an apply what is, and holds nothing of it', async () => {
    const { plugin, system } = memoryPlugin('mine')
    const seen: unknown[] = []
    const look = async () => void seen.push((await state.query(['mine'])).plugins.mine?.items)
    const { state } = manage(
      [
        {
          ...plugin,
          async apply(actions, { report }) {
            const of = (name: string) => actions.find(({ resource }) => resource.name === name)!.resource
            // Somebody asks before anything was told, between, and after.
            system.items = { one: { value: 4 } }
            await look()
            system.items = { one: { value: 5 } }
            report(of('one'), { status: 'done' })
            await look()
            system.items = { one: { value: 5 }, three: { value: 3 } }
            report(of('two'), { status: 'done' })
            report(of('three'), { status: 'done' })
            await look()
          },
        },
      ],
      { dataDir: temporaryFolder() },
    )
    expect((await state.apply(await state.plan(wanted()))).success).toBe(true)
    await look()
    expect(seen).toEqual([
      { one: { value: 4 } },
      { one: { value: 5 } },
      { one: { value: 5 }, three: { value: 3 } },
      { one: { value: 5 }, three: { value: 3 } },
    ])
  })

  it('shows a plugin that ended without a word as it is while the next one works', async () => {
    const silent = acting(async () => {
      await state.query(['mine'])
      silent.system.items = { one: { value: 5 } }
    })
    const next = memoryPlugin('next')
    let seen: unknown
    const apply: StatePlugin['apply'] = async (actions, call) => {
      seen = (await state.query(['mine'])).plugins.mine
      await next.plugin.apply!(actions, call)
    }
    const { state } = manage([silent.plugin, { ...next.plugin, apply }], { dataDir: temporaryFolder() })
    await state.apply(await state.plan(desired({ ...wanted().plugins, ...wanted('next').plugins })))
    expect(seen).toEqual({ items: { one: { value: 5 } } })
  })
})

describe('one at a time', () => {
  it('waits for another apply, says for whom, and then finds that the state has moved', async () => {
    const dataDir = temporaryFolder()
    const { plugin, system } = memoryPlugin('mine')
    const [entered, go] = [deferred<void>(), deferred<void>()]
    const held: StatePlugin = {
      ...plugin,
      async apply(actions, call) {
        entered.resolve()
        await go.promise
        await plugin.apply!(actions, call)
      },
    }
    const one = manage([held], { dataDir }).state
    const other = manage([plugin], { dataDir }).state
    const plans = [
      await one.plan(wanted()),
      await other.plan(desired({ mine: { items: { one: { value: 6 } } } })),
    ] as const
    const first = one.apply(plans[0])
    await entered.promise
    const waited = deferred<string>()
    const second = other.apply(plans[1], { onWait: waited.resolve })
    expect(await waited.promise).toBe(`process ${process.pid}`)
    expect(system.items).toMatchObject({ one: { value: 1 } })
    const conflict = expect(second).rejects.toMatchObject({ code: 'CONFLICT' })
    go.resolve()
    expect((await first).success).toBe(true)
    await conflict
    expect(readdirSync(join(dataDir, 'state')).sort()).toEqual(['checkpoints', 'current.json'])
  })

  it('can be given up while it waits', async () => {
    const dataDir = temporaryFolder()
    const go = deferred<void>()
    const entered = deferred<void>()
    const held = acting(async () => {
      entered.resolve()
      await go.promise
    })
    const { state } = manage([held.plugin], { dataDir })
    const plan = await state.plan(wanted())
    const first = state.apply(plan)
    await entered.promise
    const giver = new AbortController()
    const second = state.apply(plan, { signal: giver.signal, onWait: () => giver.abort() })
    await expect(second).rejects.toMatchObject({ code: 'ABORTED' })
    go.resolve()
    await first
    expect(existsSync(join(dataDir, 'state/apply.lock'))).toBe(false)
  })

  it('closes only when the apply under way is over', async () => {
    const go = deferred<void>()
    const entered = deferred<void>()
    const { plugin } = memoryPlugin('mine')
    const held: StatePlugin = {
      ...plugin,
      async apply(actions, call) {
        entered.resolve()
        await go.promise
        await plugin.apply!(actions, call)
      },
    }
    const { state } = manage([held], { dataDir: temporaryFolder() })
    const applying = state.apply(await state.plan(wanted()))
    await entered.promise
    const closing = state.close()
    go.resolve()
    expect(((await applying).outcomes[0] as JsonObject & ResourceOutcome).status).toBe('done')
    await closing
  })
})
