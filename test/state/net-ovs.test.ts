// What the plugin `net` tells and changes of a real Open vSwitch, with `ovs-vsctl` as the judge.
import { expect, it } from 'vitest'
import type { JsonObject } from '../../src/json/json.js'
import { describeWith } from '../real/parts.js'
import { applied, create, interfaceOf, modify, query, remove, useOvs } from './net-support.js'

describeWith('ovs', 'a real Open vSwitch', () => {
  const { ovs, net } = useOvs()

  it('tells what ovs-vsctl made, twice the same bytes', async () => {
    await ovs().vsctl(
      'add-br br0',
      '-- set bridge br0 fail_mode=secure protocols=OpenFlow13,OpenFlow10 external_ids:owner=me',
      '-- add-port br0 p1 tag=7 -- set interface p1 type=dummy external_ids:iface-id=x',
      '-- add-bond br0 bond0 b2 b1 bond_mode=active-backup lacp=off -- add-port br0 vx0',
      '-- set interface vx0 type=vxlan options:remote_ip=10.0.0.1 options:key=5',
      '-- set-controller br0 tcp:127.0.0.1:6653 ssl:127.0.0.1:6654',
      '-- set Open_vSwitch . external_ids:system-id=abc',
    )
    const state = await query(net())
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
    expect(JSON.stringify(await query(net()))).toBe(JSON.stringify(state))
    // What a first file declares is accepted, and is what is there.
    const initial = net().initial?.(state) as JsonObject
    expect(net().check?.(initial)).toEqual([])
  })

  it('makes a bridge with ports, as ovs-vsctl would', async () => {
    const bridge = {
      type: 'ovs-bridge',
      ports: ['p1', 'sys0'],
      fail_mode: 'secure',
      controllers: ['tcp:127.0.0.1:6653'],
    }
    const outcomes = await applied(net(), [
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
    expect((await ovs().vsctl('list-ports br0')).trim().split('\n').sort()).toEqual(['p1', 'pp', 'sys0'])
    expect((await ovs().vsctl('get-fail-mode br0')).trim()).toBe('secure')
    expect((await ovs().vsctl('get-controller br0')).trim()).toBe('tcp:127.0.0.1:6653')
    expect((await ovs().vsctl('get Interface br0 type')).trim()).toBe('internal')
    expect((await ovs().vsctl('get Port p1 tag')).trim()).toBe('3')
    expect(await interfaceOf(net(), 'br0')).toMatchObject({ ...bridge, ports: ['p1', 'pp', 'sys0'], stp_enable: true })
  })

  it('changes only what is declared: the other bridges stay as they are, byte by byte', async () => {
    for (const i of [0, 1, 2, 3, 4]) {
      await ovs().vsctl(
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
      await ovs().vsctl('br-set-external-id', `br${i}`, 'mine', 'kept')
    }
    const before = await ovs().show()
    const actions = [
      modify(
        'br2',
        ['/ports', ['p2'], ['p2', 'q2']],
        ['/external_ids/owner', undefined, 'me'],
        ['/fail_mode', undefined, 'standalone'],
      ),
      modify('p2', ['/tag', 3, 30], ['/interface_external_ids/iface-id', undefined, 'x']),
    ]
    expect(await applied(net(), actions)).toMatchObject({ br2: { status: 'done' }, p2: { status: 'done' } })
    const after = await ovs().show()
    for (const name of ['br0', 'br1', 'br3', 'br4']) expect(after[name]).toBe(before[name])
    expect(after.br2).toContain('tag: 30')
    expect(await ovs().vsctl('br-get-external-id br2')).toBe('mine=kept\nowner=me\n')
    expect((await ovs().vsctl('get Interface p2 external_ids')).trim()).toBe('{iface-id=x}')
  })

  it('moves, takes out and removes ports, and puts maps and settings back to nothing', async () => {
    await ovs().vsctl(
      'add-br br0 -- add-br br1 -- add-port br0 p1 -- add-port br0 p2 -- add-port br0 p3',
      '-- set bridge br0 fail_mode=secure external_ids:a=1 external_ids:b=2 stp_enable=true',
    )
    const p3 = (await interfaceOf(net(), 'p3')) as JsonObject
    await applied(net(), [
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
    expect(await ovs().vsctl('list-ports br0')).toBe('')
    expect(await ovs().vsctl('list-ports br1')).toBe('p1\n')
    expect(
      (await ovs().vsctl('--columns=name -f csv -d bare --no-headings list Interface'))
        .split('\n')
        .filter(Boolean)
        .sort(),
    ).toEqual(['br0', 'br1', 'p1'])
    expect(await interfaceOf(net(), 'br0')).toMatchObject({ external_ids: { b: '2' }, stp_enable: false })
    expect(await interfaceOf(net(), 'br0')).not.toHaveProperty('fail_mode')
  })

  it('makes and changes bonds', async () => {
    await ovs().vsctl('add-br br0 -- add-port br0 eth9')
    await applied(net(), [
      create('bond0', { type: 'ovs-port', bridge: 'br0', interfaces: ['b1', 'b2'], bond_mode: 'active-backup' }),
      create('b1', { type: 'ovs-interface', port: 'bond0', ovs_type: 'dummy' }),
    ])
    expect(await interfaceOf(net(), 'bond0')).toMatchObject({ interfaces: ['b1', 'b2'], bond_mode: 'active-backup' })
    expect(await interfaceOf(net(), 'b1')).toMatchObject({ port: 'bond0', ovs_type: 'dummy' })
    // An interface that had a port of its own goes into the bond.
    const eth9 = (await interfaceOf(net(), 'eth9')) as JsonObject
    await applied(net(), [modify('bond0', ['/interfaces', ['b1', 'b2'], ['b2', 'eth9']]), remove(eth9)])
    expect(await interfaceOf(net(), 'bond0')).toMatchObject({ interfaces: ['b2', 'eth9'] })
    expect(await ovs().vsctl('list-ports br0')).toBe('bond0\n')
  })

  it('changes the settings of Open vSwitch itself, key by key', async () => {
    await ovs().vsctl('set Open_vSwitch . external_ids:system-id=abc external_ids:old=1')
    const changes = [
      { path: '/external_ids/new', new: '2' },
      { path: '/external_ids/old', old: '1' },
    ]
    const outcomes = await applied(net(), [{ kind: 'modify', resource: { collection: 'ovs', name: '' }, changes }])
    expect(outcomes).toEqual({ '': { status: 'done' } })
    expect((await ovs().vsctl('get Open_vSwitch . external_ids')).trim()).toBe('{new="2", system-id=abc}')
  })

  it('does what it can beside what the kernel says of a link, and says what it left', async () => {
    await ovs().vsctl('add-br br0 -- add-port br0 p1 tag=5')
    const ipv4 = { enabled: true, dhcp: true, address: [] }
    const { p1, p2 } = await applied(net(), [
      modify('p1', ['/ipv4/dhcp', true, false], ['/tag', 5, 6], ['/mac', 'x', undefined]),
      create('p2', { type: 'ovs-port', bridge: 'br0', ovs_type: 'dummy', ipv4 }),
    ])
    expect(p1).toEqual({ status: 'done', message: expect.stringContaining('not set in this version: mac, ipv4') })
    expect(p2).toEqual({ status: 'done', message: expect.stringContaining('not set in this version: ipv4') })
    expect((await ovs().vsctl('get Port p1 tag')).trim()).toBe('6')
    // Out of Open vSwitch a link is what the kernel says, all at once.
    const out = Object.entries((await interfaceOf(net(), 'p2')) as JsonObject).filter(
      ([field]) => field !== 'name' && field !== 'type',
    )
    const fields = out.map(([field, value]) => [`/${field}`, value, undefined] as const)
    await applied(net(), [modify('p2', ['/type', 'ovs-port', 'veth'], ['/mac', undefined, 'x'], ...fields)])
    expect(await ovs().vsctl('list-ports br0')).toBe('p1\n')
  })
})
