// What a desired state of the network may say, what apply refuses, and what prune may remove.
import { expect, it } from 'vitest'
import type { JsonObject } from '../../src/json/json.js'
import { checkDesired } from '../../src/state/desired.js'
import { diffState } from '../../src/state/diff.js'
import type { StateAction } from '../../src/state/plugin.js'
import { stateOf } from '../../src/state/plugins/net/query.js'
import { indexRows } from '../../src/state/plugins/net/snapshot.js'
import { create, modify, netOf, remove } from './net-support.js'

const net = netOf({ ovsdb: '/nowhere' })
const check = (desired: unknown) => net.check!(desired as JsonObject)
const bridge = (fields: JsonObject) => check({ interfaces: [{ name: 'br0', type: 'ovs-bridge', ...fields }] })
const port = (fields: JsonObject) => check({ interfaces: [{ name: 'p1', type: 'ovs-port', bridge: 'br0', ...fields }] })

it("accepts op-dbus's own files", () => {
  const ipv4 = { enabled: true, dhcp: false, address: [{ ip: '172.16.0.10', prefix: 24 }], gateway: '172.16.0.1' }
  expect(check({ interfaces: [] })).toEqual([])
  expect(check({ interfaces: [{ name: 'ovsbr0', type: 'ovs-bridge', ports: ['ens1'], ipv4 }] })).toEqual([])
  expect(check({ interfaces: [{ name: 'ovsbr1', type: 'ovs-bridge', ipv4: { enabled: true, dhcp: true } }] })).toEqual(
    [],
  )
  expect(
    check({
      interfaces: [
        { name: 'ens1', type: 'ethernet' },
        { name: 'br5', type: 'bridge' },
        { name: 'x', ensure: 'absent' },
      ],
    }),
  ).toEqual([])
})

it('takes every name that Open vSwitch holds', () => {
  expect(check({ interfaces: [{ name: 'a/b c', type: 'ovs-port', bridge: 'sixteen-letters-' }] })).toEqual([])
})

it('takes whatever a resource has, null for what it is not to have, and the words of the manager', () => {
  const settings = {
    protocols: ['OpenFlow10', 'OpenFlow13'],
    fail_mode: null,
    stp_enable: true,
    other_config: { a: 'b', c: null },
  }
  expect(
    bridge({ ...settings, controllers: ['ssl:1', 'tcp:2'], ports: ['z', 'a'], ensure: 'present', prune: true }),
  ).toEqual([])
  expect(
    port({
      tag: 0,
      trunks: [1, 20, 100],
      vlan_mode: 'trunk',
      ovs_type: 'vxlan',
      options: { key: '5' },
      mtu_request: 9000,
    }),
  ).toEqual([])
  expect(
    check({
      ovs: { external_ids: { 'system-id': 'x' } },
      routes: [{ destination: '::/0', device: 'eth0', metric: 5 }],
    }),
  ).toEqual([])
})

