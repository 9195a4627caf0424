// The lxc plugin on Proxmox VE: small programs in its place that answer what its own have been seen to answer. It cannot be had here; the
// forms are those of its documentation and of listings that people published.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { isOpDbusError } from '../../src/errors.js'
import type { Outcome, StateAction, StatePlugin } from '../../src/state/plugin.js'
import { parseLxcLs } from '../../src/state/plugins/lxc/lxc-tools.js'
import { parsePctList, parseProxmoxConfig, parsePvesh } from '../../src/state/plugins/lxc/proxmox.js'
import { lxcPlugin } from '../../src/state/plugins/lxc.js'
import { temporaryFolder } from '../support.js'
import { toolsIn } from './plugin-tools.js'

const signal = new AbortController().signal

const PVESH = JSON.stringify([
  {
    cpu: 0.0123,
    cpus: 2,
    disk: 123,
    maxmem: 1073741824,
    mem: 52428800,
    name: 'netmaker-node-1',
    netin: 1,
    status: 'running',
    type: 'lxc',
    uptime: 4242,
    vmid: '100',
  },
  {
    cpu: 0,
    lock: 'backup',
    maxmem: 536870912,
    mem: 0,
    name: 'CT107',
    status: 'stopped',
    type: 'lxc',
    uptime: 0,
    vmid: 99,
  },
])
const PCT_LIST = `VMID       Status     Lock         Name
99         stopped    backup       CT107
100        running                 netmaker-node-1
`
const CONFIG_100 = `#a note: with a colon
arch: amd64
cores: 2
hostname: netmaker-node-1
memory: 1024
net0: name=eth0,bridge=mesh,firewall=1,gw=10.0.0.1,hwaddr=BC:24:11:2E:CF:A4,ip=10.0.0.5/24,type=veth
net10: name=eth2,bridge=vmbr1,type=veth
net2: name=eth1,bridge=vmbr0,type=veth
ostype: debian
rootfs: local-lvm:vm-100-disk-0,size=8G

[before]
hostname: as-it-was
net5: name=eth9,bridge=old
`
const CONFIG_99 = 'hostname: CT107\nmemory: 512\n'

const STATE = [
  {
    id: '100',
    name: 'netmaker-node-1',
    running: true,
    manager: 'proxmox',
    bridge: 'mesh',
    veth: 'veth100i0',
    networks: {
      net0: { type: 'veth', bridge: 'mesh', name: 'eth0', veth: 'veth100i0' },
      net2: { type: 'veth', bridge: 'vmbr0', name: 'eth1', veth: 'veth100i2' },
      net10: { type: 'veth', bridge: 'vmbr1', name: 'eth2', veth: 'veth100i10' },
    },
    properties: { hostname: 'netmaker-node-1', memory: '1024', cores: '2' },
  },
  {
    id: '99',
    name: 'CT107',
    running: false,
    manager: 'proxmox',
    networks: {},
    properties: { hostname: 'CT107', memory: '512' },
  },
]

let folder: string
let warnings: string[]

/** Puts a program there that notes its arguments and runs `body`. */
function program(name: string, body: string): void {
  const path = join(folder, 'bin', name)
  writeFileSync(path, `#!/bin/sh\necho "${name} $*" >> ${folder}/calls\n${body}\n`)
  chmodSync(path, 0o755)
}

function calls(): string[] {
  return existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n') : []
}

const printing = (text: string) => `cat <<'END'\n${text}\nEND`
const plugin = (): StatePlugin =>
  lxcPlugin(toolsIn({ PATH: `${folder}/bin:/usr/bin:/bin` }, warnings), {
    proxmoxFolder: join(folder, 'pve'),
    cgroupFolder: join(folder, 'cgroup'),
  })
const query = async () => (await plugin().query({ signal })).containers

/** Its `config` answers for both containers. */
const PCT = `case "$1 $2" in "config 100") ${printing(CONFIG_100)}
;; "config 99") ${printing(CONFIG_99)}
;; "list ") ${printing(PCT_LIST)}
;; esac`

beforeEach(() => {
  folder = temporaryFolder()
  warnings = []
  for (const name of ['bin', 'pve', 'cgroup']) mkdirSync(join(folder, name))
})

