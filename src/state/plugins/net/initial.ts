// What a first desired file declares of a network. Pure, and light: the entry file loads it.
import type { JsonObject, JsonValue } from '../../../json/json.js'
import { OVS_TYPES, WRITABLE } from './fields.js'

/** The part of a state that apply can change, without what says nothing: for a first desired file. */
export function initialOf(state: JsonObject): JsonObject {
  const interfaces = ((state.interfaces ?? []) as readonly JsonObject[]).filter(({ type }) => String(type) in OVS_TYPES)
  const initial: Record<string, JsonValue> = { interfaces: interfaces.map(changeable) }
  const ovs = withoutDefaults((state.ovs ?? {}) as JsonObject)
  if (Object.keys(ovs).length > 0) initial.ovs = ovs
  return initial
}

function changeable(resource: JsonObject): JsonObject {
  const { name, type, ...rest } = resource
  const fields = Object.entries(rest).filter(([field]) => WRITABLE.has(field))
  return { name: name as string, type: type as string, ...withoutDefaults(Object.fromEntries(fields)) }
}

/** Without empty lists and maps, and flags that are off. */
function withoutDefaults(resource: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(resource).filter(
      ([, value]) =>
        value !== false && !(typeof value === 'object' && value !== null && Object.keys(value).length === 0),
    ),
  )
}