it.each<[JsonObject, string, string]>([
  [{ interfacs: [] }, '/interfacs', 'did you mean interfaces?'],
  [{ ovs: { external_id: {} } }, '/ovs/external_id', 'did you mean external_ids?'],
  [{ ovs: { other_config: { a: 1 } } }, '/ovs/other_config/a', 'in quotes: "1"'],
  [{ routes: [{ destination: 'default', device: 'e', metric: 0 }] }, '/routes/0/destination', '0.0.0.0/0 or ::/0'],
  [
    { routes: [{ destination: '::/0', device: 'e', metric: 0, gatway: 'x' }] },
    '/routes/0/gatway',
    'did you mean gateway?',
  ],
  [{ interfaces: [{ name: 'b', type: 'ovs-brigde' }] }, '/interfaces/0/type', 'did you mean ovs-bridge?'],
  [{ interfaces: [{ name: 'b', type: 7 }] }, '/interfaces/0/type', 'must be a text'],
  [{ interfaces: [{ name: 'b', stp_enable: null }] }, '/interfaces/0/stp_enable', 'write false'],
  [{ interfaces: [{ name: 'b', controllers: null }] }, '/interfaces/0/controllers', 'write []'],
  [{ interfaces: [{ name: 'b', external_ids: null }] }, '/interfaces/0/external_ids', 'null for each key'],
  [{ interfaces: [{ name: 'b', ports: null }] }, '/interfaces/0/ports', '"prune": true'],
  [{ interfaces: [{ name: 'p', ovs_type: null }] }, '/interfaces/0/ovs_type', 'write "system"'],
  [{ interfaces: [{ name: 'b', type: 'ovs-bridge', port: ['x'] }] }, '/interfaces/0/port', 'did you mean ports?'],
  [{ interfaces: [{ name: 'b', type: 'ovs-bridge', ports: 'x' }] }, '/interfaces/0/ports', 'must be a list'],
  [{ interfaces: [{ name: 'b', type: 'ovs-bridge', ports: ['b'] }] }, '/interfaces/0/ports/0', 'leave b out'],
  [
    { interfaces: [{ name: 'b', type: 'ovs-bridge', fail_mode: 'secured' }] },
    '/interfaces/0/fail_mode',
    'did you mean secure?',
  ],
  [{ interfaces: [{ name: 'b', type: 'ovs-bridge', stp_enable: 'yes' }] }, '/interfaces/0/stp_enable', 'true or false'],
  [
    { interfaces: [{ name: 'b', type: 'ovs-bridge', datapath_type: '' }] },
    '/interfaces/0/datapath_type',
    'null where there is to be none',
  ],
  [
    { interfaces: [{ name: 'b', type: 'ovs-bridge', external_ids: { 'a/b': 1 } }] },
    '/interfaces/0/external_ids/a~1b',
    'must be a text',
  ],
  [{ interfaces: [{ name: 'p', bridge: 'b', tag: 4096 }] }, '/interfaces/0/tag', 'from 0 to 4095'],
  [{ interfaces: [{ name: 'p', bridge: 'b', trunks: [3, 'x'] }] }, '/interfaces/0/trunks/1', 'whole number'],
  [{ interfaces: [{ name: 'e', ipv4: { dhcp: 'on' } }] }, '/interfaces/0/ipv4/dhcp', 'true or false'],
  [{ interfaces: [{ name: 'e', ipv4: { adress: [] } }] }, '/interfaces/0/ipv4/adress', 'did you mean address?'],
  [
    { interfaces: [{ name: 'e', ipv4: { address: [{ ip: '1.2.3.4', prefix: 64 }] } }] },
    '/interfaces/0/ipv4/address/0/prefix',
    'from 0 to 32',
  ],
  [{ interfaces: [{ name: 'e', mtu: '1500' }] }, '/interfaces/0/mtu', 'must be a number'],
])('says what is wrong in %j', (desired, path, message) => {
  expect(check(desired)).toEqual(expect.arrayContaining([{ path, message: expect.stringContaining(message) }]))
})

it('finds ports that are to be in two places', () => {
  const two = [
    { name: 'a', type: 'ovs-bridge', ports: ['p'] },
    { name: 'b', type: 'ovs-bridge', ports: ['p'] },
  ]
  expect(check({ interfaces: two })).toEqual([{ path: '/interfaces/1/ports/0', message: 'p is to be in a and in b' }])
  const said = [
    { name: 'a', type: 'ovs-bridge', ports: ['p'] },
    { name: 'p', type: 'ovs-port', bridge: 'b' },
  ]
  expect(check({ interfaces: said })).toMatchObject([{ path: '/interfaces/1/bridge' }])
})