describe('what there is', () => {
  it('is asked of pvesh, with the configuration from its files', async () => {
    program('pct', 'exit 1')
    program('pvesh', printing(PVESH))
    writeFileSync(join(folder, 'pve', '100.conf'), CONFIG_100)
    writeFileSync(join(folder, 'pve', '99.conf'), CONFIG_99)
    expect(await query()).toEqual(STATE)
    expect(calls()).toEqual(['pvesh get /nodes/localhost/lxc --output-format json'])
  })

  it('is asked of pct where there is no pvesh, and the configuration where its files cannot be read', async () => {
    program('pct', PCT)
    expect(await query()).toEqual(STATE)
    expect(calls().sort()).toEqual(['pct config 100', 'pct config 99', 'pct list'])
  })

  it('is none on a node without containers', async () => {
    program('pct', ':')
    expect(await query()).toEqual([])
    program('pvesh', 'echo "[]"')
    expect(await query()).toEqual([])
  })

  it('is a failure with the words of the program, not an empty list', async () => {
    program('pct', 'echo "please run as root" >&2; exit 255')
    await expect(query()).rejects.toMatchObject({ code: 'PLUGIN_FAILED', message: 'pct list: please run as root' })
    program('pvesh', 'echo "ipcc_send_rec[1] failed: Connection refused" >&2; exit 111')
    await expect(query()).rejects.toThrow(/^pvesh get .*Connection refused$/)
  })

  it.each([
    ['no JSON', 'got no data', /no JSON/],
    ['no list', '{"data":[]}', /no list/],
    ['an entry without a number', '[{"status":"running"}]', /no container/],
    ['a path for a number', '[{"vmid":"../1","status":"running"}]', /no container/],
    ['a status that nobody knows', '[{"vmid":1,"status":"unknown"}]', /no container/],
    ['null', '[null]', /no container/],
    ['half of it', PVESH.slice(0, 100), /no JSON/],
  ])('is a failure where pvesh answers %s', async (_, answer, message) => {
    program('pct', ':')
    program('pvesh', printing(answer))
    await expect(query()).rejects.toMatchObject({ code: 'PLUGIN_FAILED', message: expect.stringMatching(message) })
  })
})

describe('the answer of pct list', () => {
  const heading = 'VMID       Status     Lock         Name                \n'

  it('has a lock or none, a name or none, and locks wider than their column', () => {
    const text = `${heading}101        stopped    snapshot-delete immich-docker\n102        stopped    backup                           \n103        running                 my name\n104        running\n`
    expect(parsePctList(text)).toEqual([
      { id: '101', running: false, name: 'immich-docker' },
      { id: '102', running: false },
      { id: '103', running: true, name: 'my name' },
      { id: '104', running: true },
    ])
  })

  it.each(['junk\n', `${heading}junk\n`, `${heading}100 paused x\n`])('is a failure where it is none: %j', text => {
    expect(() => parsePctList(text)).toThrow(/^pct answers/)
  })
})

it('a configuration that is no configuration is no network', () => {
  expect(parseProxmoxConfig('1', 'net0\nnet1:\n\0: x\nnetx: a=b\n')).toEqual({
    networks: { net1: { veth: 'veth1i1' } },
    properties: {},
  })
})

it('whatever these programs answer is containers or a failure', () => {
  const cells = fc.constantFrom(
    '100',
    'running',
    'stopped',
    'RUNNING',
    ' ',
    '\n',
    'x',
    ':',
    '=',
    'net0',
    'VMID Status Lock Name\n',
    'STATE NAME\n',
  )
  const text = fc.oneof(
    fc.string(),
    fc.array(cells).map(parts => parts.join('')),
  )
  const entry = fc.record({
    vmid: fc.jsonValue(),
    status: fc.oneof(fc.constant('running'), fc.jsonValue()),
    name: fc.jsonValue(),
  })
  const json = fc.oneof(fc.jsonValue(), fc.array(entry)).map(value => JSON.stringify(value))
  const sound = (parse: () => Iterable<unknown>) => {
    try {
      return [...parse()].every(one => one !== undefined)
    } catch (error) {
      return isOpDbusError(error, 'PLUGIN_FAILED')
    }
  }
  fc.assert(fc.property(text, each => sound(() => parsePctList(each)) && sound(() => parseLxcLs(each))))
  fc.assert(fc.property(text, each => sound(() => Object.values(parseProxmoxConfig('1', each)))))
  fc.assert(
    fc.property(fc.oneof(json, text, fc.constant('[{"vmid":{"toString":1}}]')), each => sound(() => parsePvesh(each))),
  )
})

describe('the answer of lxc-ls', () => {
  it('has names with blanks', () => {
    const text = 'STATE   NAME       \nSTOPPED 100        \nFROZEN  with space \n'
    expect([...parseLxcLs(text)]).toEqual([
      ['100', false],
      ['with space', true],
    ])
    expect([...parseLxcLs('')]).toEqual([])
  })

  it.each(['junk', 'STATE NAME\nSTOPPED', 'STATE NAME\nASLEEP x'])('is a failure where it is none: %j', text => {
    expect(() => parseLxcLs(text)).toThrow(/^lxc-ls answers/)
  })
})

