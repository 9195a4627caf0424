// A real Open vSwitch that moved since the diff, that is asked for what cannot be, and that gets back what was removed.
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { JsonObject } from '../../src/json/json.js'
import { CountingProxy, type Ovs } from '../real/ovs.js'
import { describeWith } from '../real/parts.js'
import { applied, create, interfaceOf, modify, netOf, never, remove, useOvs } from './net-support.js'

describeWith('ovs', 'a real Open vSwitch that moved', () => {
  const { ovs, net } = useOvs()

  it('changes nothing where something moved since the diff', async () => {
    await ovs().vsctl('add-br br0 -- add-port br0 p1 tag=5 -- add-port br0 p2')
    const p2 = (await interfaceOf(net(), 'p2')) as JsonObject
    await ovs().vsctl('set port p1 tag=6 -- set port p2 trunks=1')
    const before = await ovs().vsctl('show')
    const good = create('br9', { type: 'ovs-bridge' })
    for (const bad of [
      modify('p1', ['/tag', 5, 7]),
      create('p1', { type: 'ovs-port', bridge: 'br9' }),
      remove(p2),
      modify('gone', ['/tag', 5, 7], ['/bridge', 'br0', 'br9']),
      modify('br0', ['/external_ids/a', '1', '2']),
    ]) {
      await expect(applied(net(), [good, bad])).rejects.toMatchObject({ code: 'CONFLICT' })
    }
    expect(await ovs().vsctl('show')).toBe(before)
  })

  it('changes nothing where something moves between its look and its transact', async () => {
    const proxy = await CountingProxy.start(join(ovs().dir, 'proxy.sock'), ovs().socket)
    try {
      const behind = netOf({ ovsdb: proxy.socket })
      await ovs().vsctl('add-br br0 -- add-port br0 p1 tag=5 -- add-port br0 p2 -- add-br br1')
      const p2 = (await interfaceOf(behind, 'p2')) as JsonObject
      const br0 = (await interfaceOf(behind, 'br0')) as JsonObject
      const cases: readonly [Parameters<typeof applied>[1], string[], string[]][] = [
        [[modify('p1', ['/tag', 5, 7])], ['set', 'port', 'p1', 'tag=6'], ['set', 'port', 'p1', 'tag=5']],
        [[create('br9', { type: 'ovs-bridge' })], ['add-br', 'br9'], ['del-br', 'br9']],
        [[modify('br1', ['/ports', [], ['q']])], ['add-port', 'br0', 'q'], ['del-port', 'q']],
        [[remove(p2)], ['set', 'interface', 'p2', 'options:a=b'], ['clear', 'interface', 'p2', 'options']],
        // What goes with a bridge is part of what was seen.
        [[remove(br0)], ['set', 'port', 'p1', 'tag=6'], ['set', 'port', 'p1', 'tag=5']],
        [[remove(p2)], ['set', 'port', 'p2', 'trunks=9'], ['clear', 'port', 'p2', 'trunks']],
        [[modify('br1', ['/ports', [], ['p1']])], ['del-port', 'p1'], ['add-port', 'br0', 'p1', 'tag=5']],
        [[modify('br1', ['/external_ids/a', undefined, '1'])], ['del-br', 'br1'], ['add-br', 'br1']],
      ]
      for (const [actions, meddle, mend] of cases) {
        let shown = ''
        proxy.before = async (method, params) => {
          if (method !== 'transact' || !JSON.stringify(params).includes('mutate')) return
          proxy.before = () => {}
          await ovs().vsctl(...meddle)
          shown = await ovs().vsctl('show')
        }
        await expect(applied(behind, actions), meddle.join(' ')).rejects.toMatchObject({ code: 'CONFLICT' })
        expect(await ovs().vsctl('show')).toBe(shown)
        await ovs().vsctl(...mend)
      }
    } finally {
      await proxy.close()
    }
  })

  it('refuses what cannot be, before anything is changed', async () => {
    await ovs().vsctl('add-br br0 -- add-br br1')
    const before = await ovs().vsctl('show')
    for (const bad of [
      [modify('eth0', ['/tag', undefined, 5])],
      [create('p1', { type: 'ovs-port', bridge: 'br8' })],
      [modify('br0', ['/ports', [], ['p']]), modify('br1', ['/ports', [], ['p']])],
      [create('i1', { type: 'ovs-interface', port: 'nothing' })],
      [create('p1', { type: 'ovs-port' })],
      [create('bond0', { type: 'ovs-port', bridge: 'br0', interfaces: [] })],
    ]) {
      await expect(applied(net(), bad)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    const invalid = [create('p1', { type: 'ovs-port', bridge: 'br0', tag: 99999 })]
    await expect(applied(net(), invalid)).rejects.toMatchObject({
      code: 'PLUGIN_FAILED',
      message: expect.stringContaining('nothing was changed'),
    })
    expect(await ovs().vsctl('show')).toBe(before)
  })

  it('brings back what was removed as ovs-vsctl listed it, with what the state does not say', async () => {
    await ovs().vsctl(
      'add-br br0 -- add-port br0 p1 tag=7 other_config:x=y',
      '-- set interface p1 type=dummy ingress_policing_rate=1000 -- add-bond br0 bond0 b1 b2',
      '-- set-controller br0 tcp:127.0.0.1:1 -- set controller br0 max_backoff=9000',
      '-- --id=@m create Mirror name=m0 select_all=true -- add bridge br0 mirrors @m',
      '-- --id=@q create QoS type=linux-htb other-config:max-rate=5 -- set port p1 qos=@q -- add-br br1',
      '-- add-port br1 z1',
    )
    await ovs().vsctl('-- --id=@p get port p1 -- set mirror m0 output_port=@p')
    const before = await listed(ovs())
    const [old, other] = [
      (await interfaceOf(net(), 'br0')) as JsonObject,
      (await interfaceOf(net(), 'z1')) as JsonObject,
    ]
    const actions = [remove(old), remove(other), create('new', { type: 'ovs-bridge' })]
    const extra = JSON.parse(JSON.stringify(await net().checkpoint?.(actions, { signal: never })))
    await applied(net(), actions)
    expect(await ovs().vsctl('list-br')).toBe('br1\nnew\n')
    await ovs().vsctl('clear Bridge br1 external_ids')

    const back = [create('br0', old), create('z1', other), remove((await interfaceOf(net(), 'new')) as JsonObject)]
    const outcomes = await applied(net(), back, call => net().rollback!(back, extra, call))
    expect(Object.values(outcomes).every(({ status }) => status !== 'failed')).toBe(true)
    expect(await listed(ovs())).toEqual(before)
    expect(await interfaceOf(net(), 'br0')).toEqual(old)
  })

  it('brings back what names the bridge or its ports, and what another bridge shares, once', async () => {
    const vsctl = (...line: string[]) => ovs().vsctl(...line)
    await vsctl('add-br br0 -- add-port br0 p1 -- add-port br0 p2 -- add-br br1')
    await vsctl(
      '-- --id=@n create NetFlow targets="1.2.3.4:5" -- set bridge br0 netflow=@n -- set bridge br1 netflow=@n',
    )
    await vsctl(
      '-- --id=@c create Controller target="tcp:1.2.3.4" -- set bridge br0 controller=@c -- set bridge br1 controller=@c',
    )
    await vsctl('-- --id=@b get bridge br0 -- create Flow_Sample_Collector_Set id=7 bridge=@b')
    await vsctl(
      '-- --id=@p get port p1 -- --id=@q get port p2 -- --id=@m create Mirror name=m0 select_src_port=@p,@q output_port=@p -- set bridge br0 mirrors=@m',
    )
    const rows = async () => {
      const count = async (table: string) => (await vsctl(`--bare --columns=_uuid list ${table}`)).trim().split(/\s+/)
      const mirror = (await vsctl('--bare --columns=select_src_port,output_port list Mirror')).trim().split(/\s+/)
      const named = await Promise.all(mirror.map(uuid => vsctl(`--bare --columns=name list port ${uuid}`)))
      const collected = await vsctl(`--bare --columns=bridge list Flow_Sample_Collector_Set`)
      const bridge = await vsctl(`--bare --columns=name list bridge ${collected.trim()}`)
      const shared = [await count('NetFlow'), await count('Controller')]
      return { mirrored: named.map(name => name.trim()).sort(), bridge, shared }
    }
    const before = await rows()
    for (const name of ['p1', 'br0']) {
      const old = (await interfaceOf(net(), name)) as JsonObject
      const extra = await net().checkpoint?.([remove(old)], { signal: never })
      await applied(net(), [remove(old)])
      expect(await interfaceOf(net(), name)).toBeUndefined()
      expect(await vsctl('list-br')).toBe(name === 'br0' ? 'br1\n' : 'br0\nbr1\n')
      const back = [create(name, old)]
      await applied(net(), back, call => net().rollback!(back, extra ?? null, call))
      expect(await rows(), name).toEqual(before)
    }
    // Somebody else's removal leaves the row where a collector holds it: it is no bridge any more.
    await vsctl('-- --id=@b get bridge br0 -- remove Open_vSwitch . bridges @b')
    expect(await interfaceOf(net(), 'br0')).toBeUndefined()
    await vsctl('--all destroy Flow_Sample_Collector_Set')
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
  const mirror = await ovs.vsctl('--bare --columns=output_port list Mirror')
  lists.output = [(await ovs.vsctl('--bare', '--columns=name', 'list', 'Port', mirror.trim())).trim()]
  lists.qos = [String((await ovs.vsctl('get Port p1 qos')).trim() !== '[]')]
  return { ...lists, show: await ovs.show() }
}
