// How states, diffs and outcomes are told to people: nothing that a system is called steers a terminal, and the signs say it without colour.
import { describe, expect, it } from 'vitest'
import { checkpointsText, diffText, outcomeText, pluginsText, queryText } from '../../src/cli/state-text.js'
import type { JsonObject } from '../../src/json/json.js'
import { ageText, outcomesText, summaryOf } from '../../src/state/diff-words.js'
import type { StateAction } from '../../src/state/plugin.js'

const plain = { color: false, columns: 80 }
const diff = (...actions: StateAction[]) => [{ plugin: 'net', actions }]
const eth0 = { collection: 'interfaces', name: 'eth0' }

describe('a diff', () => {
  const all = diff(
    { kind: 'create', resource: { collection: 'interfaces', name: 'br1' }, new: { type: 'bridge', ports: ['a'] } },
    {
      kind: 'modify',
      resource: eth0,
      changes: [
        { path: '/mtu', old: 1500, new: 9000 },
        { path: '/external_ids/owner', new: 'me' },
        { path: '/alias', old: 'x' },
      ],
    },
    {
      kind: 'delete',
      resource: { collection: 'interfaces', name: 'old' },
      old: { name: 'old', ports: ['veth7'], stp_enable: false, other_config: {} },
      refused: 'a physical link stays',
    },
    { kind: 'none', resource: { collection: 'dns', name: '' } },
  )

  it('is told by signs, with old and new', () => {
    expect(diffText(all, plain)).toBe(
      [
        'net',
        '  + interfaces/br1',
        '    + type   "bridge"',
        '    + ports  ["a"]',
        '  ~ interfaces/eth0',
        '    ~ mtu                 1500 -> 9000',
        '    + external_ids/owner  "me"',
        '    - alias               "x"',
        '  - interfaces/old',
        '    - ports  ["veth7"]',
        '    ! refused: a physical link stays',
        '',
      ].join('\n'),
    )
    expect(summaryOf(all)).toBe('1 to create, 1 to modify, 1 to delete; 1 of them refused; 1 already so')
  })

  it('with colours says the same', () => {
    const coloured = diffText(all, { ...plain, color: true })
    expect(coloured).toContain('\x1b[38;2;0;158;115m+ interfaces/br1\x1b[0m')
    expect(coloured.replace(/\x1b\[[0-9;]*m/g, '')).toBe(diffText(all, plain))
  })

  it('of nothing is empty', () => {
    expect(diffText(diff({ kind: 'none', resource: eth0 }), plain)).toBe('')
    expect(summaryOf(diff({ kind: 'none', resource: eth0 }))).toBe(
      '0 to create, 0 to modify, 0 to delete; 1 already so',
    )
  })

  it('says how old the state is that was compared, and of whom nothing is known', () => {
    const same = diff({ kind: 'none', resource: eth0 })
    expect(diffText(same, plain, { net: 'disk' })).toBe('net  D disk  nothing differs\n')
    expect(diffText(all, plain, { net: 'memory' })).toMatch(/^net {2}M memory\n {2}\+ interfaces\/br1\n/)
    const trouble = { lxc: { kind: 'failed', message: 'no' } } as const
    expect(summaryOf(same, trouble)).toMatch(/1 already so; not compared, for want of an answer: lxc$/)
    expect(summaryOf([], trouble)).toBe('nothing was compared: no answer from lxc')
    expect(summaryOf([])).toBe('nothing to do: no resource is declared')
  })

  it('shortens what is long, to the width of the terminal', () => {
    const long = 'x'.repeat(10_000)
    const told = diffText(
      diff({
        kind: 'modify',
        resource: { collection: long, name: long },
        changes: [
          { path: `/${long}`, old: long, new: `${long}y` },
          { path: '/a', old: 1, new: long },
        ],
      }),
      plain,
    )
    for (const line of told.split('\n')) expect(line.length).toBeLessThanOrEqual(120)
    expect(told).toContain('1 -> "xxx')
  })
})

it('control characters of names, fields, values and messages are shown, never sent', () => {
  const evil = '\x1b[2J\x07\r\n\u202e\u009b31m'
  const resource = { collection: 'interfaces', name: evil }
  const told = [
    diffText(
      [
        {
          plugin: 'net',
          actions: [{ kind: 'modify', resource, changes: [{ path: `/${evil}`, old: evil, new: evil }] }],
        },
      ],
      plain,
    ),
    diffText(diff({ kind: 'delete', resource, old: {}, refused: evil }), plain),
    outcomeText({ plugin: 'net', resource, action: 'create', status: 'failed', message: evil }, plain),
    queryText(
      {
        plugins: { net: { interfaces: [{ name: evil, alias: evil, [evil]: [evil] }] } },
        sources: { net: 'disk' },
        trouble: {},
      },
      { net: { interfaces: { key: 'name' } } },
      plain,
    ),
    pluginsText([
      {
        name: 'net',
        version: evil,
        capabilities: { apply: true, atomic: false, rollback: true, watch: false },
        resources: {},
        available: false,
        reason: evil,
        push: 'off',
      },
    ]),
  ]
  for (const text of told) expect(text.replaceAll('\n', '')).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/)
})

