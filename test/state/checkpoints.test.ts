// Checkpoints: kept before each apply, found again by a part of their id, and the way back from an apply, and from that.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { JsonValue } from '../../src/json/json.js'
import type { StateAction } from '../../src/state/plugin.js'
import { memoryFolder, temporaryFolder } from '../support.js'
import { desired, manage, memoryPlugin } from './managed.js'

const set = (value: number) => desired({ mine: { items: { one: { value } } } })
const folder = (dataDir: string) => join(dataDir, 'state/checkpoints')
const files = (dataDir: string) => readdirSync(folder(dataDir)).sort()

function managed(dataDir = temporaryFolder()) {
  const { plugin, system } = memoryPlugin('mine')
  const made = manage([plugin], { dataDir })
  const apply = async (value: number) => made.state.apply(await made.state.plan(set(value)))
  const rollback = async (id?: string) => made.state.apply(await made.state.planRollback(id))
  return { ...made, plugin, system, dataDir, apply, rollback }
}

describe('a checkpoint', () => {
  it('holds what was to be touched, as it was, for its owner alone', async () => {
    const { state, dataDir, apply } = managed()
    const { checkpoint } = await apply(5)
    const [name] = files(dataDir)
    expect(name).toBe(`${checkpoint}.json`)
    expect(JSON.parse(readFileSync(join(folder(dataDir), name!), 'utf8'))).toEqual({
      'op-dbus': 'checkpoint',
      version: 1,
      id: checkpoint,
      created: '2023-11-14T22:13:20.000Z',
      plugins: [
        {
          plugin: 'mine',
          version: '1',
          resources: [
            {
              resource: { collection: 'items', name: 'one' },
              before: { value: 1 },
              changes: [{ path: '/value', old: 1, new: 5 }],
            },
          ],
          extra: null,
        },
      ],
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    const modes = [dataDir, 'state', 'state/checkpoints', `state/checkpoints/${name}`, 'state/current.json']
    expect(modes.map(path => (statSync(join(dataDir, path === dataDir ? '' : path)).mode & 0o777).toString(8))).toEqual(
      ['700', '700', '700', '600', '600'],
    )
    expect(await state.checkpoints()).toEqual([
      { id: checkpoint, created: '2023-11-14T22:13:20.000Z', plugins: ['mine'], resources: 1 },
    ])
  })

  it('sorts behind those before it, also when the clock was set back', async () => {
    const { state, clock, apply } = managed()
    const ids: (string | undefined)[] = []
    for (const [value, wall] of [
      [2, 1_700_000_000_000],
      [3, 1_700_000_000_000],
      [4, 1_600_000_000_000],
      [5, 1_600_000_000_500],
    ] as const) {
      clock.wall = wall
      ids.push((await apply(value)).checkpoint)
    }
    expect(ids).toEqual([...ids].sort())
    expect((await state.checkpoints()).map(({ id }) => id)).toEqual([...ids].reverse())
    expect((await state.checkpoints())[0]?.created).toBe('2020-09-13T12:26:40.500Z')
  })

  it('is one of fifty; the one that is led back to stays', async () => {
    const { state, dataDir, system, apply, rollback } = managed(memoryFolder())
    const first = (await apply(100)).checkpoint
    for (let value = 101; value < 150; value++) await apply(value)
    expect(files(dataDir)).toHaveLength(50)
    expect((await rollback(first)).success).toBe(true)
    expect(system.items.one).toEqual({ value: 1 })
    expect(files(dataDir)).toHaveLength(51)
    await apply(150)
    expect(files(dataDir)).toHaveLength(50)
    expect(await state.checkpoints()).toHaveLength(50)
    await expect(state.planRollback(first)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('is told as damaged when a bit of it is, and no other is taken in its place', async () => {
    const { state, dataDir, system, apply } = managed()
    const ids = [(await apply(5)).checkpoint, (await apply(6)).checkpoint, (await apply(7)).checkpoint] as string[]
    const path = (id: string) => join(folder(dataDir), `${id}.json`)
    const [whole, middle] = [readFileSync(path(ids[2]!)), readFileSync(path(ids[1]!), 'utf8')]
    writeFileSync(path(ids[1]!), middle.replace('"value": 5', '"value": 4'))
    writeFileSync(join(folder(dataDir), 'notes.txt'), 'mine')
    const elsewhere = join(temporaryFolder(), 'elsewhere')
    writeFileSync(elsewhere, whole)
    for (const damage of [
      () => writeFileSync(path(ids[2]!), whole.subarray(0, 100)),
      () => writeFileSync(path(ids[2]!), '{"op-dbus":"checkpoint","version":1,"id":"other","created":"","plugins":[]}'),
      () => rmSync(path(ids[2]!)),
      () => symlinkSync(elsewhere, path(ids[2]!)),
    ]) {
      damage()
      if (!readdirSync(folder(dataDir)).includes(`${ids[2]}.json`)) continue
      expect((await state.checkpoints()).map(({ id, damaged = false }) => [id, damaged])).toEqual([
        [ids[2], true],
        [ids[1], true],
        [ids[0], false],
      ])
      await expect(state.planRollback()).rejects.toThrow(
        `the checkpoint ${ids[2]} is damaged\nnothing was changed; the one before it is ${ids[1]}`,
      )
    }
    await expect(state.planRollback(ids[1])).rejects.toThrow(`the checkpoint ${ids[1]} is damaged`)
    expect((await state.planRollback(ids[0])).to).toEqual({ checkpoint: ids[0] })
    expect(system.items.one).toEqual({ value: 7 })
  })

  it('is of one machine and one system, as a plan is', async () => {
    const dataDir = temporaryFolder()
    const [here, there] = ['a', 'b'].map(machine => manage([memoryPlugin('mine').plugin], { dataDir, machine }).state)
    await here!.apply(await here!.plan(set(5)))
    const plan = await here!.plan(set(6))
    await expect(there!.planRollback()).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(there!.apply(plan)).rejects.toThrow('the plan was made on another machine')
    const { machine: _, ...anybodys } = plan
    await expect(here!.apply(anybodys)).rejects.toThrow('does not say which machine')
    const at = (scope: string) => manage([memoryPlugin('mine', { scope }).plugin], { dataDir: other }).state
    const other = temporaryFolder()
    const [one, two] = [at('unix:/a'), at('unix:/b')]
    await one.apply(await one.plan(set(5)))
    const why = 'is of plugin "mine" at unix:/a, which is at unix:/b now'
    await expect(two.apply(await one.plan(set(6)))).rejects.toThrow(`the plan ${why}`)
    expect(await two.planRollback()).toMatchObject({
      diffs: [],
      trouble: { mine: { message: `the checkpoint ${why}` } },
    })
  })

  it('is found by as much of its id as no other begins with', async () => {
    const { state, apply } = managed()
    await expect(state.planRollback()).rejects.toThrow('there is no checkpoint\nthe first apply makes one')
    await expect(state.planRollback('2023')).rejects.toThrow('no checkpoint begins with "2023"\nthere are none')
    const ids = [(await apply(5)).checkpoint, (await apply(6)).checkpoint] as string[]
    expect((await state.planRollback(ids[0]!.slice(0, -2))).to).toEqual({ checkpoint: ids[0] })
    await expect(state.planRollback('2023')).rejects.toThrow('2 checkpoints begin with "2023"')
    await expect(state.planRollback('../x')).rejects.toThrow('no checkpoint begins with')
    await expect(state.planRollback('')).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('is not written through links, and what killed processes left is removed', async () => {
    const { dataDir, system, apply } = managed()
    await apply(5)
    const left = join(dataDir, 'state', `current.json.${'0'.repeat(16)}.tmp`)
    writeFileSync(left, 'half')
    await apply(6)
    expect(readdirSync(join(dataDir, 'state')).sort()).toEqual(['checkpoints', 'current.json'])
    const elsewhere = temporaryFolder()
    renameSync(folder(dataDir), `${folder(dataDir)}.away`)
    symlinkSync(elsewhere, folder(dataDir))
    await expect(apply(7)).rejects.toMatchObject({ code: 'STORE', message: expect.stringContaining('is no folder') })
    expect([readdirSync(elsewhere), system.items.one]).toEqual([[], { value: 6 }])
    const linked = temporaryFolder()
    symlinkSync(elsewhere, join(linked, 'state'))
    await expect(managed(linked).apply(5)).rejects.toMatchObject({ code: 'STORE' })
  })
})

describe('a rollback', () => {
  it('restores what an apply touched, leaves alone what it did not, and can be taken back', async () => {
    const { state, system, rollback } = managed()
    const before = structuredClone(system.items)
    const wanted = desired({ mine: { items: { one: { value: 5 }, two: { ensure: 'absent' }, three: { value: 3 } } } })
    await state.apply(await state.plan(wanted))
    system.items.four = { value: 4 }
    const after = structuredClone(system.items)
    const report = await rollback()
    expect(report.outcomes.map(({ action, resource, status }) => `${action} ${resource.name} ${status}`)).toEqual([
      'modify one done',
      'delete three done',
      'create two done',
    ])
    expect(system.items).toEqual({ ...before, four: { value: 4 } })
    await rollback()
    expect(system.items).toEqual(after)
  })

  it('leaves what others have changed since of what it touched', async () => {
    const { plugin, system } = memoryPlugin('mine', { resources: { items: { sets: ['ports'] } } })
    const { state } = manage([plugin], { dataDir: temporaryFolder() })
    system.items = { one: { value: 1, name: 'a', ports: ['p', 'q'] } }
    const wanted = { value: 5, ports: ['n', 'q'], prune: true }
    expect((await state.apply(await state.plan(desired({ mine: { items: { one: wanted } } })))).success).toBe(true)
    system.items.one = { ...system.items.one, name: 'b', more: true, ports: ['n', 'q', 'theirs'] }
    expect((await state.apply(await state.planRollback())).success).toBe(true)
    expect(system.items.one).toEqual({ value: 1, name: 'b', more: true, ports: ['p', 'q', 'theirs'] })
  })

  it('has nothing to do where all is as it was', async () => {
    const { system, apply, rollback } = managed()
    await apply(5)
    system.items.one = { value: 1 }
    expect(await rollback()).toEqual({ success: true, outcomes: [], trouble: {} })
  })

  it('gives the plugin what it asked to keep', async () => {
    const got: { extra: JsonValue; actions: readonly StateAction[] }[] = []
    const { plugin, system } = memoryPlugin('mine', {
      checkpoint: async actions => ({ rows: actions.length, big: () => 1 }) as unknown as JsonValue,
      rollback: async (actions, extra) => void got.push({ actions, extra }),
    })
    const { state } = manage([{ ...plugin, checkpoint: async ({ length }) => ({ rows: length }) }], {
      dataDir: temporaryFolder(),
    })
    await state.apply(await state.plan(set(5)))
    const report = await state.apply(await state.planRollback())
    expect(got).toMatchObject([{ extra: { rows: 1 }, actions: [{ kind: 'modify' }] }])
    expect(report.outcomes[0]).toMatchObject({ status: 'failed', message: 'the plugin said nothing of it' })
    expect(system.items.one).toEqual({ value: 5 })
    // What is no JSON is not kept, and nothing is applied then.
    const bad = manage([plugin], { dataDir: temporaryFolder() })
    const refused = await bad.state.apply(await bad.state.plan(set(6)))
    expect(refused.outcomes[0]).toMatchObject({ status: 'skipped', message: expect.stringContaining('no JSON') })
  })

  it('says what it cannot take back', async () => {
    const dataDir = temporaryFolder()
    const { plugin } = memoryPlugin('mine')
    const other = memoryPlugin('other').plugin
    const both = desired({ ...set(5).plugins, other: { items: { one: { value: 5 } } } })
    const { state } = manage([plugin, other], { dataDir })
    await state.apply(await state.plan(both))
    const newer = manage([{ ...plugin, version: '2' }], { dataDir })
    expect((await newer.state.planRollback()).trouble).toEqual({
      mine: { kind: 'failed', message: 'the checkpoint is of plugin "mine" version 1, which is version 2 now' },
      other: { kind: 'failed', message: 'the checkpoint is of plugin "other", and there is no such plugin now' },
    })
    const never = { ...plugin, capabilities: { ...plugin.capabilities, rollback: false } }
    const [diff] = (await manage([never, other], { dataDir }).state.planRollback()).diffs
    expect(diff?.actions[0]).toMatchObject({ refused: 'mine takes nothing back' })
  })

  it('is refused when the state has moved, or the checkpoint has gone', async () => {
    const { state, dataDir, system, apply } = managed()
    await apply(5)
    const plan = await state.planRollback()
    system.items.one = { value: 6 }
    await expect(state.apply(plan)).rejects.toMatchObject({ code: 'CONFLICT' })
    renameSync(folder(dataDir), join(dataDir, 'away'))
    mkdirSync(folder(dataDir))
    await expect(state.apply(plan)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})
