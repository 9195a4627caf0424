// Of which units a first desired file speaks. Pure.
import type { JsonObject } from '../../../json/json.js'

/**
 * What a first desired file should declare: services, sockets and timers that somebody enabled, or started though nothing enables them.
 * What is
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
