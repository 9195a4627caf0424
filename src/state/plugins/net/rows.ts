// OVSDB's notation of values (RFC 7047 5.1): atoms, sets, maps and references, to plain JSON and back. Pure.
import type { JsonValue } from '../../../json/json.js'
import { isObject } from '../../../json/plain.js'

/** A row as `select` answers it: columns by name, in OVSDB's notation. */
export type Row = Readonly<Record<string, JsonValue>>
export type Atom = string | number | boolean

export const uuidOf = (row: Row): string => String((row._uuid as readonly JsonValue[])[1])
export const uuidRef = (uuid: string): readonly ['uuid', string] => ['uuid', uuid]
export const namedRef = (name: string): readonly ['named-uuid', string] => ['named-uuid', name]

/** The elements of a set, which OVSDB writes without its brackets where there is exactly one. References become their uuids. */
export function elements(value: JsonValue | undefined): Atom[] {
  if (value === undefined) return []
  if (Array.isArray(value) && value[0] === 'set') return (value[1] as JsonValue[]).map(atom)
  return [atom(value)]
}

/** Elements in ascending order: numbers by size, all else by code units. OVSDB promises none. */
export function sorted<T extends Atom>(values: readonly T[]): T[] {
  return [...values].sort((a, b) =>
    typeof a === 'number' && typeof b === 'number' ? a - b : a < b ? -1 : a > b ? 1 : 0,
  )
}

/** A map of strings, in ascending order of its keys. */
export function entriesOf(value: JsonValue | undefined): Record<string, Atom> {
  const pairs = Array.isArray(value) && value[0] === 'map' ? (value[1] as [JsonValue, JsonValue][]) : []
  const map = pairs.map(([key, of]) => [String(atom(key)), atom(of)] as const)
  return Object.fromEntries(map.sort(([a], [b]) => (a < b ? -1 : 1)))
}

export const setOf = (values: readonly JsonValue[]): JsonValue => ['set', values]
export const mapOf = (map: Readonly<Record<string, JsonValue>>): JsonValue => ['map', Object.entries(map)]

/** Whether this is a row in OVSDB's notation, so that all else here can rely on it. */
export const isRow = (value: JsonValue): value is Row => isColumns(value) && isReference(value._uuid)

/** The same of columns alone. */
export function isColumns(value: JsonValue | undefined): value is Row {
  return isObject(value) && Object.values(value).every(isValue)
}

function isValue(value: unknown): boolean {
  if (!Array.isArray(value)) return isAtom(value)
  const [tag, members] = value
  if (tag === 'set') return Array.isArray(members) && members.every(isAtom)
  if (tag === 'map') return Array.isArray(members) && members.every(isPair)
  return isReference(value)
}

const isReference = (value: unknown) => Array.isArray(value) && value[0] === 'uuid' && typeof value[1] === 'string'
const isPair = (value: unknown) => Array.isArray(value) && value.length === 2 && value.every(isAtom)
const isAtom = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value) || isReference(value)

function atom(value: JsonValue): Atom {
  return Array.isArray(value) ? String(value[1]) : (value as Atom)
}
