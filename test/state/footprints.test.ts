// What an apply leaves in the chain: a footprint for each plugin that had something to do, in words that people search for.
import { describe, expect, it } from 'vitest'
import type { Draft } from '../../src/blockchain/block.js'
import { bodyFault, draftOf } from '../../src/blockchain/footprint.js'
import { OpDbusError } from '../../src/errors.js'
import type { JsonObject } from '../../src/json/json.js'
import type { ApplyFootprint, Memory } from '../../src/state/footprints.js'
import type { StateAction, StatePlugin } from '../../src/state/plugin.js'
import type { ResourceOutcome } from '../../src/state/reports.js'
import { type Done, sentences } from '../../src/state/sentences.js'
import { temporaryFolder } from '../support.js'
import { desired, manage, memoryPlugin } from './managed.js'

/** A manager whose chain is a list; each footprint has to be one that the chain takes. */
function remembering(plugins: readonly StatePlugin[], values = true) {
  const remembered: ApplyFootprint[] = []
  const drafts: Draft[] = []
  const managed = manage(plugins, {
    dataDir: temporaryFolder(),
    memory: {
      values,
      ready: async () => {},
      add: async footprints => {
        const first = remembered.length
        drafts.push(...footprints.map(footprint => draftOf(footprint, 0)))
        remembered.push(...footprints)
        return footprints.map((_, i) => first + i)
      },
    },
  })
  return { ...managed, remembered, drafts }
}

const items = (value: JsonObject) => ({ items: value })

