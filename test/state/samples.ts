// Plugins of every shape of state, and states of theirs.
import fc from 'fast-check'
import type { JsonObject, JsonValue } from '../../src/state/json.js'
import type { Problem, StatePlugin } from '../../src/state/plugin.js'

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
    ((desired.interfaces ?? []) as JsonObject[]).flatMap(({ mtu, ...more }, index): Problem[] => {
      if ('ensure' in more || 'prune' in more) throw new Error('words of desired files are not for plugins')
      return typeof mtu === 'number' && mtu > 0 && mtu < 68
        ? [{ path: `/interfaces/${index}/mtu`, message: 'is below 68' }]
        : []
    }),
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
  fc.double({ noNaN: true, noDefaultInfinity: true }),
)

/** JSON values without null, as states hold them outside of lists. */
export const values: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalars,
    fc.array(fc.oneof(scalars, tie('value')), { maxLength: 3 }),
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
