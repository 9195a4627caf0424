// What the plugin `net` says of the kernel, in a namespace of its own, with `ip` as the judge.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { JsonObject } from '../../src/json/json.js'
import { normaliseState } from '../../src/state/normalise.js'
import { readKernel } from '../../src/state/plugins/net/kernel.js'
import { Netns } from '../real/netns.js'
import { describeWith } from '../real/parts.js'
import { deferred } from '../support.js'
import { closePlugins, interfaceOf, netOf, never, query } from './net-support.js'

const nowhere = { OVS_RUNDIR: '/nowhere' }

describeWith('netns', 'links, addresses and routes of a namespace', () => {
  let netns: Netns
  beforeAll(async () => {
    netns = await Netns.start()
    await netns.ip(
      ...['link set lo up', 'link add br9 type bridge', 'link add v0 type veth peer name v1', 'link set v0 master br9'],
      ...[
        'link set v0 up',
        'link set v1 up',
        'link set br9 up',
        'link set v1 mtu 1400',
        'addr add 10.1.0.1/24 dev br9',
      ],
      ...[
        'addr add 10.1.0.9/24 dev br9',
        'addr add fd01::1/64 dev br9 nodad',
        'addr add 10.2.0.1/24 dev v1 valid_lft 5000 preferred_lft 5000',
      ],
      ...[
        'route add default via 10.1.0.2 metric 50',
        'route add default via 10.1.0.3 metric 100',
        'route add 10.9.0.0/16 via 10.1.0.2',
      ],
      ...['route append 10.9.0.0/16 via 10.1.0.3', 'route add blackhole 10.7.0.0/16'],
      ...['route add 10.8.0.0/16 nexthop via 10.1.0.2 nexthop via 10.1.0.3 weight 3'],
      ...[
        '-6 route add default via fd01::2 metric 50',
        '-6 route add fd05::/64 dev br9',
        'route add 10.6.0.0/16 tos 0x10 via 10.1.0.2',
      ],
    )
  })
  afterAll(() => netns.close())
  afterEach(closePlugins)
  const net = () => netOf({}, { ...netns.env, ...nowhere })

  it('tells links with what is configured of them, and nothing that changes by itself', async () => {
    const plugin = net()
    expect(await plugin.unavailable?.()).toBeUndefined()
    const state = normaliseState(await query(plugin), plugin)
    const mac = (await netns.ip('-json link show v1')).match(/"address":"([^"]+)"/)?.[1]
    const none = { enabled: false, dhcp: false, address: [] }
    expect(await interfaceOf(plugin, 'v1')).toEqual({
      ...{ name: 'v1', type: 'veth', mac, mtu: 1400, up: true, peer: 'v0', ipv6: none },
      ipv4: { enabled: true, dhcp: true, address: [{ ip: '10.2.0.1', prefix: 24 }] },
    })
    expect(await interfaceOf(plugin, 'v0')).toMatchObject({ master: 'br9', peer: 'v1', ipv4: none })
    expect(await interfaceOf(plugin, 'br9')).toMatchObject({
      ...{ type: 'bridge', members: ['v0'], stp: false, vlan_filtering: false },
      ipv4: {
        ...{ enabled: true, dhcp: false, gateway: '10.1.0.2' },
        address: [
          { ip: '10.1.0.1', prefix: 24 },
          { ip: '10.1.0.9', prefix: 24 },
        ],
      },
      ipv6: { enabled: true, dhcp: false, address: [{ ip: 'fd01::1', prefix: 64 }], gateway: 'fd01::2' },
    })
    expect(state.ovs).toBeUndefined()
    expect(JSON.stringify(normaliseState(await query(plugin), plugin))).toBe(JSON.stringify(state))
    // Nothing of it can be applied, so a first file declares nothing; and all of it may be said in a file.
    expect(plugin.initial?.(state)).toEqual({ interfaces: [] })
    expect(plugin.check?.(state)).toEqual([])
  })

  it('tells each route of the main table once, by destination, device and metric', async () => {
    const { routes } = normaliseState(await query(net()), net())
    const made = (routes as readonly JsonObject[]).filter(({ protocol }) => protocol !== 'kernel')
    expect(made).toEqual([
      { destination: '0.0.0.0/0', device: 'br9', metric: 100, gateway: '10.1.0.3' },
      { destination: '0.0.0.0/0', device: 'br9', metric: 50, gateway: '10.1.0.2' },
      { destination: '10.6.0.0/16,tos=0x10', device: 'br9', metric: 0, gateway: '10.1.0.2' },
      { destination: '10.7.0.0/16', device: '-', metric: 0, type: 'blackhole' },
      {
        ...{ destination: '10.8.0.0/16', device: '-', metric: 0 },
        nexthops: [
          { device: 'br9', gateway: '10.1.0.2', weight: 1 },
          { device: 'br9', gateway: '10.1.0.3', weight: 3 },
        ],
      },
      {
        ...{ destination: '10.9.0.0/16', device: 'br9', metric: 0, gateway: '10.1.0.2' },
        nexthops: [{ gateway: '10.1.0.2' }, { gateway: '10.1.0.3' }],
      },
      { destination: '::/0', device: 'br9', metric: 50, gateway: 'fd01::2' },
      { destination: 'fd05::/64', device: 'br9', metric: 1024 },
    ])
  })

  it('tells at once what changes', async () => {
    const told: (() => void)[] = []
    const watcher = { changed: () => told.splice(0).forEach(tell => void tell()), lost: () => {} }
    const watch = await net().watch!(watcher, { signal: never })
    for (const command of [
      'link set v1 mtu 1300',
      'addr add 10.3.0.1/24 dev v1',
      'route add 10.4.0.0/16 dev v1',
      'link add v8 type veth peer name v9',
    ]) {
      const next = deferred<void>()
      told.push(next.resolve)
      await netns.ip(command)
      await next.promise
    }
    watch.close()
  })

  it('says that it is lost when ip monitor ends', async () => {
    const lost = deferred<string>()
    const other = await Netns.start()
    try {
      await netOf({}, { ...other.env, ...nowhere }).watch!({ changed: () => {}, lost: lost.resolve }, { signal: never })
      const monitors = readdirSync('/proc').filter(pid => isMonitorIn(pid, other.holder.pid))
      expect(monitors).toHaveLength(1)
      process.kill(Number(monitors[0]), 'SIGKILL')
      expect(await lost.promise).toContain('ip')
    } finally {
      await other.close()
    }
  })
})

it('says what is wrong with a program ip that fails, or prints what is no list', async () => {
  const answer = (code: number, stdout: string) =>
    readKernel(async () => ({ code, stdout, stderr: 'no such option' }), never)
  await expect(answer(255, '')).rejects.toMatchObject({
    code: 'PLUGIN_FAILED',
    message: expect.stringContaining('no such option'),
  })
  await expect(answer(0, '[{')).rejects.toMatchObject({ code: 'PLUGIN_FAILED' })
  await expect(answer(0, '{}')).rejects.toMatchObject({ code: 'PLUGIN_FAILED' })
  expect((await answer(0, '')).routes).toEqual([])
  expect([...(await answer(0, '[{},null,{"ifname":"x"}]')).links.keys()]).toEqual(['x'])
})

/** Whether a process is an `ip monitor` in the namespace of another. */
function isMonitorIn(pid: string, holder: number | undefined): boolean {
  try {
    const inIt = readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync(`/proc/${holder}/ns/net`)
    return inIt && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('monitor')
  } catch {
    return false
  }
}
