// The plugin `net` on a real Open vSwitch, with `ovs-vsctl` as the judge.
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { JsonObject } from '../../src/state/json.js'
import type { StatePlugin } from '../../src/state/plugin.js'
import { CountingProxy, Ovs } from '../real/ovs.js'
import { describeWith } from '../real/parts.js'
import { deferred } from '../support.js'
import { applied, closePlugins, create, interfaceOf, modify, netOf, never, query, remove } from './net-support.js'

describeWith('ovs', 'a real Open vSwitch', () => {
  let ovs: Ovs
  let net: StatePlugin
  beforeAll(async () => {
    ovs = await Ovs.start()
  })
  afterAll(() => ovs.close())
  beforeEach(async () => {
    net = netOf({ ovsdb: ovs.socket })
  })
  afterEach(async () => {
    await closePlugins()
    const bridges = (await ovs.vsctl('list-br')).split('\n').filter(Boolean)
    await ovs.vsctl(
      ...bridges.flatMap(bridge => ['--', 'del-br', bridge]),
      '--',
      'clear',
      'Open_vSwitch',
      '.',
      'external_ids',
    )
  })

  it('tells what ovs-vsctl made, twice the same bytes', async () => {
    await ovs.vsctl(
      ...[
        'add-br',
        'br0',
        '--',
        'set',
        'bridge',
        'br0',
        'fail_mode=secure',
        'protocols=OpenFlow13,OpenFlow10',
        'external_ids:owner=me',
      ],
      ...[
        '--',
        'add-port',
        'br0',
        'p1',
        'tag=7',
        '--',
        'set',
        'interface',
        'p1',
        'type=dummy',
        'external_ids:iface-id=x',
      ],
      ...['--', 'add-bond', 'br0', 'bond0', 'b2', 'b1', 'bond_mode=active-backup', 'lacp=off'],
      ...[
        '--',
        'add-port',
        'br0',
        'vx0',
        '--',
        'set',
        'interface',
        'vx0',
        'type=vxlan',
        'options:remote_ip=10.0.0.1',
        'options:key=5',
      ],
      ...['--', 'set-controller', 'br0', 'tcp:127.0.0.1:6653', 'ssl:127.0.0.1:6654'],
      ...['--', 'set', 'Open_vSwitch', '.', 'external_ids:system-id=abc'],
    )
    const state = await query(net)
    expect(state).toMatchObject({
      ovs: { external_ids: { 'system-id': 'abc' }, other_config: {} },
      interfaces: [
        { name: 'b1', type: 'ovs-interface', port: 'bond0', ovs_type: 'system' },
        { name: 'b2', type: 'ovs-interface', port: 'bond0' },
        {
          name: 'bond0',
          type: 'ovs-port',
          bridge: 'br0',
          interfaces: ['b1', 'b2'],
          bond_mode: 'active-backup',
          lacp: 'off',
        },
        {
          ...{ name: 'br0', type: 'ovs-bridge', ports: ['bond0', 'p1', 'vx0'], fail_mode: 'secure' },
          ...{ protocols: ['OpenFlow10', 'OpenFlow13'], external_ids: { owner: 'me' }, other_config: {} },
          ...{ controllers: ['ssl:127.0.0.1:6654', 'tcp:127.0.0.1:6653'], stp_enable: false },
        },
        {
          name: 'p1',
          type: 'ovs-port',
          bridge: 'br0',
          tag: 7,
          ovs_type: 'dummy',
          interface_external_ids: { 'iface-id': 'x' },
        },
        {
          name: 'vx0',
          type: 'ovs-port',
          bridge: 'br0',
          ovs_type: 'vxlan',
          options: { key: '5', remote_ip: '10.0.0.1' },
        },
      ],
    })
    expect(state.routes).toBeUndefined()
    expect(JSON.stringify(await query(net))).toBe(JSON.stringify(state))
    // What a first file declares is accepted, and is what is there.
    const initial = net.initial?.(state) as JsonObject
    expect(net.check?.(initial)).toEqual([])
  })

  it('makes a bridge with ports, as ovs-vsctl would', async () => {
    const bridge = {
      type: 'ovs-bridge',
      ports: ['p1', 'sys0'],
      fail_mode: 'secure',
      controllers: ['tcp:127.0.0.1:6653'],
    }
    const outcomes = await applied(net, [
      create('br0', { ...bridge, stp_enable: true, external_ids: { owner: 'me' } }),
      create('p1', { type: 'ovs-port', bridge: 'br0', ovs_type: 'dummy', tag: 3, options: {} }),
      create('pp', { type: 'ovs-port', bridge: 'br0', ovs_type: 'patch', options: {} }),
    ])
    expect(outcomes).toEqual({
      br0: { status: 'done' },
      p1: { status: 'done' },
      pp: expect.objectContaining({ status: 'pending' }),
    })
    expect(outcomes.pp?.message).toContain('patch type requires')
    expect((await ovs.vsctl('list-ports', 'br0')).trim().split('\n').sort()).toEqual(['p1', 'pp', 'sys0'])
    expect((await ovs.vsctl('get-fail-mode', 'br0')).trim()).toBe('secure')
    expect((await ovs.vsctl('get-controller', 'br0')).trim()).toBe('tcp:127.0.0.1:6653')
    expect((await ovs.vsctl('get', 'Interface', 'br0', 'type')).trim()).toBe('internal')
    expect((await ovs.vsctl('get', 'Port', 'p1', 'tag')).trim()).toBe('3')
    expect(await interfaceOf(net, 'br0')).toMatchObject({ ...bridge, ports: ['p1', 'pp', 'sys0'], stp_enable: true })
  })

  it('changes only what is declared: the other bridges stay as they are, byte by byte', async () => {
    for (const i of [0, 1, 2, 3, 4]) {
      await ovs.vsctl(
        'add-br',
        `br${i}`,
        '--',
        'add-port',
        `br${i}`,
        `p${i}`,
        `tag=${i + 1}`,
        '--',
        'set-controller',
        `br${i}`,
        `tcp:127.0.0.1:${7000 + i}`,
      )
      await ovs.vsctl('br-set-external-id', `br${i}`, 'mine', 'kept')
    }
    const before = await ovs.show()
    const actions = [
      modify(
        'br2',
        ['/ports', ['p2'], ['p2', 'q2']],
        ['/external_ids/owner', undefined, 'me'],
        ['/fail_mode', undefined, 'standalone'],
      ),
      modify('p2', ['/tag', 3, 30], ['/interface_external_ids/iface-id', undefined, 'x']),
    ]
    expect(await applied(net, actions)).toMatchObject({ br2: { status: 'done' }, p2: { status: 'done' } })
    const after = await ovs.show()
    for (const name of ['br0', 'br1', 'br3', 'br4']) expect(after[name]).toBe(before[name])
    expect(after.br2).toContain('tag: 30')
    expect(await ovs.vsctl('br-get-external-id', 'br2')).toBe('mine=kept\nowner=me\n')
    expect((await ovs.vsctl('get', 'Interface', 'p2', 'external_ids')).trim()).toBe('{iface-id=x}')
  })

  it('moves, takes out and removes ports, and puts maps and settings back to nothing', async () => {
    await ovs.vsctl(
      ...[
        'add-br',
        'br0',
        '--',
        'add-br',
        'br1',
        '--',
        'add-port',
        'br0',
        'p1',
        '--',
        'add-port',
        'br0',
        'p2',
        '--',
        'add-port',
        'br0',
        'p3',
      ],
      ...['--', 'set', 'bridge', 'br0', 'fail_mode=secure', 'external_ids:a=1', 'external_ids:b=2', 'stp_enable=true'],
    )
    const p3 = (await interfaceOf(net, 'p3')) as JsonObject
    await applied(net, [
      modify('br1', ['/ports', [], ['p1']]),
      modify('p2', ['/bridge', 'br0', undefined]),
      remove(p3),
      modify(
        'br0',
        ['/fail_mode', 'secure', undefined],
        ['/external_ids/a', '1', undefined],
        ['/stp_enable', true, undefined],
      ),
    ])
    expect(await ovs.vsctl('list-ports', 'br0')).toBe('')
    expect(await ovs.vsctl('list-ports', 'br1')).toBe('p1\n')
    expect(
      (await ovs.vsctl('--columns=name', '-f', 'csv', '-d', 'bare', '--no-headings', 'list', 'Interface'))
        .split('\n')
        .filter(Boolean)
        .sort(),
    ).toEqual(['br0', 'br1', 'p1'])
    expect(await interfaceOf(net, 'br0')).toMatchObject({ external_ids: { b: '2' }, stp_enable: false })
    expect(await interfaceOf(net, 'br0')).not.toHaveProperty('fail_mode')
  })

  it('makes and changes bonds', async () => {
    await ovs.vsctl('add-br', 'br0', '--', 'add-port', 'br0', 'eth9')
    await applied(net, [
      create('bond0', { type: 'ovs-port', bridge: 'br0', interfaces: ['b1', 'b2'], bond_mode: 'active-backup' }),
      create('b1', { type: 'ovs-interface', port: 'bond0', ovs_type: 'dummy' }),
    ])
    expect(await interfaceOf(net, 'bond0')).toMatchObject({ interfaces: ['b1', 'b2'], bond_mode: 'active-backup' })
    expect(await interfaceOf(net, 'b1')).toMatchObject({ port: 'bond0', ovs_type: 'dummy' })
    // An interface that had a port of its own goes into the bond.
    const eth9 = (await interfaceOf(net, 'eth9')) as JsonObject
    await applied(net, [modify('bond0', ['/interfaces', ['b1', 'b2'], ['b2', 'eth9']]), remove(eth9)])
    expect(await interfaceOf(net, 'bond0')).toMatchObject({ interfaces: ['b2', 'eth9'] })
    expect(await ovs.vsctl('list-ports', 'br0')).toBe('bond0\n')
  })

  it('changes the settings of Open vSwitch itself, key by key', async () => {
    await ovs.vsctl('set', 'Open_vSwitch', '.', 'external_ids:system-id=abc', 'external_ids:old=1')
    const changes = [
      { path: '/external_ids/new', new: '2' },
      { path: '/external_ids/old', old: '1' },
    ]
    const outcomes = await applied(net, [{ kind: 'modify', resource: { collection: 'ovs', name: '' }, changes }])
    expect(outcomes).toEqual({ '': { status: 'done' } })
    expect((await ovs.vsctl('get', 'Open_vSwitch', '.', 'external_ids')).trim()).toBe('{new="2", system-id=abc}')
  })

  it('does what it can beside what the kernel says of a link, and says what it left', async () => {
    await ovs.vsctl('add-br', 'br0', '--', 'add-port', 'br0', 'p1', 'tag=5')
    const ipv4 = { enabled: true, dhcp: true, address: [] }
    const { p1, p2 } = await applied(net, [
      modify('p1', ['/ipv4/dhcp', true, false], ['/tag', 5, 6], ['/mac', 'x', undefined]),
      create('p2', { type: 'ovs-port', bridge: 'br0', ovs_type: 'dummy', ipv4 }),
    ])
    expect(p1).toEqual({ status: 'done', message: expect.stringContaining('not set in this version: mac, ipv4') })
    expect(p2).toEqual({ status: 'done', message: expect.stringContaining('not set in this version: ipv4') })
    expect((await ovs.vsctl('get', 'Port', 'p1', 'tag')).trim()).toBe('6')
    // Out of Open vSwitch a link is what the kernel says, all at once.
    const out = Object.entries((await interfaceOf(net, 'p2')) as JsonObject).filter(
      ([field]) => field !== 'name' && field !== 'type',
    )
    const fields = out.map(([field, value]) => [`/${field}`, value, undefined] as const)
    await applied(net, [modify('p2', ['/type', 'ovs-port', 'veth'], ['/mac', undefined, 'x'], ...fields)])
    expect(await ovs.vsctl('list-ports', 'br0')).toBe('p1\n')
  })

  it('changes nothing where something moved since the diff', async () => {
    await ovs.vsctl('add-br', 'br0', '--', 'add-port', 'br0', 'p1', 'tag=5', '--', 'add-port', 'br0', 'p2')
    const p2 = (await interfaceOf(net, 'p2')) as JsonObject
    await ovs.vsctl('set', 'port', 'p1', 'tag=6', '--', 'set', 'port', 'p2', 'trunks=1')
    const before = await ovs.vsctl('show')
    const good = create('br9', { type: 'ovs-bridge' })
    for (const bad of [
      modify('p1', ['/tag', 5, 7]),
      create('p1', { type: 'ovs-port', bridge: 'br9' }),
      remove(p2),
      modify('gone', ['/tag', 5, 7], ['/bridge', 'br0', 'br9']),
      modify('br0', ['/external_ids/a', '1', '2']),
    ]) {
      await expect(applied(net, [good, bad])).rejects.toMatchObject({ code: 'CONFLICT' })
    }
    expect(await ovs.vsctl('show')).toBe(before)
  })

  it('changes nothing where something moves between its look and its transact', async () => {
    const proxy = await CountingProxy.start(join(ovs.dir, 'proxy.sock'), ovs.socket)
    try {
      const behind = netOf({ ovsdb: proxy.socket })
      await ovs.vsctl(
        'add-br',
        'br0',
        '--',
        'add-port',
        'br0',
        'p1',
        'tag=5',
        '--',
        'add-port',
        'br0',
        'p2',
        '--',
        'add-br',
        'br1',
      )
      const p2 = (await interfaceOf(behind, 'p2')) as JsonObject
      const cases: readonly [Parameters<typeof applied>[1], string[], string[]][] = [
        [[modify('p1', ['/tag', 5, 7])], ['set', 'port', 'p1', 'tag=6'], ['set', 'port', 'p1', 'tag=5']],
        [[create('br9', { type: 'ovs-bridge' })], ['add-br', 'br9'], ['del-br', 'br9']],
        [[modify('br1', ['/ports', [], ['q']])], ['add-port', 'br0', 'q'], ['del-port', 'q']],
        [[remove(p2)], ['set', 'interface', 'p2', 'options:a=b'], ['clear', 'interface', 'p2', 'options']],
        [[remove(p2)], ['set', 'port', 'p2', 'trunks=9'], ['clear', 'port', 'p2', 'trunks']],
        [[modify('br1', ['/ports', [], ['p1']])], ['del-port', 'p1'], ['add-port', 'br0', 'p1', 'tag=5']],
        [[modify('br1', ['/external_ids/a', undefined, '1'])], ['del-br', 'br1'], ['add-br', 'br1']],
      ]
      for (const [actions, meddle, mend] of cases) {
        let shown = ''
        proxy.before = async (method, params) => {
          if (method !== 'transact' || !JSON.stringify(params).includes('next_cfg')) return
          proxy.before = () => {}
          await ovs.vsctl(...meddle)
          shown = await ovs.vsctl('show')
        }
        await expect(applied(behind, actions), meddle.join(' ')).rejects.toMatchObject({ code: 'CONFLICT' })
        expect(await ovs.vsctl('show')).toBe(shown)
        await ovs.vsctl(...mend)
      }
    } finally {
      await proxy.close()
    }
  })

  it('refuses what cannot be, before anything is changed', async () => {
    await ovs.vsctl('add-br', 'br0', '--', 'add-br', 'br1')
    const before = await ovs.vsctl('show')
    for (const bad of [
      [modify('eth0', ['/tag', undefined, 5])],
      [create('p1', { type: 'ovs-port', bridge: 'br8' })],
      [modify('br0', ['/ports', [], ['p']]), modify('br1', ['/ports', [], ['p']])],
      [create('i1', { type: 'ovs-interface', port: 'nothing' })],
      [create('bond0', { type: 'ovs-port', bridge: 'br0', interfaces: [] })],
    ]) {
      await expect(applied(net, bad)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    const invalid = [create('p1', { type: 'ovs-port', bridge: 'br0', tag: 99999 })]
    await expect(applied(net, invalid)).rejects.toMatchObject({
      code: 'PLUGIN_FAILED',
      message: expect.stringContaining('nothing was changed'),
    })
    expect(await ovs.vsctl('show')).toBe(before)
  })

  it('brings back what was removed as ovs-vsctl listed it, with what the state does not say', async () => {
    await ovs.vsctl(
      ...[
        'add-br',
        'br0',
        '--',
        'add-port',
        'br0',
        'p1',
        'tag=7',
        'other_config:x=y',
        '--',
        'set',
        'interface',
        'p1',
        'type=dummy',
        'ingress_policing_rate=1000',
      ],
      ...[
        '--',
        'add-bond',
        'br0',
        'bond0',
        'b1',
        'b2',
        '--',
        'set-controller',
        'br0',
        'tcp:127.0.0.1:1',
        '--',
        'set',
        'controller',
        'br0',
        'max_backoff=9000',
      ],
      ...[
        '--',
        '--id=@m',
        'create',
        'Mirror',
        'name=m0',
        'select_all=true',
        '--',
        'add',
        'bridge',
        'br0',
        'mirrors',
        '@m',
      ],
      ...[
        '--',
        '--id=@q',
        'create',
        'QoS',
        'type=linux-htb',
        'other-config:max-rate=5',
        '--',
        'set',
        'port',
        'p1',
        'qos=@q',
      ],
      ...['--', 'add-br', 'br1', '--', 'add-port', 'br1', 'z1'],
    )
    await ovs.vsctl('--', '--id=@p', 'get', 'port', 'p1', '--', 'set', 'mirror', 'm0', 'output_port=@p')
    const before = await listed(ovs)
    const [old, other] = [(await interfaceOf(net, 'br0')) as JsonObject, (await interfaceOf(net, 'z1')) as JsonObject]
    const actions = [remove(old), remove(other), create('new', { type: 'ovs-bridge' })]
    const extra = JSON.parse(JSON.stringify(await net.checkpoint?.(actions, { signal: never })))
    await applied(net, actions)
    expect(await ovs.vsctl('list-br')).toBe('br1\nnew\n')
    await ovs.vsctl('clear', 'Bridge', 'br1', 'external_ids')

    const back = [create('br0', old), create('z1', other), remove((await interfaceOf(net, 'new')) as JsonObject)]
    const outcomes = await applied(net, back, call => net.rollback!(back, extra, call))
    expect(Object.values(outcomes).every(({ status }) => status !== 'failed')).toBe(true)
    expect(await listed(ovs)).toEqual(before)
    expect(await interfaceOf(net, 'br0')).toEqual(old)
  })

  it('says what ovs-vswitchd could not do, and what it has not done yet', async () => {
    const outcomes = await applied(net, [
      create('br0', { type: 'ovs-bridge' }),
      create('bad', { type: 'ovs-port', bridge: 'br0', ovs_type: 'nosuch' }),
    ])
    expect(outcomes.bad).toMatchObject({ status: 'pending', message: expect.stringContaining('ovs-vswitchd says') })
    const alone = await Ovs.start({ vswitchd: false })
    try {
      const unconfigured = netOf({ ovsdb: alone.socket, configureMs: 20 })
      const { br1 } = await applied(unconfigured, [create('br1', { type: 'ovs-bridge' })])
      expect(br1).toMatchObject({
        status: 'pending',
        message: expect.stringContaining('not yet configured by ovs-vswitchd'),
      })
      expect(await alone.vsctl('list-br')).toBe('br1\n')
    } finally {
      await closePlugins()
      await alone.close()
    }
  })

  it('tells at once what somebody else changes, and that it is lost', async () => {
    const told = signals()
    const watch = await net.watch!(told.watcher, { signal: never })
    const made = told.changed()
    await ovs.vsctl('add-br', 'br0')
    await made
    // Nothing is missed between a change and the next.
    for (const meddle of [
      ['add-port', 'br0', 'p1'],
      ['set', 'port', 'p1', 'tag=4'],
      ['br-set-external-id', 'br0', 'a', 'b'],
      ['del-port', 'p1'],
    ]) {
      const next = told.changed()
      await ovs.vsctl(...meddle)
      await next
    }
    watch.close()
    const proxy = await CountingProxy.start(join(ovs.dir, 'watch.sock'), ovs.socket)
    try {
      await netOf({ ovsdb: proxy.socket }).watch!(told.watcher, { signal: never })
      expect(proxy.calls.get('monitor_cond_since')).toBe(1)
      proxy.break()
      expect(await told.lost).toContain('closed the connection')
    } finally {
      await proxy.close()
    }
  })

  it('says that nobody listens while the server is down, tells watchers, and asks the next one', async () => {
    const own = await Ovs.start({ vswitchd: false })
    try {
      const asking = netOf({ ovsdb: own.socket })
      await own.vsctl('add-br', 'br0')
      const before = await query(asking)
      const told = signals()
      await asking.watch!(told.watcher, { signal: never })
      await own.stopServer()
      await told.lost
      const down = { code: 'PLUGIN_FAILED', message: expect.stringContaining('nobody listens there') }
      await expect(query(asking)).rejects.toMatchObject(down)
      await expect(asking.watch!(told.watcher, { signal: never })).rejects.toMatchObject(down)
      await own.startServer()
      expect(await query(asking)).toEqual(before)
    } finally {
      await closePlugins()
      await own.close()
    }
  })

  it('asks once for each query, over one connection', async () => {
    const proxy = await CountingProxy.start(join(ovs.dir, 'count.sock'), ovs.socket)
    try {
      const behind = netOf({ ovsdb: proxy.socket })
      await query(behind)
      await Promise.all([query(behind), query(behind)])
      expect(proxy.transacts).toBe(3)
      proxy.break()
      await query(behind)
      expect(proxy.transacts).toBe(4)
    } finally {
      await proxy.close()
    }
  })
})

/** What `ovs-vsctl list` says of all rows, without uuids and what daemons write. */
async function listed(ovs: Ovs): Promise<unknown> {
  const tables = {
    Bridge: 'name,fail_mode,external_ids,other_config,stp_enable',
    Port: 'name,tag,trunks,other_config,bond_mode',
    Interface: 'name,type,options,ingress_policing_rate',
    Controller: 'target,max_backoff',
    Mirror: 'name,select_all',
    QoS: 'type,other_config',
  }
  const lists: Record<string, string[]> = {}
  for (const [table, columns] of Object.entries(tables)) {
    const csv = await ovs.vsctl('-f', 'csv', '--no-headings', `--columns=${columns}`, 'list', table)
    lists[table] = csv.split('\n').sort()
  }
  const mirror = await ovs.vsctl('--bare', '--columns=output_port', 'list', 'Mirror')
  lists.output = [(await ovs.vsctl('--bare', '--columns=name', 'list', 'Port', mirror.trim())).trim()]
  lists.qos = [String((await ovs.vsctl('get', 'Port', 'p1', 'qos')).trim() !== '[]')]
  return { ...lists, show: await ovs.show() }
}

function signals() {
  let next = deferred<void>()
  const lost = deferred<string>()
  return {
    watcher: { changed: () => next.resolve(), lost: (why: string) => lost.resolve(why) },
    /** Resolves at the next one. */
    changed: () => {
      next = deferred<void>()
      return next.promise
    },
    lost: lost.promise,
  }
}
