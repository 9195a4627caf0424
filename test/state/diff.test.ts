// What separates a state from a desired one: which resources, which values, and back again.
import fc from 'fast-check'
import microdiff from 'microdiff'
import { describe, expect, it } from 'vitest'
import type { JsonObject, JsonValue } from '../../src/json/json.js'
import { checkDesired } from '../../src/state/desired.js'
import { diffBack, diffState, diffWhole } from '../../src/state/diff.js'
import { normaliseState } from '../../src/state/normalise.js'
import type { Change, StateAction, StatePlugin } from '../../src/state/plugin.js'
import { findResource, resourcesOf } from '../../src/state/resources.js'
import { applied, lxc, net, netStates, plugins, shuffled, systemd, systemdStates, values } from './samples.js'

const state = (plugin: StatePlugin, answer: unknown) => normaliseState(answer, plugin)
const desired = (plugin: StatePlugin, of: object) =>
  checkDesired({ plugins: { [plugin.name]: of } }, plugins).plugins[plugin.name]!
const diff = (plugin: StatePlugin, current: unknown, of: object) =>
  diffState(plugin, state(plugin, current), desired(plugin, of))
/** Comparable also where a member is called `constructor`. */
const text = (value: JsonValue | undefined) => JSON.stringify(value)
const nothing = (actions: readonly StateAction[]) => actions.every(({ kind }) => kind === 'none')

const BRIDGE = { name: 'br0', type: 'bridge', mtu: 1500, external_ids: { owner: 'a', 'x/y~': '1' }, trunks: [10, 20] }

