// What a desired state may ask of units, and what cannot be done: judged before anything is touched. Asks no bus.
import { nearest } from '../../../nearest.js'
import type { JsonObject, JsonValue } from '../../json.js'
import { isObject } from '../../plain.js'
import type { Change, Problem, StateAction } from '../../plugin.js'
import { step } from '../../pointer.js'
import { OUR_WORDS } from '../../resources.js'
import { isInstance, isTemplate, isUnitName } from './names.js'

const FIELDS: Readonly<Record<string, (value: JsonValue) => string | undefined>> = {
  active_state: value =>
    value === 'active' || value === 'inactive'
      ? undefined
      : 'is "active" or "inactive": a unit can be asked for no other state',
  enabled: mustBeBoolean,
  masked: mustBeBoolean,
  unit_file_state: value =>
    typeof value === 'string' ? undefined : 'is a string, which "enabled" and "masked" decide',
}

/** Why `enabled` of a unit in that state says nothing that could be changed; `NAME` is the unit. */
const NOT_TO_ENABLE: Readonly<Record<string, string>> = {
  static: 'NAME is static: its file has no [Install] section, and what needs it starts it',
  generated: 'NAME is generated at each boot, from another file: change that one',
  transient: 'NAME is transient: it has no file that outlives it',
  alias: 'NAME is an alias: enable or disable the unit that it stands for',
  indirect: 'NAME is indirect: enable or disable its instances, or the units that its file names with Also=',
  bad: 'the file of NAME cannot be read by systemd',
}

export function checkUnits(desired: JsonObject): Problem[] {
  const units = desired.units
  if (!isObject(units)) return []
  return Object.entries(units).flatMap(([name, unit]) => {
    const path = `/units${step(name)}`
    if (!isUnitName(name)) return [{ path, message: nameProblem(name) }]
    return isObject(unit) ? checkUnit(name, unit, path) : []
  })
}

function checkUnit(name: string, unit: JsonObject, path: string): Problem[] {
  const problems = Object.entries(unit).flatMap(([field, value]) => {
    const at = path + step(field)
    if (OUR_WORDS.includes(field)) return []
    const check = Object.hasOwn(FIELDS, field) ? FIELDS[field] : undefined
    if (check === undefined) return [{ path: at, message: unknownField(field) }]
    const message = check(value)
    return message === undefined ? [] : [{ path: at, message: `${field} ${message}` }]
  })
  if (unit.active_state !== undefined && isTemplate(name)) {
    problems.push({ path, message: `${name} is a template, which is never active: name an instance of it` })
  }
  if (unit.masked === true && unit.enabled === true)
    problems.push({ path, message: 'what is masked cannot be enabled' })
  if (unit.masked === true && unit.active_state === 'active') {
    problems.push({ path, message: 'what is masked cannot be started' })
  }
  return problems
}

/** Why that cannot be done, in one sentence. `current`: the unit as it is. */
export function refusesUnit(action: StateAction, current: JsonObject | undefined): string | undefined {
  const { name } = action.resource
  if (action.kind === 'none') return undefined
  if (action.kind === 'delete') {
    return isInstance(name) ? undefined : 'unit files are not removed: stop it, disable it or mask it instead'
  }
  if (action.kind === 'create') {
    return isInstance(name)
      ? undefined
      : `systemd has no unit ${name}: install its file, and let systemd reload its configuration`
  }
  const changed = new Map(action.changes.map(change => [change.path, change]))
  const stillMasked = current?.masked === true && changed.get('/masked')?.new !== false
  for (const change of action.changes) {
    const why = refusesChange(name, change, changed, current, stillMasked)
    if (why !== undefined) return why
  }
  return undefined
}

function refusesChange(
  name: string,
  { path, new: wanted }: Change,
  changed: ReadonlyMap<string, Change>,
  current: JsonObject | undefined,
  stillMasked: boolean,
): string | undefined {
  const state = String(current?.unit_file_state)
  switch (path) {
    case '/active_state':
      if (wanted === undefined) return 'every unit has an active state'
      return wanted === 'active' && stillMasked ? maskedWhy(name, 'started') : undefined
    case '/enabled':
      if (wanted === true && stillMasked) return maskedWhy(name, 'enabled')
      return Object.hasOwn(NOT_TO_ENABLE, state) ? NOT_TO_ENABLE[state]?.replace('NAME', name) : undefined
    case '/masked':
      return state === 'alias' ? `${name} is an alias: mask the unit that it stands for` : undefined
    case '/unit_file_state':
      if (changed.has('/enabled') || changed.has('/masked')) return undefined
      return 'unit_file_state is what "enabled" and "masked" decide: declare those'
    default:
      return `${path.slice(1)} of a unit is not changed`
  }
}

function maskedWhy(name: string, what: string): string {
  return `${name} is masked and cannot be ${what}: declare "masked": false as well`
}

function nameProblem(name: string): string {
  const full = `${name}.service`
  return isUnitName(full) && !name.includes('.')
    ? `no name of a unit: did you mean "${full}"?`
    : 'no name of a unit whose state can be declared (services, sockets, timers, paths, targets, mounts, automounts, swaps, slices)'
}

function unknownField(field: string): string {
  const known = Object.keys(FIELDS)
  const near = nearest(field, known)
  return near === undefined
    ? `units have no ${field}: they have ${known.join(', ')}`
    : `units have no ${field}: did you mean "${near}"?`
}

function mustBeBoolean(value: JsonValue): string | undefined {
  return typeof value === 'boolean' ? undefined : 'is true or false'
}

/**
 * What a first desired file should declare: services, sockets and timers that somebody enabled, or started though nothing enables them. What is
 * enabled and not active may be over (a task at boot), and is not told to stay so.
 */
export function initialUnits(state: JsonObject): JsonObject {
  const units = Object.entries(state.units as Readonly<Record<string, JsonObject>>).flatMap(([name, unit]) => {
    const isActive = unit.active_state === 'active'
    const decided = unit.enabled === true || (isActive && /^(disabled|linked)/.test(String(unit.unit_file_state)))
    if (!/\.(service|socket|timer)$/.test(name) || !decided) return []
    return [[name, { ...(isActive && { active_state: 'active' }), enabled: unit.enabled ?? false }] as const]
  })
  return { units: Object.fromEntries(units) }
}
