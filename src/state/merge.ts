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
  for (const [field, value] of Object.entries(desired)) {
    if (OUR_WORDS.includes(field)) continue
    const isSet = rule.sets?.includes(field) && Array.isArray(value)
    patch[field] = isSet && desired.prune !== true ? withMembers(current && memberOf(current, field), value) : value
  }
  return mergePatch(current, patch) as JsonObject
}

/** A set with these members among what else is in it. */
function withMembers(current: JsonValue | undefined, members: readonly JsonValue[]): JsonValue {
  return Array.isArray(current) ? asSet([...current, ...members]) : members
}

/** RFC 7396: objects merge, null takes a member away, anything else replaces. */
export function mergePatch(current: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return current !== undefined && sameJson(current, patch) ? current : patch
  const base = isObject(current) ? current : {}
  let merged: Record<string, JsonValue> | undefined
  for (const [key, value] of Object.entries(patch)) {
    const old = memberOf(base, key)
    if (value === null) {
      if (old === undefined) continue
      merged ??= { ...base }
      delete merged[key]
    } else {
      const next = mergePatch(old, value)
      if (next === old) continue
      merged ??= { ...base }
      merged[key] = next
    }
  }
  return merged ?? base
}
