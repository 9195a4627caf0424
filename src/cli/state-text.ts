// States, diffs and what became of them, as text for people. Pure: writes nowhere. What comes from a system is never printed raw:
// a unit or an interface may be called anything, and must not steer a terminal.
import { count, oneLine, plural, table } from '../format.js'
import type { Source } from '../ports.js'
import { differencesText, type Look, NAME_WIDTH, nameOf, painted } from '../state/diff-text.js'
import { type Actions, ageText, MARKS, SIGNS } from '../state/diff-words.js'
import type { ResourceRule } from '../state/plugin.js'
import type { CheckpointInfo, PluginInfo, QueryReport, ResourceOutcome } from '../state/reports.js'
import { type Found, resourcesIn } from '../state/resources.js'
import { fieldsOf, fieldsText } from './state-fields.js'
import { sourceLabel } from './terminal.js'

export type { Look }
export type Rules = Readonly<Record<string, ResourceRule>>

/**
 * A summary: each plugin with where its answer came from, and a line for each resource; of plugins in `whole` all fields. `rules` by plugin.
 */
export function queryText(
  report: QueryReport,
  rules: Readonly<Record<string, Rules>>,
  look: Look,
  whole: ReadonlySet<string> = new Set(),
): string {
  const parts = Object.entries(report.plugins).map(([plugin, state]) => {
    const found = resourcesIn(state, rules[plugin] ?? {})
    const source = sourceLabel(report.sources[plugin]!, look.color, 0)
    const heading = `${plugin}  ${source}  ${plural(found.length, 'resource', 'resources')}\n`
    return heading + (whole.has(plugin) ? found.map(one => resourceText(one, look)).join('') : linesOf(found, look))
  })
  return parts.join('\n')
}

/** A line for each. */
function linesOf(found: readonly Found[], look: Look): string {
  const names = found.map(({ resource }) => `  ${nameOf(resource)}`)
  const width = Math.min(40, Math.max(0, ...names.map(name => name.length)))
  const lines = found.map(({ value, rule }, i) => {
    const room = Math.max(20, look.columns - Math.max(width, names[i]!.length) - 2)
    return `${names[i]!.padEnd(width)}  ${oneLine(fieldsText(value, rule), room)}`.trimEnd()
  })
  return lines.map(line => `${line}\n`).join('')
}

/** Every field, on a line of its own. */
function resourceText({ resource, value, rule }: Found, look: Look): string {
  const fields = fieldsOf(value, rule).map(({ path, text }) => [oneLine(path, NAME_WIDTH), text] as const)
  const width = Math.min(32, Math.max(0, ...fields.map(([path]) => path.length)))
  const lines = fields.map(([path, text]) =>
    `    ${path.padEnd(width)}  ${oneLine(text, Math.max(20, look.columns - width - 6))}`.trimEnd(),
  )
  return `  ${nameOf(resource)}\n${lines.map(line => `${line}\n`).join('')}`
}

/** As {@link differencesText}; `sources` say how old the state is that was compared. */
export function diffText(
  diffs: readonly Actions[],
  look: Look,
  sources: Readonly<Record<string, Source>> = {},
): string {
  const labels = Object.entries(sources).map(([plugin, source]) => [plugin, sourceLabel(source, look.color, 0)])
  return differencesText(diffs, look, Object.fromEntries(labels))
}

/** What became of one resource: `✓ done     + net interfaces/ovsbr1`. */
export function outcomeText({ plugin, resource, action, status, message }: ResourceOutcome, look: Look): string {
  const said = message === undefined ? '' : `: ${oneLine(message, 200)}`
  const sign = painted(SIGNS[action], SIGNS[action], look)
  return `${MARKS[status]} ${status.padEnd(11)} ${sign} ${plugin} ${nameOf(resource)}${said}`
}

export function pluginsText(plugins: readonly PluginInfo[]): string {
  const rows = plugins.map(({ name, version, available, reason, capabilities, push }) => {
    const can = (['apply', 'atomic', 'rollback', 'watch'] as const).filter(capability => capabilities[capability])
    return [
      name,
      oneLine(version, 20),
      available ? 'yes' : 'no',
      can.join(' ') || 'query only',
      push,
      available ? '' : oneLine(reason ?? '', 200),
    ]
  })
  return table([['plugin', 'version', 'available', 'can', 'push', ''], ...rows])
}

/** `now`: ms since 1970. */
export function checkpointsText(checkpoints: readonly CheckpointInfo[], now: number): string {
  const rows = checkpoints.map(({ id, created, plugins, resources, damaged }) => [
    id,
    ageText(now - Date.parse(created)),
    damaged ? 'damaged' : plugins.join(' '),
    damaged ? '-' : count(resources),
  ])
  return table([['checkpoint', 'age', 'plugins', 'resources'], ...rows], [1, 3])
}
