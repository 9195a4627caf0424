// What apply does not do with a network, and what prune may remove. Pure, and light: the entry file loads it.
import type { JsonObject, JsonValue } from '../../../json/json.js'
import type { Change, ResourceName, StateAction } from '../../plugin.js'
import { INTERFACE_FIELDS, KERNEL_FIELDS, OVS_TYPES } from './fields.js'

/** Why not, in one sentence; undefined: it is done. */
export function refuses(action: StateAction, current: JsonObject | undefined): string | undefined {
  const { collection, name } = action.resource
  if (action.kind === 'none') return undefined
  if (collection === 'routes') return `routes are read and not changed in this version: ${name} stays as it is`
  if (collection === 'ovs') {
    return action.kind === 'modify' ? undefined : 'the database of Open vSwitch is neither made nor removed by op-dbus'
  }
  if (action.kind === 'create') return refusesCreate(name, action.new)
  if (action.kind === 'delete') return refusesDelete(name, action.old)
  return refusesModify(name, action.changes, current ?? {})
}

/** Linux: IFNAMSIZ is 16, with its zero byte. */
const MOST_NAME_BYTES = 15

function refusesCreate(name: string, { type, bridge, port, interfaces, ...rest }: JsonObject): string | undefined {
  if (!isOvs(type)) {
    const what = type === undefined ? 'a type' : `the type ${JSON.stringify(type)}`
    return `links of the kernel are not made: ${name} has ${what}, and what can be made is an ovs-bridge or an ovs-port`
  }
  if (/[\s/]/.test(name)) return `the name of what is made has no spaces and no /: ${name}`
  if (type === 'ovs-bridge' && Buffer.byteLength(name) > MOST_NAME_BYTES)
    return `the name of a bridge has at most ${MOST_NAME_BYTES} bytes: ${name}`
  if (
    type === 'ovs-port' &&
    !hasOwn(name, interfaces) &&
    INTERFACE_FIELDS.some(field => rest[field.name] !== undefined)
  ) {
    return noOwn(name)
  }
  if (type === 'ovs-interface' && typeof port !== 'string')
    return `an interface belongs to a port: say which is the port of ${name}`
  return undefined
}

function refusesDelete(name: string, old: JsonObject): string | undefined {
  if (!isOvs(old.type)) return `links of the kernel are not removed: ${name} is one (${old.type})`
  if (isKernelsOwn(old)) {
    return `${name} is a link of the kernel, which is not removed: say "bridge": null to take it out of ${old.bridge ?? 'its bridge'}`
  }
  return undefined
}

function refusesModify(name: string, changes: readonly Change[], current: JsonObject): string | undefined {
  const change = (field: string) => changes.find(({ path }) => path === `/${field}`)
  const fields = [...new Set(changes.map(({ path }) => path.split('/')[1] ?? ''))].filter(field => field !== 'type')
  const own = fields.filter(field => !KERNEL_FIELDS.includes(field))
  // Beside what can be done they are left as they are, and apply says so: a way back must not end at an address that DHCP has renewed.
  if (fields.length > 0 && own.length === 0) {
    return `what the kernel says of a link is read and not changed in this version: ${fields.join(', ')} of ${name}`
  }
  // A link that becomes a port of a bridge, or ceases to be one, has another type by that alone.
  const moved = change('bridge') ?? change('port')
  const type = change('type')
  if (type && !moved) return refusesType(name, type)
  const becomes =
    change('bridge')?.new !== undefined
      ? 'ovs-port'
      : change('port')?.new !== undefined
        ? 'ovs-interface'
        : current.type
  if (!isOvs(becomes)) {
    return `${name} is a link of the kernel (${say(current.type)}), and no part of Open vSwitch: say to which bridge it is to belong`
  }
  const known = OVS_TYPES[becomes as string] as (typeof OVS_TYPES)[string]
  const listed = change('interfaces')
  const sets = changes.filter(each => each.new !== undefined).map(({ path }) => path.split('/')[1])
  if (
    becomes === 'ovs-port' &&
    !hasOwn(name, listed ? listed.new : current.interfaces) &&
    INTERFACE_FIELDS.some(field => sets.includes(field.name))
  ) {
    return noOwn(name)
  }
  const foreign = own.filter(field => !known.links.includes(field) && !known.fields.some(each => each.name === field))
  return foreign.length === 0 || moved ? undefined : `${name} is an ${becomes}, which has no ${foreign.join(', ')}`
}

/** Whether a port with these interfaces has one of its own name, of which its fields can tell. */
const hasOwn = (name: string, interfaces: JsonValue | undefined) =>
  !Array.isArray(interfaces) || interfaces.includes(name)

const noOwn = (name: string) =>
  `${name} has no interface of its own name: say of its interfaces what their options and settings are to be`

function refusesType(name: string, { old, new: wanted }: Change): string {
  if (isOvs(old) && old !== 'ovs-bridge' && !isOvs(wanted)) {
    return `${name} is an ${say(old)} in Open vSwitch, whatever it is besides: leave its type out, or take it out with "bridge": null`
  }
  return `what ${name} is does not change: it is ${say(old)}, not ${say(wanted)}; remove it and make it anew`
}

/** Bridges and ports that Open vSwitch has and nothing in the desired state speaks of. Never a link of the kernel. */
export function prunes({ collection, name }: ResourceName, current: JsonObject, desired: JsonObject): boolean {
  if (collection !== 'interfaces' || (current.type !== 'ovs-bridge' && current.type !== 'ovs-port')) return false
  if (isKernelsOwn(current)) return false
  const resources = (desired.interfaces ?? []) as readonly JsonObject[]
  const declared = resources.filter(({ ensure }) => ensure !== 'absent')
  return !declared.some(resource => belongsTo(resource, name) || lists(resource.ports, name))
}

/** The ports of a bridge, and the interfaces of its ports. A link of the kernel among them stays, and is a port no more. */
export function takes({ collection, name }: ResourceName, state: JsonObject): ResourceName[] {
  if (collection !== 'interfaces') return []
  const all = (state.interfaces ?? []) as readonly JsonObject[]
  const gone = new Set([name])
  // A port first, then its interfaces.
  for (let found = 0; found < gone.size; ) {
    found = gone.size
    for (const { name: one, bridge, port } of all) {
      if (gone.has(String(bridge)) || gone.has(String(port))) gone.add(String(one))
    }
  }
  gone.delete(name)
  return [...gone].sort().map(one => ({ collection, name: one }))
}

/** A bridge stays where a port says that it belongs to it, and a port where an interface does. */
const belongsTo = ({ bridge, port }: JsonObject, name: string) => bridge === name || port === name

const lists = (list: JsonValue | undefined, name: string) => Array.isArray(list) && list.includes(name)

/** A link that was there before it became a port: it is there also without Open vSwitch. */
const isKernelsOwn = ({ type, ovs_type, mac }: JsonObject) =>
  type === 'ovs-port' && mac !== undefined && (ovs_type === 'system' || ovs_type === undefined)

const isOvs = (type: JsonValue | undefined) => typeof type === 'string' && Object.hasOwn(OVS_TYPES, type)

const say = (value: JsonValue | undefined) => (value === undefined || value === null ? 'nothing' : String(value))
