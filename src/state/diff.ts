// What separates a plugin's state from the desired one, as actions. Pure: asks no system, and caches nothing.
import type { JsonObject, JsonValue } from '../json/json.js'
import { asSet, isObject, memberOf, sameJson } from '../json/plain.js'
import { step, stepsOf } from '../json/pointer.js'
import { targetOf } from './merge.js'
import type { Change, ResourceName, ResourceRule, StateAction, StatePlugin } from './plugin.js'
import type { DesiredPlugin, TouchedResource } from './reports.js'
import { findResource, OUR_WORDS, resourceKey, resourcesOf } from './resources.js'

/**
 * What leads from `current` (a normalised state) to `desired`, in the order of the plugin's resources, then by name. A declared resource
 * that is so already is an action of kind `none`. Only in collections that the desired state names does prune remove anything.
 */
export function diffState(
  plugin: Pick<StatePlugin, 'resources' | 'refuses' | 'prunes' | 'takes'>,
  current: JsonObject,
  desired: DesiredPlugin,
): StateAction[] {
  const actions: StateAction[] = []
  for (const [collection, rule] of Object.entries(plugin.resources)) {
    const declared = memberOf(desired.state, collection)
    if (declared === undefined) continue
    const have = resourcesOf(rule, memberOf(current, collection))
    const want = resourcesOf(rule, declared)
    const extra = [...have].filter(
      ([name, one]) =>
        desired.prune && !want.has(name) && plugin.prunes?.({ collection, name }, one, desired.state) === true,
    )
    for (const name of [...want.keys(), ...extra.map(([name]) => name)].sort()) {
      const action = actionFor(rule, { collection, name }, have.get(name), want.get(name))
      actions.push(judged(plugin, action, have.get(name)))
    }
  }
  return withTaken(plugin, current, actions)
}

/** The same actions; those that remove something say what goes with it, and how that is. */
export function withTaken(
  plugin: Pick<StatePlugin, 'resources' | 'takes'>,
  current: JsonObject,
  actions: StateAction[],
): StateAction[] {
  if (!plugin.takes || !actions.some(({ kind }) => kind === 'delete')) return actions
  const told = new Set(actions.map(({ resource }) => resourceKey(resource)))
  return actions.map(action => {
    if (action.kind !== 'delete') return action
    const taken = plugin.takes!(action.resource, current).flatMap(resource => {
      const old = told.has(resourceKey(resource)) ? undefined : findResource(plugin, current, resource)
      return old === undefined ? [] : [{ resource, old }]
    })
    return taken.length === 0 ? action : { ...action, with: taken }
  })
}

/** `want` undefined: it is to go. */
function actionFor(
  rule: ResourceRule,
  resource: ResourceName,
  have: JsonObject | undefined,
  want: JsonObject | undefined,
): StateAction {
  if (want === undefined || want.ensure === 'absent') return between(resource, have, null)
  if (have === undefined && isSoWithout(rule.absent?.(resource.name), want)) return { kind: 'none', resource }
  return between(resource, have, targetOf(rule, have, want))
}

/** Whether all that `want` declares is so of a resource that is not there. */
function isSoWithout(absent: JsonObject | undefined, want: JsonObject): boolean {
  if (absent === undefined || want.ensure !== undefined) return false
  return Object.keys(want).every(field => OUR_WORDS.includes(field) || sameJson(want[field], memberOf(absent, field)))
}

/** What leads one resource from `current` (undefined: it is not there) to exactly `to` (null: it is not to be there). */
export function diffWhole(
  plugin: Pick<StatePlugin, 'refuses'>,
  resource: ResourceName,
  current: JsonObject | undefined,
  to: JsonObject | null,
): StateAction {
  return judged(plugin, between(resource, current, to), current)
}

/**
 * What leads one resource from `current` (undefined: it is not there) back to what it was before an apply. Of one that was changed only
 * what was changed; one that was made goes, and one that was removed, or is not there any more, is made as it was. A field that was not
 * there is a change without `new`.
 */
export function diffBack(
  plugin: Pick<StatePlugin, 'resources' | 'refuses'>,
  { resource, before, changes }: TouchedResource,
  current: JsonObject | undefined,
): StateAction {
  const { sets = [] } = plugin.resources[resource.collection] ?? {}
  const to = current === undefined || changes === undefined ? before : undone(sets, current, changes)
  return diffWhole(plugin, resource, current, to)
}

