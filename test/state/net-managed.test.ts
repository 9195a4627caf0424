// The plugin `net` under the manager, as `op-dbus apply` uses it: from a desired file to a real Open vSwitch, and back.
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { openState, type State, type StateOptions } from '../../src/state.js'
import { cli, runNode } from '../processes.js'
import { CountingProxy, Ovs } from '../real/ovs.js'
import { describeWith } from '../real/parts.js'
import { deferred, temporaryFolder } from '../support.js'

describeWith('ovs', 'a desired network, applied, verified and taken back', () => {
  let ovs: Ovs
  const states: State[] = []
  beforeAll(async () => {
    ovs = await Ovs.start()
  })
  afterAll(() => ovs.close())
  afterEach(async () => {
    for (const state of states.splice(0)) await state.close()
    await ovs.empty()
  })

  async function open(more: StateOptions = {}): Promise<State> {
    const folders = { dir: temporaryFolder(), dataDir: temporaryFolder() }
    const state = await openState({ ovsdb: ovs.socket, ...folders, queryPush: false, ...more })
    states.push(state)
    return state
  }

  const desiredOf = (net: unknown) => ({ version: 1, plugins: { net } }) as never

  it('is equal once applied, changes nothing the second time, and comes back as it was', async () => {
    const state = await open()
    for (const i of [0, 1, 2, 3, 4]) {
      await ovs.vsctl('add-br', `br${i}`, '--', 'add-port', `br${i}`, `p${i}`, `tag=${i + 1}`)
      await ovs.vsctl(
        'set-controller',
        `br${i}`,
        'tcp:127.0.0.1:1',
        '--',
        'set',
        'controller',
        `br${i}`,
        'max_backoff=9000',
      )
    }
    const before = await ovs.show()
    const desired = desiredOf({
      interfaces: [
        { name: 'br2', ports: ['new'], fail_mode: 'secure', controllers: [], external_ids: { owner: 'me' } },
        { name: 'p2', tag: null, interface_external_ids: { 'iface-id': 'x' } },
        { name: 'br9', type: 'ovs-bridge', ports: ['q9'] },
        { name: 'q9', type: 'ovs-port', bridge: 'br9', ovs_type: 'dummy', trunks: [3, 20] },
        { name: 'p4', ensure: 'absent' },
        { name: 'br0', ensure: 'absent' },
      ],
      ovs: { external_ids: { 'system-id': 'abc' } },
    })
    const plan = await state.plan(desired)
    const report = await state.apply(plan)
    expect(report.outcomes.filter(({ status }) => status !== 'done')).toEqual([])
    expect(report.success).toBe(true)
    const after = await ovs.show()
    expect(Object.keys(after).sort()).toEqual(['br1', 'br2', 'br3', 'br4', 'br9'])
    for (const same of ['br1', 'br3']) expect(after[same]).toBe(before[same])

    expect((await state.verify(desired)).same).toBe(true)
    const again = await state.apply(await state.plan(desired))
    expect(again).toMatchObject({ success: true, outcomes: [] })

    const back = await state.apply(await state.planRollback())
    expect(back.outcomes.filter(({ status }) => status !== 'done')).toEqual([])
    expect(await ovs.show()).toEqual(before)
    expect(await ovs.vsctl('--bare --columns=max_backoff list Controller')).toBe(Array(5).fill('9000\n').join('\n'))
    // And the rollback can be taken back as well.
    await state.apply(await state.planRollback())
    expect(await ovs.show()).toEqual(after)
  })

  it('makes the bridge of a file of op-dbus, and says that its addresses are not set', async () => {
    const state = await open()
    const ipv4 = { enabled: true, dhcp: false, address: [{ ip: '172.16.0.10', prefix: 24 }], gateway: '172.16.0.1' }
    const interfaces = [{ name: 'ovsbr0', type: 'ovs-bridge', ports: ['ens1'], ipv4 }]
    const { success, outcomes } = await state.apply(await state.plan(desiredOf({ interfaces })))
    expect(success).toBe(false)
    expect(outcomes).toMatchObject([
      { status: 'unconfirmed', message: expect.stringContaining('not set in this version: ipv4') },
    ])
    expect(await ovs.vsctl('list-ports ovsbr0')).toBe('ens1\n')
    const [diff] = (await state.diff(desiredOf({ interfaces }))).diffs
    expect(diff?.actions).toMatchObject([{ kind: 'modify', refused: expect.stringContaining('ipv4 of ovsbr0') }])
  })

  it('removes by prune what nothing speaks of, and keeps what a bridge lists', async () => {
    await ovs.vsctl('add-br br0 -- add-port br0 a -- add-port br0 b -- add-br br1 -- add-port br1 c')
    const state = await open()
    const desired = desiredOf({ prune: true, interfaces: [{ name: 'br0', ports: ['a'] }] })
    const report = await state.apply(await state.plan(desired))
    expect(report.success).toBe(true)
    expect(await ovs.vsctl('list-br')).toBe('br0\n')
    expect(await ovs.vsctl('list-ports br0')).toBe('a\n')
    expect((await state.verify(desired)).same).toBe(true)
  })

  it('says what goes with a bridge, and removes nothing where one of that has moved since', async () => {
    await ovs.vsctl('add-br br0 -- add-port br0 p1 -- set port p1 tag=5 -- add-port br0 p2 -- add-br br1')
    const state = await open()
    const before = await ovs.vsctl('show')
    const plan = await state.plan(desiredOf({ interfaces: [{ name: 'br0', ensure: 'absent' }] }))
    expect(plan.diffs[0]?.actions).toMatchObject([
      {
        kind: 'delete',
        resource: { name: 'br0' },
        with: [{ resource: { name: 'p1' }, old: { tag: 5 } }, { resource: { name: 'p2' } }],
      },
    ])
    await ovs.vsctl('set port p1 tag=6')
    await expect(state.apply(plan)).rejects.toMatchObject({ code: 'CONFLICT' })
    await ovs.vsctl('set port p1 tag=5')
    expect(await ovs.vsctl('show')).toBe(before)
    expect(await state.apply(plan)).toMatchObject({ success: true })
    expect(await ovs.vsctl('list-br')).toBe('br1\n')
    expect(await state.apply(await state.planRollback())).toMatchObject({ success: true })
    expect(await ovs.vsctl('list-ports br0')).toBe('p1\np2\n')
    expect(await ovs.vsctl('get port p1 tag')).toBe('5\n')
  })

  it('does nothing where the system moved since the plan, and tells what is refused in the plan', async () => {
    await ovs.vsctl('add-br br0 -- add-port br0 p1 tag=5')
    const state = await open()
    const plan = await state.plan(desiredOf({ interfaces: [{ name: 'p1', tag: 6 }] }))
    await ovs.vsctl('set port p1 tag=9')
    await expect(state.apply(plan)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect((await ovs.vsctl('get port p1 tag')).trim()).toBe('9')

    const refused = await state.plan(desiredOf({ interfaces: [{ name: 'lo', mtu: 9000 }] }))
    expect(refused.diffs[0]?.actions).toMatchObject([{ refused: expect.stringContaining('mtu of lo') }])
  })

  it('is asked by two processes once in 5 seconds, and each time where nothing is cached', async () => {
    const proxy = await CountingProxy.start(join(ovs.dir, 'counting.sock'), ovs.socket)
    const dir = temporaryFolder()
    /** `op-dbus query net`, in a process whose clocks are so far ahead of ours, ms. */
    const ask = async (ahead: number, more: Record<string, string> = {}) => {
      const env = { HOME: dir, OPDBUS_CACHE_DIR: dir, OPDBUS_OVSDB: proxy.socket, ...more }
      const { code, stdout } = await runNode(['--import', clockAhead(ahead), cli, 'query', 'net'], { env })
      expect([code, Object.keys(JSON.parse(stdout).plugins)]).toEqual([0, ['net']])
      return proxy.transacts
    }
    try {
      expect([await ask(0), await ask(0), await ask(5_000)]).toEqual([1, 1, 2])
      const uncached = { OPDBUS_QUERY_CACHE_TTL: '0' }
      expect([await ask(0, uncached), await ask(0, uncached)]).toEqual([3, 4])
    } finally {
      await proxy.close()
    }
  })

  it('is known at once when somebody else changes it, and not asked before that', async () => {
    await ovs.vsctl('add-br', 'br0')
    const proxy = await CountingProxy.start(join(ovs.dir, 'pushed.sock'), ovs.socket)
    try {
      const state = await open({ ovsdb: proxy.socket, queryPush: true })
      let told = deferred<void>()
      await state.watch(['net'], () => told.resolve())
      const query = async () => {
        const { plugins, sources } = await state.query(['net'])
        return [JSON.stringify(plugins.net).includes('"by-hand"'), sources.net]
      }
      await query()
      expect(await query()).toEqual([false, 'memory'])
      const asked = proxy.transacts
      expect(await query()).toEqual([false, 'memory'])
      expect(proxy.transacts).toBe(asked)

      told = deferred()
      await ovs.vsctl('add-port', 'br0', 'by-hand')
      // What ovs-vswitchd adds to it is told as well.
      for (;;) {
        await told.promise
        told = deferred()
        const [there] = await query()
        if (there) break
      }
    } finally {
      for (const state of states.splice(0)) await state.close()
      await proxy.close()
    }
  })

  it('keeps no process alive, neither by a query nor by the watch that push holds', async () => {
    const script = `
      import { openState } from ${JSON.stringify(new URL('../../dist/state.js', import.meta.url).href)}
      const [ovsdb, dir, dataDir] = process.argv.slice(1)
      const state = await openState({ ovsdb, dir, dataDir, queryPush: true })
      const { plugins } = await state.query(['net'])
      const pushOf = async () => (await state.plugins()).find(({ name }) => name === 'net').push
      for (let tries = 0; tries < 500 && (await pushOf()) !== 'on'; tries++) await new Promise(next => setTimeout(next, 10))
      console.log(Object.keys(plugins).join(), await pushOf())`
    const args = ['--input-type=module', '-e', script, ovs.socket, temporaryFolder(), temporaryFolder()]
    expect(await runNode(args)).toMatchObject({ code: 0, stdout: 'net on\n', stderr: '' })
  })

  it('takes lists in any order, and a port whose bridge is said by the bridge alone', async () => {
    const state = await open()
    const br0 = { name: 'br0', type: 'ovs-bridge', ports: ['q0'], controllers: ['tcp:2.2.2.2', 'tcp:1.1.1.1'] }
    const q0 = { name: 'q0', type: 'ovs-port', ovs_type: 'dummy', trunks: [20, 3, 20] }
    const wanted = desiredOf({ interfaces: [br0, q0] })
    expect(await state.apply(await state.plan(wanted))).toMatchObject({ success: true })
    expect(await state.verify(wanted)).toMatchObject({ same: true })
  })

  it('makes a first desired file that is accepted and is what is there', async () => {
    await ovs.vsctl('add-br br0 -- add-port br0 p1 tag=5 -- add-bond br0 bond0 x y')
    const state = await open()
    const initial = await state.initial(['net'])
    const diff = await state.diff(initial as never)
    expect(diff.same).toBe(true)
    expect(diff.diffs[0]?.actions.length).toBeGreaterThan(3)
  })
})

/** A module that puts both clocks of a process ahead. */
function clockAhead(ms: number): string {
  const source = `
    const { now } = Date
    Date.now = () => now() + ${ms}
    const { bigint } = process.hrtime
    process.hrtime.bigint = () => bigint() + ${ms * 1_000_000}n`
  return `data:text/javascript,${encodeURIComponent(source)}`
}