describe('what is declared', () => {
  it('is merged over what is there: fields that are not declared stay, null takes one away, a list is a value', () => {
    const current = {
      interfaces: [
        { ...BRIDGE, addresses: ['1'], mac: 'x' },
        { name: 'eth0', type: 'ethernet' },
      ],
    }
    const actions = diff(net, current, {
      interfaces: [
        {
          name: 'br0',
          mtu: 9000,
          mac: null,
          gone: null,
          external_ids: { owner: null, 'x/y~': '2', n: { m: 1 } },
          addresses: ['1', '2'],
        },
      ],
    })
    expect(actions).toStrictEqual([
      {
        kind: 'modify',
        resource: { collection: 'interfaces', name: 'br0' },
        changes: [
          { path: '/addresses', old: ['1'], new: ['1', '2'] },
          { path: '/external_ids/n', new: { m: 1 } },
          { path: '/external_ids/owner', old: 'a' },
          { path: '/external_ids/x~1y~0', old: '1', new: '2' },
          { path: '/mac', old: 'x' },
          { path: '/mtu', old: 1500, new: 9000 },
        ],
      },
    ])
  })

  it('is so already where it is no more than what is not there has, unless it is to be present', () => {
    const plugin = { resources: { units: { absent: () => ({ active_state: 'inactive', enabled: false }) } } }
    const kinds = (unit: JsonObject) =>
      diffState(plugin, { units: {} }, { prune: false, state: { units: { 'a.service': unit } } }).map(
        ({ kind }) => kind,
      )
    expect(kinds({ active_state: 'inactive', enabled: false })).toEqual(['none'])
    expect(kinds({ active_state: 'inactive', enabled: true })).toEqual(['create'])
    expect(kinds({ enabled: false, other: 1 })).toEqual(['create'])
    expect(kinds({ enabled: false, ensure: 'present' })).toEqual(['create'])
  })

  it('may be a set: its members are added, and others are removed only by prune', () => {
    const current = { interfaces: [BRIDGE] }
    const trunks = (of: object) => diff(net, current, { interfaces: [{ name: 'br0', ...of }] })
    expect(nothing(trunks({ trunks: [20] }))).toBe(true)
    expect(trunks({ trunks: [9, 20] })).toMatchObject([
      { changes: [{ path: '/trunks', old: [10, 20], new: [9, 10, 20] }] },
    ])
    expect(trunks({ trunks: [20, 9], prune: true })).toMatchObject([{ changes: [{ old: [10, 20], new: [9, 20] }] }])
    expect(trunks({ trunks: null })).toMatchObject([{ changes: [{ path: '/trunks', old: [10, 20] }] }])
    expect(nothing(trunks({ trunks: [20, 10, 20], prune: true }))).toBe(true)
    expect(nothing(trunks({ trunks: [] }))).toBe(true)
    expect(trunks({ trunks: [], prune: true })).toMatchObject([{ changes: [{ old: [10, 20], new: [] }] }])
    const none = diff(net, { interfaces: [{ name: 'a' }] }, { interfaces: [{ name: 'a', trunks: [], prune: true }] })
    expect(nothing(none)).toBe(true)
  })

  it('is made where it is not there, without nulls and words of ours', () => {
    expect(
      diff(net, {}, { interfaces: [{ name: 'n', ensure: 'present', a: null, b: { c: null, d: 1 } }] }),
    ).toStrictEqual([
      { kind: 'create', resource: { collection: 'interfaces', name: 'n' }, new: { b: { d: 1 }, name: 'n' } },
    ])
  })

  it('is removed where it is to be absent, whatever else is said of it', () => {
    const actions = diff(
      systemd,
      { units: { a: { x: 1 }, b: {} } },
      { units: { a: { ensure: 'absent', x: 2 }, c: { ensure: 'absent' } } },
    )
    expect(actions).toStrictEqual([
      { kind: 'delete', resource: { collection: 'units', name: 'a' }, old: { x: 1 } },
      { kind: 'none', resource: { collection: 'units', name: 'c' } },
    ])
  })

  it('may leave nothing else, in the parts that it names and as far as the plugin allows', () => {
    const current = {
      interfaces: [BRIDGE, { name: 'br1', type: 'bridge' }, { name: 'eth0', type: 'ethernet' }],
      routes: [{ destination: '0.0.0.0/0', device: 'eth0' }],
    }
    expect(
      diff(net, current, { prune: true, interfaces: [{ name: 'br1' }] }).map(({ kind, resource }) => [
        kind,
        resource.name,
      ]),
    ).toEqual([
      ['delete', 'br0'],
      ['none', 'br1'],
    ])
    expect(diff(net, current, { prune: true, routes: [] })).toMatchObject([
      { kind: 'delete', resource: { name: '0.0.0.0/0 eth0' } },
    ])
    expect(diff(net, current, { interfaces: [] })).toEqual([])
  })

  it('is the resource of its name, be that a number here and its digits there', () => {
    expect(
      diff(lxc, { containers: [{ id: '100', running: false }] }, { containers: [{ id: 100, running: true }] }),
    ).toStrictEqual([
      {
        kind: 'modify',
        resource: { collection: 'containers', name: '100' },
        changes: [{ path: '/running', old: false, new: true }],
      },
    ])
  })

  it('may be what a plugin refuses, which is told', () => {
    expect(
      diff(
        net,
        { interfaces: [{ name: 'eth0', type: 'ethernet' }] },
        { interfaces: [{ name: 'eth0', ensure: 'absent' }] },
      ),
    ).toMatchObject([{ kind: 'delete', refused: 'hardware is not removed' }])
  })

  it('tells resources in the order of the plugin, then by name', () => {
    const actions = diff(
      net,
      {},
      {
        hostname: { is: 'x' },
        routes: [{ destination: 'd', device: 'e' }],
        interfaces: [{ name: 'b' }, { name: 'a' }],
      },
    )
    expect(actions.map(({ resource }) => `${resource.collection}:${resource.name}`)).toEqual([
      'interfaces:a',
      'interfaces:b',
      'routes:d e',
      'hostname:',
    ])
  })

  it('is one creation where one of 3,201 interfaces is new', () => {
    const interfaces = Array.from({ length: 3200 }, (_, index) => ({ name: `vi${index}`, type: 'port', mtu: 1500 }))
    const actions = diff(
      net,
      { interfaces },
      { interfaces: interfaces.toSpliced(1600, 0, { name: 'new', type: 'port', mtu: 1400 }) },
    )
    expect(actions.filter(({ kind }) => kind !== 'none')).toStrictEqual([
      {
        kind: 'create',
        resource: { collection: 'interfaces', name: 'new' },
        new: { mtu: 1400, name: 'new', type: 'port' },
      },
    ])
  })
})

const both = [
  { name: 'lists and single resources', plugin: net, states: netStates },
  { name: 'objects', plugin: systemd, states: systemdStates },
]

describe.each(both)('with $name', ({ plugin, states }) => {
  it('a state differs from itself in nothing, in whatever order it is written', () => {
    fc.assert(
      fc.property(states, fc.infiniteStream(fc.nat()), (answer, random) => {
        const current = state(plugin, answer)
        expect(nothing(diffState(plugin, current, desired(plugin, current)))).toBe(true)
        const other = shuffled(current, random) as JsonObject
        expect(JSON.stringify(state(plugin, other))).toBe(JSON.stringify(current))
        expect(nothing(diffState(plugin, current, desired(plugin, other)))).toBe(true)
      }),
    )
  })

  it('what was applied differs in nothing, and what was not declared is what it was', () => {
    fc.assert(
      fc.property(states, wishes(states), fc.boolean(), (answer, wish, prune) => {
        const current = state(plugin, answer)
        const wanted = desired(plugin, { ...wish, prune })
        const actions = diffState(plugin, current, wanted)
        const after = state(plugin, applied(plugin, current, actions))
        expect(nothing(diffState(plugin, after, wanted))).toBe(true)
        const touched = new Set(actions.map(({ resource }) => JSON.stringify(resource)))
        for (const [collection, rule] of Object.entries(plugin.resources)) {
          for (const [name, before] of resourcesOf(rule, current[collection])) {
            if (touched.has(JSON.stringify({ collection, name }))) continue
            expect(text(findResource(plugin, after, { collection, name }))).toBe(text(before))
          }
        }
      }),
    )
  })

  it('leads exactly back', () => {
    fc.assert(
      fc.property(states, states, (one, other) => {
        const [before, current] = [state(plugin, one), state(plugin, other)]
        const names = Object.entries(plugin.resources).flatMap(([collection, rule]) =>
          [...resourcesOf(rule, before[collection]).keys(), ...resourcesOf(rule, current[collection]).keys()].map(
            name => ({ collection, name }),
          ),
        )
        const unique = new Map(names.map(name => [JSON.stringify(name), name]))
        const actions = [...unique.values()].map(name =>
          diffWhole(plugin, name, findResource(plugin, current, name), findResource(plugin, before, name) ?? null),
        )
        const back = state(plugin, applied(plugin, current, actions))
        for (const name of unique.values()) {
          expect(text(findResource(plugin, back, name))).toBe(text(findResource(plugin, before, name)))
        }
      }),
    )
  })
})

