// What actions lead to, resource by resource: how each is now and how it is to be, and where ports and interfaces are to belong. Finds out
// that the database is not what the diff saw. Pure.
import { isDeepStrictEqual } from 'node:util'
import { OpDbusError } from '../../../errors.js'
import type { JsonObject, JsonValue } from '../../../json/json.js'
import { isObject } from '../../../json/plain.js'
import { stepsOf } from '../../../json/pointer.js'
import type { Change, ResourceName, StateAction } from '../../plugin.js'
import { conflict } from '../errors.js'
import { KERNEL_FIELDS, OVS_TYPES } from './fields.js'
import { type Atom, sorted } from './rows.js'
import { resourceOf, rootResource, type Snapshot } from './snapshot.js'

/** Undefined: it is not there, or is not to be. */
export interface Transition {
  readonly current: JsonObject | undefined
  readonly target: JsonObject | undefined
}

export interface NetGoal {
  /** By name; what no action speaks of is not in it. */
  readonly resources: ReadonlyMap<string, Transition>
  readonly root: Transition | undefined
  /** By port, the bridge that it is to belong to; null: none, and then it goes. What stays where it is, is not in it. */
  readonly bridgeOf: ReadonlyMap<string, string | null>
  /** By interface, the port that it is to belong to. */
  readonly portOf: ReadonlyMap<string, string | null>
}

/** @throws OpDbusError CONFLICT where something is not as the actions say it was; INVALID_INPUT where they cannot all be carried out */
export function netGoalOf(snapshot: Snapshot, actions: readonly StateAction[]): NetGoal {
  const resources = new Map<string, Transition>()
  let root: Transition | undefined
  for (const action of actions) {
    const { collection, name } = action.resource
    if (collection === 'ovs') root = transitionOfRoot(snapshot, action)
    else resources.set(name, transitionOf(action, resourceOf(snapshot, name)))
  }
  const bridgeOf = bridgesOf(resources)
  for (const [name, { current, target }] of resources) {
    if (current || target?.type !== 'ovs-port' || typeof bridgeOf.get(name) === 'string') continue
    throw impossible(`a port belongs to a bridge: say which is the bridge of ${name}`)
  }
  return { resources, root, bridgeOf, portOf: portsOf(snapshot, resources, bridgeOf) }
}

function transitionOfRoot(snapshot: Snapshot, action: StateAction): Transition {
  if (!snapshot.root || action.kind !== 'modify')
    throw impossible('the database of Open vSwitch has no row of its own: run ovs-vsctl init')
  const current = rootResource(snapshot)
  return { current, target: changed(current, action.changes, action.resource) }
}

function transitionOf(action: StateAction, current: JsonObject | undefined): Transition {
  const { resource } = action
  if (action.kind === 'create') {
    if (current) throw moved(resource, 'it is there already')
    return { current, target: action.new }
  }
  if (action.kind === 'delete') {
    if (!current) throw moved(resource, 'it is gone already')
    for (const [field, value] of Object.entries(current)) same(resource, `/${field}`, action.old[field], value)
    return { current, target: undefined }
  }
  if (action.kind === 'none') return { current, target: current }
  const target = changed(current ?? { name: resource.name }, action.changes, resource)
  // Where it is to belong says what it is: a link that becomes a port has another type by that alone.
  if (typeof target.bridge === 'string') return { current, target: { ...target, type: 'ovs-port' } }
  if (typeof target.port === 'string') return { current, target: { ...target, type: 'ovs-interface' } }
  if (current?.type === 'ovs-bridge') return { current, target }
  if (current) return { current, target: undefined }
  throw impossible(`${resource.name} is no part of Open vSwitch: say to which bridge it is to belong`)
}

// ---- where things belong --------------------------------------------------------------------------------------------

type Transitions = ReadonlyMap<string, Transition>

function bridgesOf(resources: Transitions): Map<string, string | null> {
  const places = new Places('bridge')
  for (const [name, { current, target }] of resources) {
    if (isType(current, 'ovs-bridge') || isType(target, 'ovs-bridge')) {
      places.move(
        name,
        isType(current, 'ovs-bridge') ? list(current?.ports) : [],
        target ? list(target.ports) : undefined,
      )
    }
    const [from, to] = [placeIn(current, 'ovs-port', 'bridge'), placeIn(target, 'ovs-port', 'bridge')]
    if (from !== to) places.say(name, to ?? null)
  }
  return places.all
}

