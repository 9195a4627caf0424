// The fields of a resource as text: what says most of it first. Pure: writes nowhere.
import type { JsonObject, JsonValue } from '../json/json.js'
import { isObject } from '../json/plain.js'
import type { ResourceRule } from '../state/plugin.js'
import { keysOf } from '../state/resources.js'

/** `path` is `ipv4.address`; `text` is not yet fit for a terminal. */
export interface Field {
  readonly path: string
  readonly text: string
}

/** A field that is there and says nothing: an empty list, an empty text. */
const EMPTY = ''

/**
 * All fields of a resource but those that name it, those of its objects one by one: first those that the plugin calls a summary, then what is
 * so, then what is not, and at last what is empty.
 */
export function fieldsOf(resource: JsonObject, rule: ResourceRule): Field[] {
  const keys = keysOf(rule)
  const fields = Object.entries(resource).flatMap(([field, value]) =>
    keys.includes(field) ? [] : leaves(field, value),
  )
  const { summary = [] } = rule
  const rank = ({ path, text }: Field): number => {
    if (text === EMPTY) return summary.length + 2
    const place = summary.findIndex(one => path === one || path.startsWith(`${one}.`))
    return place >= 0 ? place : summary.length + (text === 'false' ? 1 : 0)
  }
  return fields
    .map(field => ({ field, at: rank(field) }))
    .sort((a, b) => a.at - b.at)
    .map(({ field }) => field)
}

/** As one line: `type=ethernet  up=true  ipv4.address=10.0.0.1/24`. What is empty is left out. */
export function fieldsText(resource: JsonObject, rule: ResourceRule): string {
  return fieldsOf(resource, rule)
    .filter(({ text }) => text !== EMPTY)
    .map(({ path, text }) => `${path}=${text}`)
    .join('  ')
}

function leaves(path: string, value: JsonValue): Field[] {
  if (isObject(value) && !isAddress(value) && Object.keys(value).length > 0)
    return Object.entries(value).flatMap(([field, inner]) => leaves(`${path}.${field}`, inner))
  return [{ path, text: textOf(value) }]
}

function textOf(value: JsonValue): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(textOf).join(',')
  if (!isObject(value)) return JSON.stringify(value)
  if (isAddress(value)) return `${value.ip}/${value.prefix}`
  return Object.keys(value).length === 0 ? EMPTY : JSON.stringify(value)
}

/** As states write an address: `{ ip, prefix }`. */
function isAddress(value: JsonObject): boolean {
  return Object.keys(value).length === 2 && typeof value.ip === 'string' && typeof value.prefix === 'number'
}