it('takes what is to be absent into account, as a desired file says it', () => {
  const said = (...interfaces: JsonObject[]) => checkDesired({ version: 1, plugins: { net: { interfaces } } }, [net])
  const wrong = (message: string) => expect.objectContaining({ code: 'INVALID_INPUT', message })
  expect(() => said({ name: 'a', ports: ['p'] }, { name: 'p', ensure: 'absent' })).toThrow(
    wrong('/plugins/net/interfaces/0/ports/0: p is to be in a, and to be absent'),
  )
  expect(() => said({ name: 'a', ensure: 'absent' }, { name: 'p', bridge: 'a' })).toThrow(
    wrong('/plugins/net/interfaces/1/bridge: p is to be in a, which is to be absent'),
  )
  // A bridge that is to go holds nothing any more, whatever else is said of it.
  const bridges: JsonObject[] = [
    { name: 'a', ports: ['p'] },
    { name: 'b', ports: ['p'], ensure: 'absent' },
  ]
  expect(said(...bridges).plugins.net?.state).toEqual({ interfaces: bridges })
  const current = { interfaces: [{ name: 'p', type: 'ovs-port', bridge: 'b', ovs_type: 'dummy' }] }
  const pruned = diffState(net, current, { prune: true, state: { interfaces: bridges.slice(1) } })
  expect(pruned.map(({ kind, resource }) => [kind, resource.name])).toContainEqual(['delete', 'p'])
})

it('refuses what the kernel has, in one sentence that says what to do', () => {
  const eth0 = { name: 'eth0', type: 'ethernet', mac: 'x', mtu: 1500 }
  const ens1 = { name: 'ens1', type: 'ovs-port', bridge: 'br0', ovs_type: 'system', mac: 'x' }
  const p1 = { name: 'p1', type: 'ovs-port', bridge: 'br0', ovs_type: 'internal', mac: 'x' }
  const br0 = { name: 'br0', type: 'ovs-bridge', ports: ['ens1', 'p1'] }
  const refusals: readonly [StateAction, JsonObject | undefined, string | undefined][] = [
    [create('eth7', { type: 'veth' }), undefined, 'links of the kernel are not made'],
    [create('what', {}), undefined, 'links of the kernel are not made'],
    // Its bridge may list it.
    [create('p2', { type: 'ovs-port' }), undefined, undefined],
    [create('i1', { type: 'ovs-interface' }), undefined, 'say which is the port of i1'],
    [
      create('p2', { type: 'ovs-port', bridge: 'br0', interfaces: ['a', 'b'], options: { x: 'y' } }),
      undefined,
      'no interface of its own name',
    ],
    [
      modify('p2', ['/ovs_type', undefined, 'dummy']),
      { ...p1, interfaces: ['a', 'b'] },
      'no interface of its own name',
    ],
    [
      modify('p2', ['/interfaces', ['a'], undefined], ['/ovs_type', undefined, 'dummy']),
      { ...p1, interfaces: ['a'] },
      undefined,
    ],
    [create('br1', { type: 'ovs-bridge' }), undefined, undefined],
    [create('a b', { type: 'ovs-bridge' }), undefined, 'no spaces'],
    [create('sixteen-letters-', { type: 'ovs-bridge' }), undefined, 'at most 15 bytes'],
    [remove(eth0), eth0, 'not removed'],
    [remove(ens1), ens1, 'say "bridge": null'],
    [remove(p1), p1, undefined],
    [remove(br0), br0, undefined],
    [modify('eth0', ['/mtu', 1500, 9000]), eth0, 'mtu of eth0'],
    [modify('br0', ['/ipv4/dhcp', true, false], ['/fail_mode', undefined, 'secure']), br0, undefined],
    [modify('br0', ['/ipv4/address', [], [{ ip: '1.2.3.4', prefix: 8 }]]), br0, 'ipv4 of br0'],
    [modify('eth0', ['/tag', undefined, 5]), eth0, 'say to which bridge'],
    [
      modify('eth0', ['/bridge', undefined, 'br0'], ['/tag', undefined, 5], ['/type', 'ethernet', 'ovs-port']),
      eth0,
      undefined,
    ],
    [modify('ens1', ['/bridge', 'br0', undefined]), ens1, undefined],
    [modify('br0', ['/type', 'ovs-bridge', 'bridge']), br0, 'what br0 is does not change'],
    [modify('ens1', ['/type', 'ovs-port', 'ethernet']), ens1, 'leave its type out'],
    [modify('br0', ['/tag', undefined, 5]), br0, 'which has no tag'],
    [modify('br0', ['/ports', ['ens1', 'p1'], ['p1']], ['/fail_mode', undefined, 'secure']), br0, undefined],
  ]
  for (const [action, current, why] of refusals) {
    const refused = net.refuses!(action, current)
    if (why === undefined) expect(refused, JSON.stringify(action)).toBeUndefined()
    else expect(refused, JSON.stringify(action)).toContain(why)
  }
  const route = { kind: 'delete', resource: { collection: 'routes', name: 'r' }, old: {} } as const
  expect(net.refuses!(route, {})).toContain('routes are read')
})

