// What separates a plugin's state from the desired one, as actions. Pure: asks no system, and caches nothing.
import type { JsonObject, JsonValue } from './json.js'
import { targetOf } from './merge.js'
import { isObject, memberOf, sameJson } from './plain.js'
import type { Change, ResourceName, ResourceRule, StateAction, StatePlugin } from './plugin.js'
import { step } from './pointer.js'
import type { DesiredPlugin } from './reports.js'
import { OUR_WORDS, resourcesOf } from './resources.js'

/**
 * What leads from `current` (a normalised state) to `desired`, in the order of the plugin's resources, then by name. A declared resource that is
 * so already is an action of kind `none`. Only in collections that the desired state names does prune remove anything.
 */
export function diffState(
  plugin: Pick<StatePlugin, 'resources' | 'refuses' | 'prunes'>,
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
  return actions
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

/**
 * What leads one resource from `current` (undefined: it is not there) exactly back to `before` (null: it was not there). A field that was not
 * there is a change without `new`.
 */
export function diffWhole(
  plugin: Pick<StatePlugin, 'refuses'>,
  resource: ResourceName,
  current: JsonObject | undefined,
  before: JsonObject | null,
): StateAction {
  return judged(plugin, between(resource, current, before), current)
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