function portsOf(
  snapshot: Snapshot,
  resources: Transitions,
  bridgeOf: ReadonlyMap<string, string | null>,
): Map<string, string | null> {
  const places = new Places('port')
  for (const [port, bridge] of bridgeOf) {
    // A port that is to be made has at least the interface of its own name.
    if (bridge === null || snapshot.ports.has(port)) continue
    places.move(port, [], list(resources.get(port)?.target?.interfaces ?? [port]))
  }
  for (const [name, { current, target }] of resources) {
    if (isType(current, 'ovs-port') && isType(target, 'ovs-port')) {
      places.move(name, snapshot.interfacesOf.get(name) ?? [], list(target?.interfaces ?? [name]))
    }
    const [from, to] = [placeIn(current, 'ovs-interface', 'port'), placeIn(target, 'ovs-interface', 'port')]
    if (from !== to) places.say(name, to ?? null)
  }
  return places.all
}

/** What is said of one thing in two places has to agree; to be taken out of one and put into another is a move. */
class Places {
  readonly all = new Map<string, string | null>()

  constructor(readonly what: 'bridge' | 'port') {}

  say(name: string, place: string | null): void {
    const said = this.all.get(name)
    if (typeof said === 'string' && typeof place === 'string' && said !== place) {
      throw impossible(`${name} cannot belong to the ${this.what}s ${said} and ${place} at the same time`)
    }
    if (place !== null || said === undefined) this.all.set(name, place)
  }

  /** `to` undefined: the owner goes, and takes along what is not said to go elsewhere. */
  move(owner: string, from: readonly string[], to: readonly string[] | undefined): void {
    if (to === undefined) return
    for (const name of to) if (!from.includes(name)) this.say(name, owner)
    for (const name of from) if (!to.includes(name)) this.say(name, null)
  }
}

const isType = (resource: JsonObject | undefined, type: string) => resource?.type === type

const placeIn = (resource: JsonObject | undefined, type: string, field: string) =>
  isType(resource, type) ? (resource?.[field] as string | undefined) : undefined

const list = (value: JsonValue | undefined) => (value ?? []) as readonly string[]

// ---- changes --------------------------------------------------------------------------------------------------------

function changed(current: JsonObject, changes: readonly Change[], resource: ResourceName): JsonObject {
  const target = structuredClone(current) as Record<string, JsonValue>
  for (const { path, old, new: value } of changes) {
    const keys = stepsOf(path) ?? []
    // The kernel's: read, compared by nobody here, and left as it is.
    if (KERNEL_FIELDS.includes(keys[0] as string)) continue
    const last = keys.pop() as string
    let at = target
    for (const key of keys) {
      if (at[key] === undefined && old === undefined) at[key] = {}
      if (!isObject(at[key])) throw moved(resource, `${path} is not there any more`)
      at = at[key] as Record<string, JsonValue>
    }
    // Of what is no part of Open vSwitch yet, the type is the kernel's to say.
    const unknown = path === '/type' && current.type === undefined && !Object.hasOwn(OVS_TYPES, String(old))
    if (!unknown) same(resource, path, old, at[last])
    if (value === undefined) delete at[last]
    else at[last] = value
  }
  return target
}

function same(resource: ResourceName, path: string, seen: JsonValue | undefined, now: JsonValue | undefined): void {
  if (!isDeepStrictEqual(ordered(seen), ordered(now)))
    throw moved(resource, `${path} was ${say(seen)} and is ${say(now)}`)
}

/** Lists of names and numbers have no order in the database, and whoever keeps a state may have put them into one. */
const ordered = (value: JsonValue | undefined) =>
  Array.isArray(value) && value.every(each => typeof each !== 'object') ? sorted(value as Atom[]) : value

const say = (value: JsonValue | undefined) => (value === undefined ? 'not there' : JSON.stringify(value))

/** What is thrown where the database is not what the diff saw. */
export function moved(resource: ResourceName | undefined, why: string): OpDbusError {
  const what = resource ? resource.name || 'the database of Open vSwitch' : 'Open vSwitch'
  const details = { plugin: 'net', ...(resource && { resource: { ...resource } }) }
  return conflict(`${what} has changed since the diff (${why})`, details)
}

export const impossible = (why: string) =>
  new OpDbusError('INVALID_INPUT', `${why}; nothing was changed`, { details: { plugin: 'net' } })
