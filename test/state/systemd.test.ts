// The systemd plugin against a real systemd on a private bus, with systemctl as the judge.
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { JsonObject } from '../../src/json/json.js'
import { diffState } from '../../src/state/diff.js'
import type { Outcome, StateAction, StatePlugin } from '../../src/state/plugin.js'
import { systemdPlugin } from '../../src/state/plugins/systemd.js'
import { nodeOf } from '../other-node.js'
import { library, runCli, runScript } from '../processes.js'
import { describeWith } from '../real/parts.js'
import { RealSystemd } from '../real/systemd.js'
import { deferred, temporaryFolder } from '../support.js'
import { sleeper, UNITS } from './systemd-units.js'

describeWith('systemd', 'systemd', () => {
  let systemd: RealSystemd
  let plugin: StatePlugin
  beforeAll(async () => {
    systemd = await RealSystemd.start(UNITS)
  })
  afterAll(() => systemd?.stop())
  beforeEach(() => {
    plugin = systemdPlugin({ env: {} }, { bus: systemd.address })
    return () => plugin.close?.()
  })

  const call = () => ({ signal: AbortSignal.timeout(20_000) })
  const query = async () => (await plugin.query(call())).units as Record<string, JsonObject>
  const unit = async (name: string) => (await query())[name]

  /** What apply told, by unit. */
  async function apply(actions: readonly StateAction[], signal = call().signal): Promise<Record<string, Outcome>> {
    const outcomes: Record<string, Outcome> = {}
    await plugin.apply?.(actions, {
      signal,
      report({ name }, outcome) {
        outcomes[name] = outcome
      },
    })
    return outcomes
  }

  /** An action that leads the unit from what it is to `fields`. */
  async function modify(name: string, fields: JsonObject): Promise<StateAction> {
    const now = (await unit(name)) ?? {}
    const changes = Object.entries(fields)
      .filter(([field, value]) => now[field] !== value)
      .map(([field, value]) => ({ path: `/${field}`, old: now[field] as string, new: value }))
    return { kind: 'modify', resource: { collection: 'units', name }, changes }
  }

  it('says of every unit what systemctl says, twice the same bytes', async () => {
    systemd.systemctl('enable', '--now', 'named.service', 'worker@one.service', 'tick.timer')
    systemd.systemctl('start', 'nickname.service', 'static.service', 'failing.service', 'unmet.service')
    systemd.systemctl('mask', 'shy.service')
    const units = await query()
    for (const name of Object.keys(UNITS)) expect(units, name).toHaveProperty([name])
    expect(units).toHaveProperty(['worker@one.service'])
    expect(units).toHaveProperty(['nickname.service'])
    const names = Object.keys(units)
    const actives = systemd.isActive(...names.filter(name => !name.includes('@.'))).split('\n')
    const enableds = systemd.isEnabled(...names).split('\n')
    for (const [name, { active_state: active, enabled, masked, unit_file_state: file }] of Object.entries(units)) {
      expect(active, name).toBe(name.includes('@.') ? undefined : actives.shift())
      expect(file, name).toBe(enableds.shift())
      expect(enabled, name).toBe(file === 'alias' ? undefined : file === 'enabled')
      expect(masked, name).toBe(file === 'alias' ? undefined : file === 'masked')
    }
    expect(units['failing.service']?.active_state).toBe('failed')
    expect(JSON.stringify(await query())).toBe(JSON.stringify(units))
    // Nothing of what comes and goes by itself.
    expect(Object.keys(units).filter(name => /\.(scope|device)$/.test(name))).toEqual([])
  })

  it('starts, enables, stops and disables, and a second look confirms it', async () => {
    expect(await apply([await modify('plain.service', { active_state: 'active', enabled: true })])).toEqual({
      'plain.service': { status: 'done' },
    })
    expect([systemd.isActive('plain.service'), systemd.isEnabled('plain.service')]).toEqual(['active', 'enabled'])
    expect(await unit('plain.service')).toMatchObject({ active_state: 'active', enabled: true })
    await apply([await modify('plain.service', { active_state: 'inactive', enabled: false })])
    expect([systemd.isActive('plain.service'), systemd.isEnabled('plain.service')]).toEqual(['inactive', 'disabled'])
  })

  it('masks and unmasks', async () => {
    expect(await apply([await modify('other.service', { masked: true })])).toEqual({
      'other.service': { status: 'done' },
    })
    expect(systemd.isEnabled('other.service')).toBe('masked')
    const start = await modify('other.service', { active_state: 'active' })
    expect(plugin.refuses?.(start, await unit('other.service'))).toMatch(/is masked and cannot be started/)
    // Who asks all the same gets systemd's own word.
    expect((await apply([start]))['other.service']).toMatchObject({
      status: 'failed',
      message: expect.stringMatching(/masked/),
    })
    const all = { masked: false, enabled: true, active_state: 'active' }
    expect(await apply([await modify('other.service', all)])).toEqual({ 'other.service': { status: 'done' } })
    expect([systemd.isActive('other.service'), systemd.isEnabled('other.service')]).toEqual(['active', 'enabled'])
  })

  it('tells what does not start, each for itself and in the words of systemd', async () => {
    systemd.systemctl('reset-failed')
    // Longer than by default: a busy machine takes a while to end a program.
    plugin = systemdPlugin({ env: {} }, { bus: systemd.address, settleMs: 2000 })
    const outcomes = await apply([
      await modify('failing.service', { active_state: 'active' }),
      await modify('once.service', { active_state: 'active' }),
      await modify('unmet.service', { active_state: 'active' }),
      await modify('plain.service', { active_state: 'active' }),
      await modify('dying.service', { active_state: 'active' }),
      await modify('looping.service', { active_state: 'active' }),
    ])
    expect(outcomes).toEqual({
      'dying.service': { status: 'failed', message: 'it was started, and is now failed: result exit-code, status 7' },
      'looping.service': {
        status: 'failed',
        message: expect.stringMatching(/^it was started, .*(started again|activating)/),
      },
      'failing.service': {
        status: 'failed',
        message: 'its start job ended with "failed"; it is failed: result exit-code, status 1',
      },
      'once.service': { status: 'failed', message: expect.stringMatching(/it ran and is over/) },
      'unmet.service': { status: 'failed', message: expect.stringMatching(/a condition of its file is not met/) },
      'plain.service': { status: 'done' },
    })
    // That it failed is what there is to be taken back.
    expect(await apply([await modify('failing.service', { active_state: 'inactive' })])).toEqual({
      'failing.service': { status: 'done' },
    })
    expect(systemd.isActive('failing.service')).toBe('inactive')
  })

  it('stops one that crashes and is started again, whatever it just is', async () => {
    systemd.systemctl('start', 'looping.service')
    for (let i = 0; i < 8; i++) {
      const seen = ['active', 'activating', 'failed'][i % 3] as string
      const changes = [{ path: '/active_state', old: seen, new: 'inactive' }]
      const stop: StateAction = { kind: 'modify', resource: { collection: 'units', name: 'looping.service' }, changes }
      expect((await apply([stop]))['looping.service']).toMatchObject({ status: 'done' })
      expect(systemd.isActive('looping.service')).toBe('inactive')
      systemd.systemctl('start', 'looping.service')
    }
    await apply([await modify('looping.service', { active_state: 'inactive' })])
  })

  it('leaves to an alias only what it has itself, and knows what is so of a unit that there is not', async () => {
    systemd.systemctl('enable', 'named.service')
    const state = { units: await query() }
    const diff = (name: string, fields: JsonObject) =>
      diffState(plugin, state, { prune: false, state: { units: { [name]: fields } } })
    expect(diff('nickname.service', { enabled: false })).toEqual([
      expect.objectContaining({ refused: expect.stringMatching(/nickname\.service is an alias/) }),
    ])
    const none = [expect.objectContaining({ kind: 'none' })]
    expect(diff('nowhere.service', { active_state: 'inactive', enabled: false, masked: false })).toEqual(none)
    expect(diff('worker@never.service', { active_state: 'inactive', enabled: false })).toEqual(none)
    // It is there.
    expect(systemd.isActive('app.slice')).toBe('active')
    expect(diff('app.slice', { active_state: 'inactive' })).toEqual([
      expect.objectContaining({ refused: expect.stringMatching(/^app\.slice has no unit file: .*cannot be declared/) }),
    ])
  })

  it('makes instances by naming them, and says where there is no template', async () => {
    const create = (name: string): StateAction => ({
      kind: 'create',
      resource: { collection: 'units', name },
      new: { active_state: 'active', enabled: true },
    })
    expect(plugin.refuses?.(create('nothing.service'), undefined)).toMatch(/has no unit nothing\.service/)
    const outcomes = await apply([create('worker@two.service'), create('nothing@two.service')])
    expect(outcomes['worker@two.service']).toEqual({ status: 'done' })
    expect(outcomes['nothing@two.service']).toMatchObject({ status: 'failed' })
    const old = (await unit('worker@two.service')) as JsonObject
    expect(old).toMatchObject({ active_state: 'active', enabled: true, unit_file_state: 'enabled' })
    await apply([{ kind: 'delete', resource: { collection: 'units', name: 'worker@two.service' }, old }])
    expect(await unit('worker@two.service')).toBeUndefined()
    expect(systemd.isActive('worker@two.service')).toBe('inactive')
  })

  it('changes nothing where one unit is not what was seen', async () => {
    systemd.systemctl('stop', 'plain.service')
    systemd.systemctl('disable', 'other.service')
    const actions = [
      await modify('plain.service', { active_state: 'active' }),
      await modify('other.service', { enabled: true }),
    ]
    systemd.systemctl('enable', 'other.service')
    await expect(apply(actions)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringMatching(/other\.service/),
    })
    expect(systemd.isActive('plain.service')).toBe('inactive')
  })

  it('leads back to what was before, as far as that can be', async () => {
    systemd.systemctl('enable', '--now', 'plain.service')
    systemd.systemctl('mask', '--now', 'shy.service')
    systemd.systemctl('start', 'failing.service')
    const names = ['plain.service', 'shy.service', 'failing.service']
    const before = await query()
    await apply([
      await modify('plain.service', { active_state: 'inactive', masked: true, enabled: false }),
      await modify('shy.service', { masked: false, active_state: 'active' }),
    ])
    expect(systemd.isEnabled('plain.service')).toBe('masked')
    const back = await Promise.all(names.slice(0, 2).map(name => modify(name, before[name] ?? {})))
    for (const action of back) expect(plugin.refuses?.(action, await unit(action.resource.name))).toBeUndefined()
    await apply(back)
    expect(names.map(name => [systemd.isActive(name), systemd.isEnabled(name)])).toEqual([
      ['active', 'enabled'],
      ['inactive', 'masked'],
      ['failed', 'static'],
    ])
    expect(await query()).toEqual(before)
  })

  it('tells what is still under way when the time is over', async () => {
    const start = await modify('slow.service', { active_state: 'active' })
    const over = new AbortController()
    const reported: Outcome[] = []
    await whenChanged(
      async () => {
        const report = (_: unknown, outcome: Outcome) => void reported.push(outcome)
        const ended = plugin.apply?.([start], { signal: over.signal, report })
        await expect(ended).rejects.toMatchObject({ code: 'ABORTED' })
      },
      async () => {
        if ((await unit('slow.service'))?.active_state !== 'activating') return
        over.abort()
        // Told from within the event.
        expect(reported).toEqual([{ status: 'pending', message: expect.stringMatching(/had not done it/) }])
      },
    )
    systemd.systemctl('kill', '--signal=SIGKILL', 'slow.service')
  })

  it('hears of links and files that are made by hand, and of what somebody else starts', async () => {
    const wants = join(systemd.dir, 'home/.config/systemd/user/default.target.wants')
    systemd.systemctl('stop', 'plain.service')
    rmSync(wants, { recursive: true, force: true })
    let heard = deferred<void>()
    const watch = await plugin.watch?.({ changed: () => heard.resolve(), lost: () => {} }, call())
    try {
      for (const work of [
        () => mkdirSync(wants),
        () => symlinkSync(join(systemd.dir, 'units/plain.service'), join(wants, 'plain.service')),
        () => rmSync(wants, { recursive: true }),
        () => mkdirSync(wants),
        () => symlinkSync(join(systemd.dir, 'units/plain.service'), join(wants, 'plain.service')),
        () => systemd.writeUnit('new.service', sleeper),
        () => systemd.systemctl('start', 'plain.service'),
      ]) {
        heard = deferred()
        work()
        await heard.promise
      }
      expect(await query()).toMatchObject({ 'plain.service': { enabled: true }, 'new.service': { enabled: false } })
    } finally {
      watch?.close()
    }
  })

  it('is changed and taken back by the command line', async () => {
    systemd.systemctl('disable', '--now', 'plain.service')
    systemd.systemctl('mask', '--now', 'shy.service')
    const said = () => ['plain.service', 'shy.service'].map(name => [systemd.isActive(name), systemd.isEnabled(name)])
    const before = said()
    const dir = temporaryFolder()
    const env = { OPDBUS_SYSTEMD_BUS: systemd.address, OPDBUS_DATA_DIR: dir }
    const units = { 'plain.service': { active_state: 'active', enabled: true }, 'shy.service': { masked: false } }
    const input = JSON.stringify({ version: 1, plugins: { systemd: { units } } })
    const applied = await runCli(dir, ['apply', '-', '--yes', '--json'], { env, input })
    expect([applied.code, JSON.parse(applied.stdout).success]).toEqual([0, true])
    expect(said()).toEqual([
      ['active', 'enabled'],
      ['inactive', 'disabled'],
    ])
    expect((await runCli(dir, ['verify', '-'], { env, input })).code).toBe(0)
    const back = await runCli(dir, ['rollback', '--yes', '--json'], { env })
    expect([back.code, JSON.parse(back.stdout).success]).toEqual([0, true])
    expect(said()).toEqual(before)
  })

  it.each([
    Number(process.versions.node.split('.')[0]),
    ...(process.env.OP_DBUS_CAMPAIGN === 'full' ? [22, 24] : [24]),
  ])('is asked by what is built, on Node %i, which then ends', async major => {
    const program = nodeOf(major)
    if (program === undefined) return
    const env = { OPDBUS_SYSTEMD_BUS: systemd.address, OPDBUS_DATA_DIR: systemd.dir }
    const expected = { systemd: { units: await query() } }
    const asked = await runCli(temporaryFolder(), ['query', 'systemd', '--json'], { env, program })
    expect(JSON.parse(asked.stdout).plugins).toEqual(expected)
    // Not closed: an open connection keeps no process alive.
    const script = `
      const { openState } = await import(${JSON.stringify(new URL('state.js', library).href)})
      console.log(JSON.stringify((await (await openState({ dir })).query(['systemd'])).plugins))`
    const { stdout, stderr, code } = await runScript(temporaryFolder(), script, { env, program })
    expect([stderr, code]).toEqual(['', 0])
    expect(JSON.parse(stdout)).toEqual(expected)
  })

  it('rejects at once when the bus is killed, tells watchers, and asks a new bus next time', async () => {
    await query()
    const lost = deferred<string>()
    await plugin.watch?.({ changed: () => {}, lost: lost.resolve }, call())
    const start = await modify('slow.service', { active_state: 'active' })
    const reported: Outcome[] = []
    let killed = false
    await whenChanged(
      () => plugin.apply?.([start], { ...call(), report: (_, outcome) => void reported.push(outcome) }),
      async () => {
        if (killed || (await unit('slow.service'))?.active_state !== 'activating') return
        killed = true
        systemd.killBus()
      },
    )
    expect(reported).toEqual([
      { status: 'pending', message: expect.stringMatching(/is not known: .*the connection is lost/) },
    ])
    expect(await lost.promise).toMatch(/the connection is lost/)
    systemd.systemctl('start', 'dbus.service')
    expect(await query()).toHaveProperty(['plain.service'])
  })

  /** Does `work`, and looks whenever units change until it is done. */
  async function whenChanged(work: () => Promise<void> | undefined, look: () => Promise<void>): Promise<void> {
    let looking = Promise.resolve()
    const changed = () => {
      looking = looking.then(look)
    }
    const watch = await plugin.watch?.({ changed, lost: () => {} }, call())
    try {
      await work()
      await looking
    } finally {
      watch?.close()
    }
  }
})
