// What a resource is to become: the current one with what is desired merged over it (RFC 7396). Pure.
import type { JsonObject, JsonValue } from '../json/json.js'
import { asSet, isObject, memberOf, sameJson } from '../json/plain.js'
import type { ResourceRule } from './plugin.js'
import { keysOf, OUR_WORDS } from './resources.js'

/**
 * `current` (undefined: there is none) with `desired`, a resource of a desired state, over it. The very same object where nothing
 * changes, and what does not change within it is shared.
 */
export function targetOf(rule: ResourceRule, current: JsonObject | undefined, desired: JsonObject): JsonObject {
  const keys = keysOf(rule)
  return mergeMembers(current ?? {}, desired, (old, value, field) => {
    // What names a resource is the same on both sides, be it a number here and its digits there.
    if (OUR_WORDS.includes(field) || (old !== undefined && keys.includes(field))) return old
    if (!Array.isArray(value) || !rule.sets?.includes(field)) return merged(old, value)
    return mergedSet(old, value, desired.prune === true)
  })
}

/** With `prune`, a set has these members; else they are among what is in it. One that is not there is as good as an empty one. */
function mergedSet(old: JsonValue | undefined, members: readonly JsonValue[], prune: boolean): JsonValue | undefined {
  if (!Array.isArray(old)) return members.length === 0 ? old : members
  return sameJson(old, members) ? old : prune ? members : asSet([...old, ...members])
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
