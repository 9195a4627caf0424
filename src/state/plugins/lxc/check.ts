// What is wrong in the desired state of containers, beyond its shape: fields that no container has, values of another type. Pure.

import type { JsonObject, JsonValue } from '../../../json/json.js'
import { isObject } from '../../../json/plain.js'
import { step } from '../../../json/pointer.js'
import { nearest } from '../../../nearest.js'
import type { Problem } from '../../plugin.js'
import { OUR_WORDS } from '../../resources.js'

type Check = (value: JsonValue) => string | undefined

const text: Check = value => (typeof value === 'string' ? undefined : 'must be text')
const FIELDS: Readonly<Record<string, Check>> = {
  id: text,
  name: text,
  running: value => (typeof value === 'boolean' ? undefined : 'must be true or false'),
  manager: text,
  error: text,
  bridge: textOrNull,
  veth: textOrNull,
  networks: value => (isObject(value) ? undefined : 'must be an object: net0, net1, …'),
  properties: value => {
    if (!isObject(value)) return 'must be an object'
    const wrong = Object.entries(value).find(([, each]) => textOrNull(each) !== undefined)
    return wrong && `must hold text: "${wrong[0]}": ${JSON.stringify(String(wrong[1]))}`
  },
}

export function checkContainers(desired: JsonObject): readonly Problem[] {
  const containers = desired.containers
  if (!Array.isArray(containers)) return []
  return (containers as readonly JsonValue[]).flatMap((container, i) => {
    if (!isObject(container)) return []
    return Object.entries(container).flatMap(([field, value]): Problem[] => {
      if (OUR_WORDS.includes(field)) return []
      const path = `/containers/${i}${step(field)}`
      const message = Object.hasOwn(FIELDS, field) ? FIELDS[field]?.(value) : unknown(field)
      return message === undefined ? [] : [{ path, message }]
    })
  })
}

function unknown(field: string): string {
  const meant = nearest(field, [...Object.keys(FIELDS), ...OUR_WORDS])
  return `containers have no field ${JSON.stringify(field)}${meant === undefined ? '' : `: did you mean "${meant}"?`}`
}

function textOrNull(value: JsonValue): string | undefined {
  return value === null ? undefined : text(value)
}
