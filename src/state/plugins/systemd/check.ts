// What a desired state may ask of units: judged before anything is asked. Pure.

import type { JsonObject, JsonValue } from '../../../json/json.js'
import { isObject } from '../../../json/plain.js'
import { step } from '../../../json/pointer.js'
import { nearest } from '../../../nearest.js'
import type { Problem } from '../../plugin.js'
import { OUR_WORDS } from '../../resources.js'
import { isTemplate, isUnitName } from './names.js'

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