describe('an apply in the chain', () => {
  it('is a block for each plugin that had something to do, in their order, and the report names them', async () => {
    const plugins = ['one', 'two', 'three'].map(name => memoryPlugin(name).plugin)
    const { state, remembered } = remembering(plugins)
    const wanted = desired({
      one: items({ three: { value: 3 } }),
      two: items({ one: { value: 1 } }),
      three: items({ one: { value: 5 }, two: { ensure: 'absent' } }),
    })
    const plan = await state.plan(wanted)
    const report = await state.apply(plan)
    expect(report).toMatchObject({ success: true, blocks: [0, 1] })
    expect(remembered.map(({ plugin_id, operation }) => [plugin_id, operation])).toEqual([
      ['one', 'apply'],
      ['three', 'apply'],
    ])
    const [first, second] = remembered as [ApplyFootprint, ApplyFootprint]
    expect(first.text).toBe('Created item three: value 3.')
    expect(second.text).toBe('Changed item one: value from 1 to 5. Deleted item two.')
    expect(second.data).toEqual({
      actions: [
        {
          action: 'modify',
          collection: 'items',
          name: 'one',
          changes: [{ path: '/value', old: 1, new: 5 }],
          status: 'done',
        },
        { action: 'delete', collection: 'items', name: 'two', old: { value: 2 }, status: 'done' },
      ],
    })
    const { currentHash, desiredHash } = plan.diffs.find(({ plugin }) => plugin === 'three')!
    expect(second.metadata).toEqual({
      checkpoint: report.checkpoint,
      currentHash,
      desiredHash,
      outcomes: { done: 2 },
      micros: expect.any(Number),
    })
    // Nothing to do, nothing to remember.
    expect(await state.apply(await state.plan(wanted))).toEqual({ success: true, outcomes: [], trouble: {} })
    expect(remembered).toHaveLength(2)
  })

  it('is an error where something was not done, and says what; a rollback says where it led', async () => {
    const failing = memoryPlugin('mine', {
      apply: async (actions, { report }) => {
        for (const { resource } of actions) report(resource, { status: 'failed', message: 'the disk\nis full' })
      },
      capabilities: { apply: true, atomic: false, rollback: true, watch: false },
    })
    const sound = memoryPlugin('other')
    const { state, remembered } = remembering([failing.plugin, sound.plugin])
    const report = await state.apply(
      await state.plan(desired({ mine: items({ one: { value: 5 } }), other: items({ one: { value: 6 } }) })),
    )
    expect(report).toMatchObject({ success: false, blocks: [0, 1] })
    expect(remembered.map(({ operation }) => operation)).toEqual(['apply_error', 'apply'])
    expect(remembered[0]!.text).toBe('Failed to change item one: value from 1 to 5: the disk is full.')
    expect(remembered[0]!.metadata.outcomes).toEqual({ failed: 1 })
    await state.apply(await state.planRollback())
    const back = remembered.at(-1)!
    expect(back).toMatchObject({ plugin_id: 'other', operation: 'apply', metadata: { rollbackTo: report.checkpoint } })
    expect(back.text).toBe(`Rolled back other to checkpoint ${report.checkpoint}. Changed item one: value from 6 to 1.`)
  })

  it('is remembered also where the plugin throws, is refused, or the apply is aborted half-way', async () => {
    const ending = new AbortController()
    const throwing = memoryPlugin('first', { apply: () => Promise.reject(new Error('gone')) })
    const aborting = memoryPlugin('second', {
      apply: async (actions, { report }) => {
        ending.abort()
        for (const { resource } of actions) report(resource, { status: 'done' })
      },
    })
    const { state, remembered } = remembering([throwing.plugin, aborting.plugin, memoryPlugin('third').plugin])
    const wanted = Object.fromEntries(['first', 'second', 'third'].map(name => [name, items({ one: { value: 5 } })]))
    const report = await state.apply(await state.plan(desired(wanted)), { signal: ending.signal })
    expect(report.blocks).toEqual([0, 1, 2])
    expect(remembered.map(({ operation }) => operation)).toEqual(['apply_error', 'apply_error', 'apply_error'])
    expect(remembered[0]!.text).toContain('Plugin first failed: ')
    expect(remembered[0]!.metadata.trouble).toContain('gone')
    expect(remembered[2]!.text).toBe('Skipped to change item one: value from 1 to 5: the apply was aborted.')
  })

  it('does not fail with the chain: what was done is told, with a warning and the reason', async () => {
    const { plugin, system } = memoryPlugin('mine')
    const { state, warnings, timers } = manage([plugin], {
      dataDir: temporaryFolder(),
      memory: { values: true, ready: async () => {}, add: () => Promise.reject(new Error('the disk is full')) },
    })
    const report = await state.apply(await state.plan(desired({ mine: items({ one: { value: 5 } }) })))
    expect(report).toMatchObject({ success: true, unremembered: 'the disk is full' })
    expect(report.blocks).toBeUndefined()
    expect(system.items.one).toEqual({ value: 5 })
    expect(warnings).toEqual([expect.stringContaining('is not remembered in the chain: the disk is full')])
    // Nothing waits any more.
    expect(timers.next).toBeUndefined()
  })

  it('is not begun where the chain could not remember it: nothing is changed, and the way on is said', async () => {
    const { plugin, system } = memoryPlugin('mine')
    const damaged = new OpDbusError('CHAIN_DAMAGED', 'block 7 is missing\nmore', { details: { block: 7 } })
    const { state } = manage([plugin], {
      dataDir: temporaryFolder(),
      memory: { values: true, ready: () => Promise.reject(damaged), add: async () => [] },
    })
    const plan = await state.plan(desired({ mine: items({ one: { value: 5 } }) }))
    await expect(state.apply(plan)).rejects.toMatchObject({
      code: 'CHAIN_DAMAGED',
      details: { block: 7 },
      message: expect.stringMatching(
        /^nothing was changed, .*: block 7 is missing\n.*blockchain verify .*blockchain repair .*OPDBUS_BLOCKCHAIN=off/,
      ),
    })
    expect(system.items.one).toEqual({ value: 1 })
    expect(await state.checkpoints()).toEqual([])
    // Where there is nothing to do, nothing has to be remembered.
    const same = await state.plan(desired({ mine: items({ one: { value: 1 } }) }))
    expect(await state.apply(same)).toEqual({ success: true, outcomes: [], trouble: {} })
  })

  it('does not wait without end for a chain that another process works on, and says that it waits', async () => {
    const never = (_: unknown, signal: AbortSignal) =>
      new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
      })
    const wanted = desired({ mine: items({ one: { value: 5 } }) })
    const begun = async (ready: Memory['ready'], add: Memory['add']) => {
      const { plugin, system } = memoryPlugin('mine')
      const { state, timers, warnings } = manage([plugin], {
        dataDir: temporaryFolder(),
        memory: { values: true, ready, add },
      })
      const applying = state.apply(await state.plan(wanted)).catch((error: unknown) => error)
      while (timers.next !== 30_000) await new Promise(resolve => setImmediate(resolve))
      await timers.pass(30_000)
      return { outcome: await applying, system, warnings }
    }
    const after = await begun(async () => {}, never)
    expect(after.outcome).toMatchObject({ success: true, unremembered: 'the chain was busy for 30 s' })
    const before = await begun(
      (signal, onWait) => {
        onWait('process 12')
        return never(undefined, signal)
      },
      async () => [],
    )
    expect(before.outcome).toMatchObject({ code: 'STORE', message: expect.stringContaining('busy for 30 s') })
    expect(before.system.items.one).toEqual({ value: 1 })
    expect(before.warnings).toEqual([expect.stringMatching(/^process 12 writes to the chain: waiting/)])
  })

  it('holds no value where only names are to be remembered: not in data, metadata or text', async () => {
    const { plugin } = memoryPlugin('mine', {
      apply: () => Promise.reject(new Error('the password s3cret-new was refused')),
    })
    const sound = memoryPlugin('other')
    sound.system.items.one = { token: 's3cret-old', map: { 'a/b': 's3cret-old' } }
    const { state, remembered } = remembering([plugin, sound.plugin], false)
    await state.apply(
      await state.plan(
        desired({
          mine: items({ one: { value: 's3cret-new' } }),
          other: items({
            one: { token: 's3cret-new', map: { 'a/b': 's3cret-new' } },
            new: { password: 's3cret-new' },
            two: { ensure: 'absent' },
          }),
        }),
      ),
    )
    expect(JSON.stringify(remembered)).not.toContain('s3cret')
    expect(remembered.map(({ text }) => text)).toEqual([
      'Plugin mine failed. Failed to change item one: value.',
      'Created item new: password. Could not confirm to change item one: map a/b, token. Deleted item two.',
    ])
    const sha256 = expect.stringMatching(/^[0-9a-f]{64}$/)
    expect(remembered[1]!.data).toMatchObject({
      actions: [
        { action: 'create', name: 'new', status: 'done', sha256, changed: ['/password'] },
        { action: 'modify', name: 'one', sha256, changed: ['/map/a~1b', '/token'] },
        { action: 'delete', name: 'two', sha256 },
      ],
    })
  })

  it('is names and hashes where its values are too long for a block, or nest too deep', async () => {
    const deep = (levels: number): JsonObject => (levels === 0 ? {} : { a: deep(levels - 1) })
    const cases: [JsonObject, JsonObject][] = [
      [{}, { value: 'x'.repeat(1 << 20) }],
      [{ value: deep(124) }, { ensure: 'absent' }],
    ]
    for (const [before, wanted] of cases) {
      const { plugin, system } = memoryPlugin('mine')
      if (before.value !== undefined) system.items.three = before
      const { state, remembered } = remembering([plugin])
      const report = await state.apply(await state.plan(desired({ mine: items({ three: wanted }) })))
      expect(report).toMatchObject({ success: true, blocks: [0] })
      const action = wanted.ensure === undefined ? 'create' : 'delete'
      const sha256 = expect.stringMatching(/^[0-9a-f]{64}$/)
      const actions = [{ action, collection: 'items', name: 'three', status: 'done', sha256 }]
      expect(remembered[0]!.data).toEqual({ actions })
    }
    const many = Object.fromEntries(Array.from({ length: 6000 }, (_, i) => [`${'n'.repeat(200)}${i}`, { value: i }]))
    const { state, remembered, drafts } = remembering([memoryPlugin('mine').plugin])
    expect((await state.apply(await state.plan(desired({ mine: items(many) })))).blocks).toEqual([0])
    const { actions, more, sha256 } = remembered[0]!.data as { actions: unknown[]; more: number; sha256: string }
    expect(actions.length + more).toBe(6000)
    expect(more).toBeGreaterThan(0)
    expect(sha256).toMatch(/^[0-9a-f]{64}$/)
    expect(Buffer.byteLength(JSON.stringify(remembered[0]))).toBeLessThan(1.1 * 2 ** 20)
    expect(remembered[0]!.text).toMatch(/ And \d+ more resources of mine\.$/)
    const { body, told, plugin, operation } = drafts[0]!
    const place = { number: 0, previous: '0'.repeat(64), timestamp: 0, version: 1 as const }
    expect(bodyFault({ ...told, ...place, plugin, operation }, body)).toBeUndefined()
  })

  it('keeps no half of a surrogate pair, which a block cannot hold', async () => {
    const { state, remembered } = remembering([memoryPlugin('mine').plugin])
    const value = 'a\ud800b \\ud800 \ud83d\ude00'
    const report = await state.apply(await state.plan(desired({ mine: items({ three: { value } }) })))
    expect(report.blocks).toEqual([0])
    expect(remembered[0]!.data).toMatchObject({ actions: [{ new: { value: 'a\ufffdb \\ud800 \ud83d\ude00' } }] })
  })
})