it('tells what both know as one resource, without what Open vSwitch chooses anew with each port', () => {
  const link = { mac: '02:00:00:00:00:01', mtu: 1500, up: true }
  const links = new Map([
    ['br0', { name: 'br0', type: 'openvswitch', ...link }],
    ['ens1', { name: 'ens1', type: 'ethernet', ...link }],
    ['eth0', { name: 'eth0', type: 'ethernet', ...link }],
  ])
  const ref = (uuid: string) => ['uuid', uuid]
  const snapshot = indexRows(
    { _uuid: ref('root'), bridges: ref('b') },
    [{ _uuid: ref('b'), name: 'br0', ports: ['set', [ref('p0'), ref('p1')]] }],
    [
      { _uuid: ref('p0'), name: 'br0', interfaces: ref('i0') },
      { _uuid: ref('p1'), name: 'ens1', interfaces: ref('i1'), tag: 5 },
    ],
    [
      { _uuid: ref('i0'), name: 'br0', type: 'internal' },
      { _uuid: ref('i1'), name: 'ens1', type: '' },
    ],
    [],
  )
  const { interfaces } = stateOf(snapshot, { links, routes: [] }) as { interfaces: JsonObject[] }
  expect(interfaces.map(({ name, type }) => [name, type])).toEqual([
    ['br0', 'ovs-bridge'],
    ['ens1', 'ovs-port'],
    ['eth0', 'ethernet'],
  ])
  expect(interfaces[0]).toMatchObject({ up: true, ports: ['ens1'] })
  expect(interfaces[0]).not.toHaveProperty('mac')
  expect(interfaces[0]).not.toHaveProperty('mtu')
  expect(interfaces[1]).toMatchObject({ ...link, tag: 5, bridge: 'br0', ovs_type: 'system' })
  // Both are asked for, and only what apply can change is declared.
  expect(net.initial!({ interfaces })).toEqual({
    interfaces: [
      { name: 'br0', type: 'ovs-bridge', ports: ['ens1'] },
      { name: 'ens1', type: 'ovs-port', tag: 5, ovs_type: 'system', bridge: 'br0' },
    ],
  })
})

it('prunes bridges and ports that nothing speaks of, and never a link of the kernel', () => {
  const current: JsonObject = {
    interfaces: [
      { name: 'br0', type: 'ovs-bridge', ports: ['a', 'b', 'ens1'] },
      { name: 'br1', type: 'ovs-bridge', ports: ['c'] },
      { name: 'br2', type: 'ovs-bridge', ports: ['d'] },
      { name: 'a', type: 'ovs-port', bridge: 'br0', ovs_type: 'dummy' },
      { name: 'b', type: 'ovs-port', bridge: 'br0', ovs_type: 'dummy' },
      { name: 'c', type: 'ovs-port', bridge: 'br1', ovs_type: 'dummy' },
      { name: 'd', type: 'ovs-port', bridge: 'br2', ovs_type: 'system' },
      { name: 'ens1', type: 'ovs-port', bridge: 'br0', ovs_type: 'system', mac: 'x' },
      { name: 'eth0', type: 'ethernet', mac: 'x' },
      { name: 'm1', type: 'ovs-interface', port: 'd' },
    ],
  }
  const state: JsonObject = {
    interfaces: [
      { name: 'br0', ports: ['a'] },
      { name: 'c', bridge: 'br1' },
      { name: 'x', bridge: 'br2', ensure: 'absent' },
    ],
  }
  const actions = diffState(net, current, { prune: true, state })
  expect(actions.filter(({ kind }) => kind === 'delete').map(({ resource }) => resource.name)).toEqual([
    'b',
    'br2',
    'd',
  ])
})
