// What systemd cannot do with a unit, and the plan says so. Pure.
import type { JsonObject } from '../../../json/json.js'
import type { Change, StateAction } from '../../plugin.js'
import { isInstance, whyUntold } from './names.js'

/** Why `enabled` of a unit in that state says nothing that could be changed; `NAME` is the unit. */
const NOT_TO_ENABLE: Readonly<Record<string, string>> = {
  static: 'NAME is static: its file has no [Install] section, and what needs it starts it',
  generated: 'NAME is generated at each boot, from another file: change that one',
  transient: 'NAME is transient: it has no file that outlives it',
  alias: 'NAME is an alias: enable or disable the unit that it stands for',
  indirect: 'NAME is indirect: enable or disable its instances, or the units that its file names with Also=',
  bad: 'the file of NAME cannot be read by systemd',
}

/** Why that cannot be done, in one sentence. `current`: the unit as it is. */
export function refusesUnit(action: StateAction, current: JsonObject | undefined): string | undefined {
  const { name } = action.resource
  if (action.kind === 'none') return undefined
  if (action.kind === 'delete') {
    return isInstance(name) ? undefined : 'unit files are not removed: stop it, disable it or mask it instead'
  }
  if (action.kind === 'create') {
    const untold = whyUntold(name)
    if (untold !== undefined) return `${name} ${untold}`
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
