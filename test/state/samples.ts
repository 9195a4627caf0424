// Plugins of every shape of state, and states of theirs.
import fc from 'fast-check'
import type { JsonObject, JsonValue } from '../../src/json/json.js'
import type { Problem, StateAction, StatePlugin } from '../../src/state/plugin.js'

const capabilities = { apply: true, atomic: false, rollback: true, watch: false }

function plugin(name: string, more: Pick<StatePlugin, 'resources'> & Partial<StatePlugin>): StatePlugin {
  return { name, version: '1', capabilities, query: async () => ({}), ...more }
}

export const net = plugin('net', {
  resources: {
    interfaces: { key: 'name', sets: ['trunks'] },
    routes: { key: ['destination', 'device'] },
    hostname: { single: true },
  },
  prunes: (_resource, current) => current.type !== 'ethernet',
  refuses: action =>
    action.kind === 'delete' && action.old.type === 'ethernet' ? 'hardware is not removed' : undefined,
  check: desired =>
    ((desired.interfaces ?? []) as JsonObject[]).flatMap(({ mtu, ensure }, index): Problem[] =>
      ensure !== 'absent' && typeof mtu === 'number' && mtu > 0 && mtu < 68
        ? [{ path: `/interfaces/${index}/mtu`, message: 'is below 68' }]
        : [],
    ),
})
export const lxc = plugin('lxc', { resources: { containers: { key: 'id' } } })
export const systemd = plugin('systemd', { resources: { units: {} }, prunes: () => true })

export const plugins: readonly StatePlugin[] = [net, lxc, systemd]

/** Names that are members of every object, need escapes, or look like an index. */
export const names = fc.constantFrom('a', 'b', 'c', 'constructor', 'toString', 'a/b', '~1', '0', '10', 'é', 'name')
const scalars = fc.oneof(
  fc.integer(),
  fc.boolean(),
  fc.constantFrom('', 'x', 'down', 'é\u2028'),
  fc.double({ noNaN: true, min: -1e9, max: 1e9 }),
)

/** JSON values without null, as states hold them outside of lists. */
export const values: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalars,
    fc.array(fc.oneof(scalars, fc.constant(null), tie('value')), { maxLength: 3 }),
    fc.dictionary(names, tie('value'), { maxKeys: 3 }),
  ),
})).value

const fields = fc.dictionary(names, values, { maxKeys: 4 })
const resource = <T extends object>(own: fc.Arbitrary<T>) =>
  fc.tuple(fields, own).map(([more, named]) => ({ ...more, ...named }))

/** What the plugin `net` may answer. */
export const netStates = fc.record(
  {
    interfaces: fc.uniqueArray(
      resource(
        fc.record(
          {
            name: names,
            type: fc.constantFrom('ethernet', 'bridge'),
            trunks: fc.array(fc.integer({ min: 0, max: 12 })),
          },
          { requiredKeys: ['name'] },
        ),
      ),
      { selector: one => one.name, maxLength: 5 },
    ),
    routes: fc.uniqueArray(resource(fc.record({ destination: names, device: names })), {
      selector: one => `${one.destination} ${one.device}`,
      maxLength: 4,
    }),
    hostname: resource(fc.record({ is: fc.constantFrom('here', 'there') })),
  },
  { requiredKeys: [] },
)

/** What the plugin `systemd` may answer. */
export const systemdStates = fc.record({ units: fc.dictionary(names, fields, { maxKeys: 5 }) })

/** The state after `actions`, as a system that does what it is told would have it. Changes nothing that it is given. */
export function applied(plugin: StatePlugin, current: JsonObject, actions: readonly StateAction[]): JsonObject {
  const state = structuredClone(current) as Record<string, Mutable>
  for (const action of actions) {
    if (action.kind === 'none') continue
    const { collection, name } = action.resource
    const rule = plugin.resources[collection]!
    const keys = [rule.key ?? []].flat()
    const nameOf = (one: Mutable) => keys.map(key => one[key]).join(' ')
    const value = (old: Mutable | undefined): Mutable | undefined => {
      if (action.kind === 'delete') return undefined
      if (action.kind === 'create') return structuredClone(action.new) as Mutable
      for (const change of action.changes) set(old!, change.path, change.new)
      return old
    }
    if (rule.single) {
      const next = value(state[collection])
      if (next) state[collection] = next
      else delete state[collection]
    } else if (rule.key === undefined) {
      state[collection] ??= {}
      const objects = state[collection] as Record<string, Mutable>
      const next = value(Object.hasOwn(objects, name) ? objects[name] : undefined)
      if (next) objects[name] = next
      else delete objects[name]
    } else {
      const list = (state[collection] ?? []) as unknown as Mutable[]
      const index = list.findIndex(one => nameOf(one) === name)
      const next = value(list[index])
      if (next === undefined) list.splice(index, 1)
      else if (index < 0) list.push(next)
      state[collection] = list as unknown as Mutable
    }
  }
  return state as JsonObject
}

type Mutable = Record<string, unknown>

function set(root: Mutable, pointer: string, value: JsonValue | undefined): void {
  const path = pointer.split('/').slice(1)
  const steps = path.map(name => name.replaceAll('~1', '/').replaceAll('~0', '~'))
  const last = steps.pop()!
  const at = steps.reduce((object, name) => object[name] as Mutable, root)
  if (value === undefined) delete at[last]
  else at[last] = structuredClone(value)
}

/** The same value with the members of its objects in another order, and the elements of keyed lists and sets. */
export function shuffled(value: JsonValue, random: Iterator<number>, name = ''): JsonValue {
  const mixed = <T>(list: readonly T[]): T[] =>
    list
      .map(one => [random.next().value as number, one] as const)
      .sort(([a], [b]) => a - b)
      .map(([, one]) => one)
  if (Array.isArray(value)) {
    const inner = value.map(one => shuffled(one, random))
    return ['interfaces', 'routes', 'trunks'].includes(name) ? mixed(inner) : inner
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(mixed(Object.entries(value)).map(([key, one]) => [key, shuffled(one, random, key)]))
}
