// What a resource is to become: the current one with what is desired merged over it (RFC 7396). Pure.
import type { JsonObject, JsonValue } from './json.js'
import { asSet, isObject, memberOf, sameJson } from './plain.js'
import type { ResourceRule } from './plugin.js'
import { OUR_WORDS } from './resources.js'

/**
 * `current` (undefined: there is none) with `desired`, a resource of a desired state, over it. The very same object where nothing
 * changes, and what does not change within it is shared.
 */
export function targetOf(rule: ResourceRule, current: JsonObject | undefined, desired: JsonObject): JsonObject {
  const patch: Record<string, JsonValue> = {}
  for (const field of Object.keys(desired)) {
    if (OUR_WORDS.includes(field)) continue
    const value = desired[field]!
    const adds = Array.isArray(value) && desired.prune !== true && rule.sets?.includes(field)
    patch[field] = adds ? withMembers(current && memberOf(current, field), value) : value
  }
  return mergePatch(current, patch) as JsonObject
}

/** A set with these members among what else is in it. */
function withMembers(current: JsonValue | undefined, members: readonly JsonValue[]): JsonValue {
  if (!Array.isArray(current)) return members
  return sameJson(current, members) ? current : asSet([...current, ...members])
}

/** RFC 7396: objects merge, null takes a member away, anything else replaces. */
export function mergePatch(current: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return current !== undefined && sameJson(current, patch) ? current : patch
  const base = isObject(current) ? current : {}
  let merged: Record<string, JsonValue> | undefined
  for (const key of Object.keys(patch)) {
    const old = memberOf(base, key)
    const value = patch[key]!
    const next = value === null ? undefined : mergePatch(old, value)
    if (next === old) continue
    merged ??= { ...base }
    if (next === undefined) delete merged[key]
    else merged[key] = next
  }
  return merged ?? base
}
