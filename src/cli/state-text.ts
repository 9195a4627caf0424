// States, diffs and what became of them, as text for people. Pure: writes nowhere. What comes from a system is never printed raw:
// a unit or an interface may be called anything, and must not steer a terminal.
import { count, oneLine, plural, table } from '../format.js'
import type { Source } from '../ports.js'
import { type Actions, ageText, changesOf, MARKS, SIGNS, type Sign, signOf } from '../state/diff-words.js'
import type { Change, ResourceName, ResourceRule, StateAction } from '../state/plugin.js'
import type { CheckpointInfo, PluginInfo, QueryReport, ResourceOutcome } from '../state/reports.js'
import { type Found, resourcesIn } from '../state/resources.js'
import { fieldsOf, fieldsText } from './state-fields.js'
import { sourceLabel } from './terminal.js'

/** How it is shown: with colours or without, and how wide. */
export interface Look {
  readonly color: boolean
  readonly columns: number
}

export type Rules = Readonly<Record<string, ResourceRule>>

/** Green, orange, vermilion: apart for colour-blind eyes; the sign says it without them. */
const RGB: Readonly<Record<Sign, string>> = { '+': '0;158;115', '~': '230;159;0', '-': '213;94;0' }
/** Of a resource's name and of a path in it. */
const NAME = 80

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
  const fields = fieldsOf(value, rule).map(({ path, text }) => [oneLine(path, NAME), text] as const)
  const width = Math.min(32, Math.max(0, ...fields.map(([path]) => path.length)))
  const lines = fields.map(([path, text]) =>
    `    ${path.padEnd(width)}  ${oneLine(text, Math.max(20, look.columns - width - 6))}`.trimEnd(),
  )
  return `  ${nameOf(resource)}\n${lines.map(line => `${line}\n`).join('')}`
}

/**
 * Everything that differs, with old and new. '' where nothing does. With `sources` every plugin has its line, which says how old the state is
 * that was compared.
 */
export function diffText(
  diffs: readonly Actions[],
  look: Look,
  sources: Readonly<Record<string, Source>> = {},
): string {
  return diffs
    .flatMap(({ plugin, actions }) => {
      const source = sources[plugin]
      const lines = actions.map(action => actionText(action, look)).join('')
      if (lines === '' && source === undefined) return []
      const from = source === undefined ? '' : `  ${sourceLabel(source, look.color, 0)}`
      return [`${plugin}${from}${lines === '' ? '  nothing differs' : ''}\n${lines}`]
    })
    .join('\n')
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

/** Each thing that goes along, since nobody named it. */
function takenText({ with: taken = [] }: Extract<StateAction, { kind: 'delete' }>, look: Look): string {
  return taken.map(({ resource }) => `    ${painted('-', `- ${nameOf(resource)}`, look)}  goes with it\n`).join('')
}

function actionText(action: StateAction, look: Look): string {
  if (action.kind === 'none') return ''
  const sign = SIGNS[action.kind]
  const refused = action.refused === undefined ? '' : `    ! refused: ${oneLine(action.refused, 200)}\n`
  const head = `  ${painted(sign, `${sign} ${nameOf(action.resource)}`, look)}\n`
  const changes = changesOf(action)
  const width = Math.min(32, Math.max(0, ...changes.map(({ path }) => pathText(path).length)))
  const taken = action.kind === 'delete' ? takenText(action, look) : ''
  return head + changes.map(change => `    ${changeText(change, width, look)}\n`).join('') + taken + refused
}

/** `~ mtu   1500 -> 9000`; what is new or gone has one value. */
function changeText(change: Change, width: number, look: Look): string {
  const sign = signOf(change)
  const path = pathText(change.path).padEnd(width)
  const room = Math.max(16, look.columns - path.length - 8)
  const [old, now] = [change.old, change.new].map(value => (value === undefined ? undefined : JSON.stringify(value)))
  if (old === undefined || now === undefined)
    return `${painted(sign, sign, look)} ${path}  ${oneLine(old ?? now ?? '', room)}`
  const half = Math.max(8, Math.floor((room - 4) / 2))
  // What one of the two does not need is the other's.
  const forOld = Math.max(half, room - 4 - now.length)
  const forNew = Math.max(half, room - 4 - old.length)
  return `${painted(sign, sign, look)} ${path}  ${oneLine(old, forOld)} -> ${oneLine(now, forNew)}`
}

function painted(sign: Sign, text: string, { color }: Look): string {
  return color ? `\x1b[38;2;${RGB[sign]}m${text}\x1b[0m` : text
}

/** `interfaces/eth0`; of a resource by itself only the collection. */
function nameOf({ collection, name }: ResourceName): string {
  return oneLine(name === '' ? collection : `${collection}/${name}`, NAME)
}

/** An RFC 6901 path as people say it: without the first `/`. */
function pathText(path: string): string {
  return oneLine(path.replace(/^\//, '') || '(all)', NAME)
}