describe('apply', () => {
  const change = (id: string, old: boolean): StateAction => ({
    kind: 'modify',
    resource: { collection: 'containers', name: id },
    changes: [{ path: '/running', old, new: !old }],
  })
  async function apply(...actions: StateAction[]) {
    const outcomes: Record<string, Outcome> = {}
    await plugin().apply?.(actions, { signal, report: (resource, outcome) => (outcomes[resource.name] = outcome) })
    return outcomes
  }

  it('starts and shuts down by pct, and goes on after one that fails', async () => {
    program('pct', `${PCT}\ncase "$1" in start) echo "CT is locked (backup)" >&2; exit 25;; esac`)
    expect(await apply(change('99', false), change('100', true))).toEqual({
      '99': { status: 'failed', message: 'pct start 99: CT is locked (backup)' },
      '100': { status: 'done' },
    })
    expect(calls()).toEqual(['pct list', 'pct start 99', 'pct shutdown 100 --timeout 3600'])
  })

  it('does nothing at all where one of them is not what the diff saw', async () => {
    program('pct', PCT)
    await expect(apply(change('99', false), change('100', false))).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(calls()).toEqual(['pct list'])
  })
})

describe('without a program', () => {
  it('nothing is asked, and it says what is missing', async () => {
    const tools = {
      ...toolsIn({ PATH: folder }),
      run: () => expect.unreachable('a program was run'),
    }
    const bare = lxcPlugin(tools, { cgroupFolder: join(folder, 'cgroup') })
    expect(await bare.unavailable?.()).toMatch(/lxc-ls.*pct.*PATH/)
    const elsewhere = lxcPlugin(tools, { path: '/no/such/folder' })
    expect(await elsewhere.unavailable?.()).toMatch(/PATH/)
  })

  it('control groups tell which containers run, and they are not started', async () => {
    const cgroup = join(folder, 'cgroup')
    for (const group of [
      'lxc.payload.web',
      'lxc.payload.left',
      'lxc.monitor.web',
      'system.slice/pve-container@100.service',
    ])
      mkdirSync(join(cgroup, group), { recursive: true })
    writeFileSync(join(cgroup, 'lxc.payload.web', 'cgroup.events'), 'populated 1\nfrozen 0\n')
    writeFileSync(join(cgroup, 'lxc.payload.left', 'cgroup.events'), 'populated 0\nfrozen 0\n')
    const bare = lxcPlugin(toolsIn({ PATH: folder }), { cgroupFolder: cgroup })
    expect(await bare.unavailable?.()).toBeUndefined()
    expect((await bare.query({ signal })).containers).toMatchObject([
      { id: '100', running: true, manager: 'cgroups' },
      { id: 'web', running: true, manager: 'cgroups' },
    ])
    expect(bare.refuses?.(change('web'), { id: 'web', manager: 'cgroups' })).toMatch(/no program here/)
  })

  const change = (name: string): StateAction => ({
    kind: 'modify',
    resource: { collection: 'containers', name },
    changes: [{ path: '/running', old: true, new: false }],
  })
})

describe('what is declared', () => {
  it.each([
    [{ id: '100', runing: true }, '/containers/0/runing', /did you mean "running"/],
    [{ id: '100', running: 'yes' }, '/containers/0/running', /true or false/],
    [{ id: '100', running: null }, '/containers/0/running', /true or false/],
    [{ id: '100', constructor: 1 }, '/containers/0/constructor', /no field/],
    [{ id: '100', 'a/b~': 1 }, '/containers/0/a~1b~0', /no field/],
    [{ id: '100', properties: { memory: 1024 } }, '/containers/0/properties', /"memory": "1024"/],
  ])('is refused: %j', (container, path, message) => {
    program('pct', ':')
    expect(plugin().check?.({ containers: [container] })).toEqual([{ path, message: expect.stringMatching(message) }])
  })

  it('fits what op-dbus has', () => {
    program('pct', ':')
    const properties = { network_type: 'netmaker', hostname: 'netmaker-node-1', memory: '1024', cores: '2' }
    expect(plugin().check?.({ containers: [{ id: '100', veth: 'vi100', bridge: 'mesh', properties }] })).toEqual([])
  })

  it('is refused action by action where it is more than start and stop', () => {
    program('pct', ':')
    const resource = { collection: 'containers', name: '1' }
    const { refuses } = plugin()
    expect(refuses?.({ kind: 'create', resource, new: { id: '1' } }, undefined)).toMatch(/lxc-create or pct create/)
    expect(refuses?.({ kind: 'delete', resource, old: { id: '1' } }, { id: '1' })).toMatch(/not removed/)
    const changes = [
      { path: '/running', old: false, new: true },
      { path: '/bridge', old: 'a', new: 'b' },
    ]
    expect(refuses?.({ kind: 'modify', resource, changes }, { id: '1' })).toMatch(/: bridge$/)
    expect(refuses?.({ kind: 'modify', resource, changes: changes.slice(0, 1) }, { id: '1' })).toBeUndefined()
  })
})