it('tells the values that microdiff tells, lists as one', () => {
  const objects = fc.dictionary(fc.constantFrom('a', 'b', 'c/d'), values.filter(noBuiltIn), { maxKeys: 3 })
  fc.assert(
    fc.property(objects, objects, (one, other) => {
      const action = diffWhole({}, { collection: 'units', name: 'a' }, one, other)
      const changes: readonly Change[] = action.kind === 'modify' ? action.changes : []
      const told = new Set<string>()
      for (const { path } of microdiff(one, other)) {
        let [x, y]: (JsonValue | undefined)[] = [one, other]
        let at = ''
        for (const name of path) {
          if (Array.isArray(x) && Array.isArray(y)) break
          at += `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`
          ;[x, y] = [(x as JsonObject | undefined)?.[name], (y as JsonObject | undefined)?.[name]]
        }
        told.add(at)
      }
      expect(changes.map(({ path }) => path)).toEqual([...told].sort())
    }),
  )
})

/** microdiff looks names up with `in`, and so misses those that every object has. */
function noBuiltIn(value: JsonValue): boolean {
  return !/"(constructor|toString)":/.test(JSON.stringify(value))
}

/** Desired states: a state, with resources that are to go and fields that are to be absent. */
function wishes(states: fc.Arbitrary<object>): fc.Arbitrary<object> {
  return fc.tuple(states, fc.infiniteStream(fc.integer({ min: 0, max: 9 }))).map(([wish, random]) => {
    const chance = (of: number) => random.next().value! < of
    const resource = (one: JsonObject): JsonObject => {
      if (chance(2)) return { ...one, ensure: 'absent' }
      const fields = Object.entries(one).map(([name, value]) => [
        name,
        chance(2) && !KEYS.includes(name) ? null : value,
      ])
      return Object.fromEntries(fields)
    }
    return Object.fromEntries(
      Object.entries(wish).map(([name, collection]: [string, JsonValue]) => {
        if (name === 'hostname') return [name, resource(collection as JsonObject)]
        if (Array.isArray(collection)) return [name, collection.map(one => resource(one as JsonObject))]
        return [
          name,
          Object.fromEntries(
            Object.entries(collection as JsonObject).map(([key, one]) => [key, resource(one as JsonObject)]),
          ),
        ]
      }),
    )
  })
}

const KEYS = ['name', 'destination', 'device']

it('leads back what was changed, deep within, and nothing beside it', () => {
  const before = { a: { b: { c: 1 } }, gone: { x: 1 }, set: [1, 2] }
  const after = { a: { b: { c: 2, new: 1 } }, set: [2, 3], made: { y: 1 } }
  const rules = { resources: { units: { sets: ['set'] } } }
  const resource = { collection: 'units', name: 'one' }
  const done = diffWhole({}, resource, before, after)
  const changes = done.kind === 'modify' ? done.changes : []
  const theirs = { a: { b: { c: 2, new: 1, theirs: 5 }, d: 6 }, set: [2, 3, 4], made: { y: 1, theirs: 2 }, more: true }
  const back = diffBack(rules, { resource, before, changes }, theirs)
  expect(back).toEqual({
    kind: 'modify',
    resource,
    changes: [
      { path: '/a/b/c', old: 2, new: 1 },
      { path: '/a/b/new', old: 1 },
      { path: '/gone', new: { x: 1 } },
      { path: '/made/y', old: 1 },
      { path: '/set', old: [2, 3, 4], new: [1, 2, 4] },
    ],
  })
  expect(diffBack(rules, { resource, before, changes }, after)).toEqual(diffWhole({}, resource, after, before))
  expect(diffBack(rules, { resource, before, changes }, undefined)).toMatchObject({ kind: 'create', new: before })
})