describe('sentences', () => {
  const resource = { collection: 'units', name: 'nginx.service' }
  const done = (action: Done['action'], status: ResourceOutcome['status'] = 'done', message?: string): Done => ({
    action,
    outcome: { plugin: 'x', resource: action.resource, action: action.kind, status, ...(message && { message }) },
  })
  const said = (action: StateAction, ...how: [ResourceOutcome['status']?, string?]) =>
    sentences({ plugin: 'x', values: true }, [done(action as Done['action'], ...how)])

  it.each<[string, StateAction]>([
    [
      'Stopped and disabled at boot unit nginx.service.',
      {
        kind: 'modify',
        resource,
        changes: [
          { path: '/active_state', old: 'active', new: 'inactive' },
          { path: '/enabled', old: true, new: false },
        ],
      },
    ],
    [
      'Created ovs-bridge interface ovsbr0: ports ["ens1"].',
      {
        kind: 'create',
        resource: { collection: 'interfaces', name: 'ovsbr0' },
        new: { name: 'ovsbr0', type: 'ovs-bridge', ports: ['ens1'] },
      },
    ],
    ['Deleted container 100.', { kind: 'delete', resource: { collection: 'containers', name: '100' }, old: {} }],
    [
      'Deleted interface ovsbr0 and with it interface ens1.',
      {
        kind: 'delete',
        resource: { collection: 'interfaces', name: 'ovsbr0' },
        old: { type: ['none'] },
        with: [{ resource: { collection: 'interfaces', name: 'ens1' }, old: {} }],
      },
    ],
    [
      'Started and changed container web: memory from 1G to 2G.',
      {
        kind: 'modify',
        resource: { collection: 'containers', name: 'web' },
        changes: [
          { path: '/running', old: false, new: true },
          { path: '/memory', old: '1G', new: '2G' },
        ],
      },
    ],
    [
      'Created container 101: started (running true), autostart true.',
      {
        kind: 'create',
        resource: { collection: 'containers', name: '101' },
        new: { running: true, autostart: true },
      },
    ],
    [
      'Changed ovs: external_ids a/b 1, other removed.',
      {
        kind: 'modify',
        resource: { collection: 'ovs', name: '' },
        changes: [
          { path: '/external_ids/a~1b', new: '1' },
          { path: '/other', old: 2 },
        ],
      },
    ],
  ])('%s', (text, action) => {
    expect(said(action)).toBe(text)
  })

  it('say each outcome', () => {
    const action: StateAction = { kind: 'delete', resource, old: {} }
    expect(said(action, 'pending', 'the job runs')).toBe(
      'Began to delete unit nginx.service, which is not finished: the job runs.',
    )
    expect(said(action, 'unconfirmed')).toBe('Could not confirm to delete unit nginx.service.')
    const start: StateAction = {
      kind: 'modify',
      resource,
      changes: [{ path: '/active_state', old: 'x', new: 'active' }],
    }
    expect(said(start, 'failed', 'no such file')).toBe('Failed to start unit nginx.service: no such file.')
    expect(said(action, 'refused', 'no')).toBe('Refused to delete unit nginx.service: no.')
    expect(said(action, 'skipped')).toBe('Skipped to delete unit nginx.service.')
  })
})