function undone(sets: readonly string[], current: JsonObject, changes: readonly Change[]): JsonObject {
  return changes.reduce((resource, { path, old, new: made }) => {
    const steps = stepsOf(path) ?? []
    const isSet = steps.length === 1 && sets.includes(steps[0]!)
    const now = steps.reduce<JsonValue | undefined>(
      (at, name) => (isObject(at) ? memberOf(at, name) : undefined),
      resource,
    )
    const value = isSet ? setBefore(now, old, made) : old === undefined ? without(now, made) : old
    return withMember(resource, steps, value)
  }, current)
}

/** A set without what was put into it then, and with what was taken out; what others did to it since stays. */
function setBefore(
  now: JsonValue | undefined,
  old: JsonValue | undefined,
  made: JsonValue | undefined,
): JsonValue | undefined {
  const [was, became] = [membersOf(old), membersOf(made)]
  const kept = membersOf(now).filter(one => isIn(was, one) || !isIn(became, one))
  const members = asSet([...kept, ...was.filter(one => !isIn(became, one))])
  return members.length === 0 && old === undefined ? undefined : members
}

/** What was not there before goes; of an object that was made, what others put into it since stays. */
function without(now: JsonValue | undefined, made: JsonValue | undefined): JsonValue | undefined {
  if (!isObject(now) || !isObject(made)) return undefined
  const kept = Object.entries(now).flatMap(([name, value]): [string, JsonValue][] => {
    const left = Object.hasOwn(made, name) ? without(value, made[name]) : value
    return left === undefined ? [] : [[name, left]]
  })
  return kept.length === 0 ? undefined : Object.fromEntries(kept)
}

const membersOf = (value: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(value) ? value : [])
const isIn = (list: readonly JsonValue[], value: JsonValue) => list.some(one => sameJson(one, value))

/** A copy with this value where the steps lead; undefined: without it. */
function withMember(object: JsonObject, [name, ...rest]: readonly string[], value: JsonValue | undefined): JsonObject {
  if (name === undefined) return object
  const inner = memberOf(object, name)
  if (rest.length > 0) {
    if (value === undefined && !isObject(inner)) return object
    return { ...object, [name]: withMember(isObject(inner) ? inner : {}, rest, value) }
  }
  if (value !== undefined) return { ...object, [name]: value }
  return Object.fromEntries(Object.entries(object).filter(([other]) => other !== name))
}

function between(resource: ResourceName, from: JsonObject | undefined, to: JsonObject | null): StateAction {
  if (from === undefined) return to === null ? { kind: 'none', resource } : { kind: 'create', resource, new: to }
  if (to === null) return { kind: 'delete', resource, old: from }
  const changes = changesBetween(from, to)
  return changes.length === 0 ? { kind: 'none', resource } : { kind: 'modify', resource, changes }
}

function judged(
  plugin: Pick<StatePlugin, 'refuses'>,
  action: StateAction,
  current: JsonObject | undefined,
): StateAction {
  if (action.kind === 'none') return action
  const refused = plugin.refuses?.(action, current)
  return refused === undefined ? action : { ...action, refused }
}

/** Sorted by path. A list that differs is one change of the whole list: what stands at which index says nothing to people. */
function changesBetween(from: JsonObject, to: JsonObject): Change[] {
  const changes: Change[] = []
  compare('', from, to, changes)
  return changes.sort((one, other) => (one.path < other.path ? -1 : 1))
}

function compare(path: string, from: JsonValue, to: JsonValue, changes: Change[]): void {
  // What was merged shares what it did not change.
  if (from === to) return
  if (!isObject(from) || !isObject(to)) {
    if (!sameJson(from, to)) changes.push({ path, old: from, new: to })
    return
  }
  for (const [key, old] of Object.entries(from)) {
    const now = memberOf(to, key)
    if (now === undefined) changes.push({ path: path + step(key), old })
    else compare(path + step(key), old, now, changes)
  }
  for (const [key, value] of Object.entries(to)) {
    if (!Object.hasOwn(from, key)) changes.push({ path: path + step(key), new: value })
  }
}
