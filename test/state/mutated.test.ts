// Ten thousand files that were damaged on the way: each is read as what it says, or refused with a typed error.
import { expect, it } from 'vitest'
import { isOpDbusError } from '../../src/errors.js'
import { readDesired } from '../../src/state/desired.js'
import { diffState } from '../../src/state/diff.js'
import { normaliseState } from '../../src/state/normalise.js'
import { readPlan } from '../../src/state/plan-file.js'
import { planText } from '../../src/state/plan-text.js'
import { lxcPlugin } from '../../src/state/plugins/lxc.js'
import { netPlugin } from '../../src/state/plugins/net.js'
import { systemdPlugin } from '../../src/state/plugins/systemd.js'
import { toolsIn } from './plugin-tools.js'

/** The plugins that come with op-dbus, on a machine that has none of their systems: none of them is asked. */
const tools = toolsIn({ PATH: '/nowhere' })
const plugins = [
  netPlugin(tools, { ovsdb: '/nowhere/db.sock' }),
  lxcPlugin(tools, { path: '/nowhere' }),
  systemdPlugin(tools, { bus: 'unix:path=/nowhere' }),
]
const STATES: Record<string, unknown> = {
  net: {
    interfaces: [
      { name: 'ovsbr0', type: 'ovs-bridge', ports: ['ens1', 'vi7'], mtu: 1500 },
      { name: 'ens1', type: 'ethernet', mac: '02:00:00:00:00:01' },
      { name: 'vi7', type: 'ovs-port', bridge: 'ovsbr0', tag: 3 },
    ],
  },
  systemd: { units: { 'openvswitch-switch.service': { active_state: 'inactive', enabled: false, masked: false } } },
  lxc: { containers: [{ id: '100', running: false }] },
}

const FILES = [
  {
    version: 1,
    plugins: {
      net: {
        prune: true,
        interfaces: [
          {
            name: 'ovsbr0',
            type: 'ovs-bridge',
            ports: ['ens1'],
            ipv4: { enabled: true, dhcp: false, address: [{ ip: '172.16.0.10', prefix: 24 }], gateway: null },
            external_ids: { owner: 'n\u00e9w \u{1F600}', 'a/b': null },
          },
          { name: 'ens1', type: 'ethernet' },
          { name: 'vi7', ensure: 'absent' },
        ],
      },
      systemd: { units: { 'openvswitch-switch.service': { active_state: 'active', enabled: true } } },
      lxc: { containers: [{ id: '100', running: true }] },
    },
  },
].flatMap(file => [JSON.stringify(file), JSON.stringify(file, null, 2)])

const TOKENS = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  'null',
  'true',
  '-0',
  '1e999',
  '9007199254740993',
  '"__proto__":',
  '"name"',
  '"ensure"',
  '"prune"',
  '//',
  '\u2028',
  '\0',
  '{"a":',
  '[[',
  '"constructor":{}',
  '"version":2',
]

const TOLD = /^(desired\.json:\d+:\d+( \/[^\n]*)?: .|and \d+ more$)/

/** Numbers that are the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

function mutated(text: string, below: (limit: number) => number): Uint8Array {
  let bytes = Buffer.from(text)
  for (let times = 1 + below(3); times > 0; times--) {
    const at = below(bytes.length)
    const to = Math.min(bytes.length, at + below(12))
    const token = Buffer.from(TOKENS[below(TOKENS.length)]!)
    const kinds = [
      () => bytes.fill(below(256), at, at + 1),
      () => bytes.subarray(0, at),
      () => Buffer.concat([bytes.subarray(0, at), token, bytes.subarray(at)]),
      () => Buffer.concat([bytes.subarray(0, at), token, bytes.subarray(to)]),
      () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]),
      () => Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]),
    ]
    bytes = Buffer.from(kinds[below(kinds.length)]!())
    if (bytes.length === 0) break
  }
  return bytes
}

it('reads or refuses 10,000 mutated files, and nothing else', () => {
  const below = numbers(20261127)
  const current = plugins.map(plugin => [plugin, normaliseState(STATES[plugin.name], plugin)] as const)
  expect(() => readDesired(FILES[0]!, 'desired.json', plugins)).not.toThrow()
  let read = 0
  for (let i = 0; i < 10_000; i++) {
    const bytes = mutated(FILES[i % FILES.length]!, below)
    try {
      const desired = readDesired(bytes, 'desired.json', plugins)
      for (const [plugin, state] of current) {
        const wanted = desired.plugins[plugin.name]
        if (wanted) expect(Array.isArray(diffState(plugin, state, wanted))).toBe(true)
      }
      // What was taken is what the text says, in other words: nothing was lost.
      expect(Object.keys(desired.plugins).sort()).toEqual(
        Object.keys(JSON.parse(new TextDecoder().decode(bytes)).plugins).sort(),
      )
      read++
    } catch (error) {
      if (!isOpDbusError(error, 'INVALID_INPUT')) throw error
      const odd = error.message.split('\n').find(line => !TOLD.test(line))
      if (odd !== undefined) throw new Error(`told without a place: ${odd}`)
    }
  }
  expect(read).toBeGreaterThan(300)
  expect(read).toBeLessThan(5000)
})

it('reads or refuses mutated plans', () => {
  const below = numbers(7)
  const desired = readDesired(FILES[0]!, 'desired.json', plugins)
  const diffs = plugins.map(plugin => ({
    ...{ plugin: plugin.name, version: '1', currentHash: 'a'.repeat(64), desiredHash: 'b'.repeat(64) },
    actions: diffState(plugin, {}, desired.plugins[plugin.name]!),
  }))
  const text = planText({ 'op-dbus': 'plan', version: 1, created: '2026-11-27T17:15:00.123Z', to: { desired }, diffs })
  for (let i = 0; i < 2000; i++) {
    try {
      expect(readPlan(mutated(text, below), 'net.plan')).toMatchObject({ 'op-dbus': 'plan', version: 1 })
    } catch (error) {
      if (!isOpDbusError(error, 'INVALID_INPUT')) throw error
      expect(error.message).toMatch(/^net\.plan:\d+:\d+/)
    }
  }
})
