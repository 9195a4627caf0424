// How a state is made of resources, by a plugin's rules: what they are called, and where they are. Pure.
import type { JsonObject, JsonValue } from '../json/json.js'
import { asSet, isObject, memberOf } from '../json/plain.js'
import { step } from '../json/pointer.js'
import type { ResourceName, ResourceRule, StatePlugin } from './plugin.js'

/** Words of ours in a desired resource; no plugin has fields of these names. */
export const OUR_WORDS: readonly string[] = ['ensure', 'prune']

export function kindOf(rule: ResourceRule): 'single' | 'list' | 'object' {
  if (rule.single) return 'single'
  return rule.key === undefined ? 'object' : 'list'
}

/** The fields that name an element of a list. */
export function keysOf(rule: ResourceRule): readonly string[] {
  return typeof rule.key === 'string' ? [rule.key] : (rule.key ?? [])
}

/**
 * The name of a list's element: its key fields with a blank between; undefined where one is missing, empty, or neither a text nor a
 * number.
 */
export function nameOf(rule: ResourceRule, element: JsonObject): string | undefined {
  const keys = keysOf(rule)
  const parts = keys.map(key => memberOf(element, key)).map(part => (typeof part === 'number' ? String(part) : part))
  // With a blank in a part, two elements could share a name.
  const named = parts.every(
    part => typeof part === 'string' && part !== '' && (keys.length === 1 || !part.includes(' ')),
  )
  return named ? parts.join(' ') : undefined
}

/** Told of what is wrong at a path (RFC 6901). */
export type Wrong = (path: string, message: string) => void

/**
 * Whether a collection has the shape that its rule says: `wrong` is told of each resource that has not; `noObject` is said of those that
 * are none.
 */
export function checkCollection(
  rule: ResourceRule,
  collection: JsonValue,
  path: string,
  wrong: Wrong,
  noObject = 'is not an object',
): void {
  const kind = kindOf(rule)
  if (kind === 'list') {
    if (Array.isArray(collection)) checkList(rule, collection, path, wrong, noObject)
    else wrong(path, 'is not a list')
  } else if (!isObject(collection)) {
    wrong(path, 'is not an object')
  } else if (kind === 'single') {
    checkSets(rule, collection, path, wrong)
  } else {
    for (const [name, resource] of Object.entries(collection)) {
      if (name === '') wrong(path + step(name), 'has an empty name')
      else if (isObject(resource)) checkSets(rule, resource, path + step(name), wrong)
      else wrong(path + step(name), noObject)
    }
  }
}

function checkList(rule: ResourceRule, list: readonly JsonValue[], path: string, wrong: Wrong, noObject: string): void {
  const seen = new Map<string, number>()
  for (const [index, element] of list.entries()) {
    const at = path + step(index)
    if (!isObject(element)) {
      wrong(at, noObject)
      continue
    }
    const name = nameOf(rule, element)
    const before = name === undefined ? undefined : seen.get(name)
    if (name === undefined) wrong(at, `has no name: ${named(rule)}`)
    else if (before !== undefined)
      wrong(at, `is the second of the name ${JSON.stringify(name)}, after ${path}/${before}`)
    else seen.set(name, index)
    checkSets(rule, element, at, wrong)
  }
}

function named(rule: ResourceRule): string {
  const keys = keysOf(rule).map(key => JSON.stringify(key))
  return keys.length === 1
    ? `${keys[0]} has to be a text that is not empty, or a number`
    : `${keys.join(' and ')} have to be texts that are not empty and hold no blank, or numbers`
}

function checkSets(rule: ResourceRule, resource: JsonObject, path: string, wrong: Wrong): void {
  for (const field of rule.sets ?? []) {
    const value = memberOf(resource, field)
    if (value !== undefined && value !== null && !Array.isArray(value)) wrong(path + step(field), 'is not a list')
  }
}

/** A collection without faults in its one order: lists by name, sets sorted and each member once. */
export function inOrder(rule: ResourceRule, collection: JsonValue): JsonValue {
  const kind = kindOf(rule)
  if (kind === 'single') return withSets(rule, collection as JsonObject)
  if (kind === 'list') {
    const named = (collection as readonly JsonObject[]).map(one => [nameOf(rule, one)!, withSets(rule, one)] as const)
    return named.sort(([one], [other]) => (one < other ? -1 : 1)).map(([, resource]) => resource)
  }
  if (rule.sets === undefined && rule.unordered === undefined) return collection
  return Object.fromEntries(
    Object.entries(collection as JsonObject).map(([name, one]) => [name, withSets(rule, one as JsonObject)]),
  )
}

function withSets(rule: ResourceRule, resource: JsonObject): JsonObject {
  const lists = [...(rule.sets ?? []), ...(rule.unordered ?? [])].flatMap(field => {
    const value = memberOf(resource, field)
    return Array.isArray(value) ? [[field, asSet(value)] as const] : []
  })
  // Members keep their places: what is spread first says the order.
  return lists.length === 0 ? resource : { ...resource, ...Object.fromEntries(lists) }
}

/** The lists of one state are looked through again and again, and a frozen one is always the same. */
const kept = new WeakMap<object, ReadonlyMap<string, JsonObject>>()

/** The resources of one collection by name. Absent: none. */
export function resourcesOf(rule: ResourceRule, collection: JsonValue | undefined): ReadonlyMap<string, JsonObject> {
  if (typeof collection !== 'object' || collection === null) return new Map()
  const known = kept.get(collection)
  if (known) return known
  const kind = kindOf(rule)
  const resources = new Map<string, JsonObject>(
    kind === 'single'
      ? [['', collection as JsonObject]]
      : kind === 'object'
        ? (Object.entries(collection) as [string, JsonObject][])
        : (collection as readonly JsonObject[]).map(one => [nameOf(rule, one) ?? '', one]),
  )
  if (Object.isFrozen(collection)) kept.set(collection, resources)
  return resources
}

/** A resource where it was found, with the rule of its collection. */
export interface Found {
  readonly resource: ResourceName
  readonly value: JsonObject
  readonly rule: ResourceRule
}

/** All resources of a normalised state, in the order of the rules. */
export function resourcesIn(state: JsonObject, rules: StatePlugin['resources']): Found[] {
  return Object.entries(rules).flatMap(([collection, rule]) =>
    [...resourcesOf(rule, memberOf(state, collection))].map(([name, value]) => ({
      resource: { collection, name },
      value,
      rule,
    })),
  )
}

/** One resource of a normalised state; undefined: it is not there. */
export function findResource(
  plugin: Pick<StatePlugin, 'resources'>,
  state: JsonObject,
  { collection, name }: ResourceName,
): JsonObject | undefined {
  const rule = Object.hasOwn(plugin.resources, collection) ? plugin.resources[collection] : undefined
  return rule && resourcesOf(rule, memberOf(state, collection)).get(name)
}

/** A resource in one word, for messages and maps: no two of a plugin share it. */
export function resourceKey({ collection, name }: ResourceName): string {
  return name === '' ? collection : `${collection}/${name}`
}