it('a state is a line for each resource, with where it came from', () => {
  const state: JsonObject = {
    interfaces: [
      {
        alias: '',
        ipv4: { address: [{ ip: '10.0.0.1', prefix: 24 }], dhcp: false, gateway: '10.0.0.254' },
        mtu: 1500,
        name: 'eth0',
        up: true,
      },
      { external_ids: {}, name: 'ovsbr0', ports: ['a', 'b'], stp: false, up: false },
    ],
    routes: [{ destination: 'default', device: 'eth0', via: '10.0.0.1' }],
    dns: { servers: ['1.1.1.1'] },
  }
  const rules = {
    net: {
      interfaces: { key: 'name', summary: ['up', 'ipv4.address'] },
      routes: { key: ['destination', 'device'] },
      dns: { single: true },
    },
  }
  const report = {
    plugins: { net: state, empty: {} },
    sources: { net: 'disk', empty: 'computed' },
    trouble: {},
  } as const
  expect(queryText(report, rules, plain)).toBe(
    [
      'net  D disk  4 resources',
      '  interfaces/eth0      up=true  ipv4.address=10.0.0.1/24  ipv4.gateway=10.0.0.2…',
      '  interfaces/ovsbr0    up=false  ports=a,b  stp=false',
      '  routes/default eth0  via=10.0.0.1',
      '  dns                  servers=1.1.1.1',
      '',
      'empty  C computed  0 resources',
      '',
    ].join('\n'),
  )
  const one = { ...report, plugins: { net: { interfaces: [(state.interfaces as JsonObject[])[0]!] } } }
  expect(queryText(one, rules, plain, new Set(['net']))).toBe(
    [
      'net  D disk  1 resource',
      '  interfaces/eth0',
      '    up            true',
      '    ipv4.address  10.0.0.1/24',
      '    ipv4.gateway  10.0.0.254',
      '    mtu           1500',
      '    ipv4.dhcp     false',
      '    alias',
      '',
    ].join('\n'),
  )
})

it('what became of an apply: each with a mark and a word', () => {
  const outcome = (status: 'done' | 'failed' | 'skipped') =>
    ({ plugin: 'net', resource: eth0, action: 'modify', status }) as const
  expect(outcomeText({ ...outcome('failed'), message: 'no such port' }, plain)).toBe(
    '✗ failed      ~ net interfaces/eth0: no such port',
  )
  const outcomes = [outcome('done'), outcome('failed'), outcome('skipped'), outcome('skipped')]
  expect(outcomesText({ success: false, outcomes, trouble: {} })).toBe('1 of 4 done, 1 failed, 2 skipped')
  expect(outcomesText({ success: true, outcomes: [], trouble: {} })).toBe('nothing to do')
})

it('checkpoints have an age in words', () => {
  const created = '2026-11-27T12:00:00.000Z'
  const at = (seconds: number) => ageText(seconds * 1000)
  expect([0, 119, 120, 7199, 7200, 172_799, 172_800, -5, Number.NaN].map(at)).toEqual([
    '0 s',
    '119 s',
    '2 min',
    '119 min',
    '2 h',
    '47 h',
    '2 days',
    '0 s',
    '-',
  ])
  const told = checkpointsText(
    [
      { id: 'X', created, plugins: ['net', 'lxc'], resources: 3 },
      { id: 'Y', created, plugins: [], resources: 0, damaged: true },
    ],
    Date.parse(created) + 5000,
  )
  expect(told).toBe(
    'checkpoint  age  plugins  resources\nX           5 s  net lxc          3\nY           5 s  damaged          -\n',
  )
})
