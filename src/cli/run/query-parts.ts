// What of a system is asked for by name: whole plugins (`net`), or a part of one (`net/interfaces`, `net/interfaces/eth0`).
import { OpDbusError } from '../../errors.js'
import type { JsonObject, JsonValue } from '../../json/json.js'
import { nearest } from '../../nearest.js'
import type { PluginInfo, QueryReport } from '../../state/reports.js'
import { kindOf, resourcesOf } from '../../state/resources.js'

export interface Asked {
  /** The plugins that are asked; undefined: all. */
  readonly names: readonly string[] | undefined
  /** What is shown of those of which not all is shown, by plugin. */
  readonly parts: ReadonlyMap<string, readonly Part[]>
}

interface Part {
  readonly collection: string
  /** Undefined: all of the collection. */
  readonly name: string | undefined
}

/** `args` as they were typed, plugins among `chosen` besides. */
export function askedIn(args: readonly string[], chosen: readonly string[] = []): Asked {
  const whole = new Set(chosen)
  const parts = new Map<string, Part[]>()
  for (const arg of args) {
    // The name of a resource may hold a slash: 10.0.0.0/8.
    const [plugin = '', collection, ...rest] = arg.split('/')
    const name = rest.join('/') || undefined
    if (collection === undefined) whole.add(plugin)
    else parts.set(plugin, [...(parts.get(plugin) ?? []), { collection, name }])
  }
  const names = [...new Set([...whole, ...parts.keys()])]
  for (const name of whole) parts.delete(name)
  return { names: names.length > 0 ? names : undefined, parts }
}

/** What was asked for of the states of a report. @throws OpDbusError INVALID_INPUT for what is not there */
export function onlyParts(report: QueryReport, parts: Asked['parts'], infos: readonly PluginInfo[]): QueryReport {
  const plugins = Object.entries(report.plugins).map(([plugin, state]): [string, JsonObject] => {
    const wanted = parts.get(plugin)
    return [plugin, wanted === undefined ? state : partOf(plugin, state, wanted, infos)]
  })
  return { ...report, plugins: Object.fromEntries(plugins) }
}

function partOf(plugin: string, state: JsonObject, parts: readonly Part[], infos: readonly PluginInfo[]): JsonObject {
  const rules = infos.find(({ name }) => name === plugin)?.resources ?? {}
  const found: Record<string, JsonValue> = {}
  for (const [collection, rule] of Object.entries(rules)) {
    const names = parts.filter(part => part.collection === collection).map(({ name }) => name)
    if (names.length === 0) continue
    const all = state[collection]
    if (names.includes(undefined)) {
      if (all !== undefined) found[collection] = all
      continue
    }
    const resources = resourcesOf(rule, all)
    const missing = names.find(name => !resources.has(name!))
    if (missing !== undefined) throw absent(`${plugin}/${collection}`, missing, [...resources.keys()])
    const chosen = [...resources].filter(([name]) => names.includes(name))
    found[collection] = kindOf(rule) === 'list' ? chosen.map(([, one]) => one) : Object.fromEntries(chosen)
  }
  const strange = parts.find(({ collection }) => !Object.hasOwn(rules, collection))
  if (strange !== undefined) throw absent(plugin, strange.collection, Object.keys(rules))
  return found
}

function absent(where: string, name: string, known: readonly string[]): OpDbusError {
  const meant = nearest(name, known)
  const hint = meant === undefined ? '' : `; did you mean "${meant}"?`
  return new OpDbusError('INVALID_INPUT', `there is no "${name}" in ${where}${hint}`)
}
