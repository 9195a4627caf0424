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
  return mergeMembers(current ?? {}, desired, (old, value, field) => {
    if (OUR_WORDS.includes(field)) return old
    const adds = Array.isArray(value) && desired.prune !== true && rule.sets?.includes(field)
    return merged(old, adds ? withMembers(old, value) : value)
  })
}

/** A set with these members among what else is in it. */
function withMembers(current: JsonValue | undefined, members: readonly JsonValue[]): JsonValue {
  if (!Array.isArray(current)) return members
  return sameJson(current, members) ? current : asSet([...current, ...members])
}

/** RFC 7396: objects merge, null takes a member away (undefined here), anything else replaces. */
function merged(old: JsonValue | undefined, value: JsonValue): JsonValue | undefined {
  if (value === null) return undefined
  if (isObject(value)) return mergeMembers(isObject(old) ? old : {}, value, merged)
  return sameJson(old, value) ? old : value
}

function mergeMembers(
  base: JsonObject,
  patch: JsonObject,
  next: (old: JsonValue | undefined, value: JsonValue, key: string) => JsonValue | undefined,
): JsonObject {
  let copy: Record<string, JsonValue> | undefined
  for (const key of Object.keys(patch)) {
    const old = memberOf(base, key)
    const value = next(old, patch[key]!, key)
    if (value === old) continue
    copy ??= { ...base }
    if (value === undefined) delete copy[key]
    else copy[key] = value
  }
  return copy ?? base
}
