// A diff or a plan as the page shows it: by plugin and resource, signs and old and new values as text, the number of rows bounded. Pure.
import { count, plural } from '../src/format.js'
import type { JsonValue } from '../src/json/json.js'
import type { Source } from '../src/ports.js'
import { changesOf, SIGNS, type Sign, signOf, summaryOf } from '../src/state/diff-words.js'
import { resourceKey } from '../src/state/resources.js'
import type { Plan, PluginDiff, PluginInfo } from '../src/state.js'

export interface DiffGroup {
  readonly plugin: string
  /** Where the state came from that was compared; absent in a plan, whose state is fresh. */
  readonly from?: Source | undefined
  readonly rows: readonly DiffRow[]
  /** Resources that are declared and already so. */
  readonly same: number
}

export interface DiffRow {
  readonly sign: Sign
  /** `interfaces/eth0`. */
  readonly name: string
  readonly changes: readonly ChangeRow[]
  /** Names of what goes with it. */
  readonly taken: readonly string[]
  readonly refused?: string | undefined
}

export interface ChangeRow {
  readonly sign: Sign
  readonly path: string
  /** JSON; absent where there is none. */
  readonly old?: string | undefined
  readonly now?: string | undefined
}

export function diffGroups(diffs: readonly PluginDiff[], from: Readonly<Record<string, Source>> = {}): DiffGroup[] {
  return diffs.map(({ plugin, actions }) => ({
    plugin,
    from: Object.hasOwn(from, plugin) ? from[plugin] : undefined,
    rows: actions.flatMap(action =>
      action.kind === 'none'
        ? []
        : [
            {
              sign: SIGNS[action.kind],
              name: resourceKey(action.resource),
              changes: changesOf(action).map(change => ({
                sign: signOf(change),
                path: change.path.replace(/^\//, '') || '(all)',
                old: jsonOf(change.old),
                now: jsonOf(change.new),
              })),
              taken: action.kind === 'delete' ? (action.with ?? []).map(({ resource }) => resourceKey(resource)) : [],
              refused: action.refused,
            },
          ],
    ),
    same: actions.filter(({ kind }) => kind === 'none').length,
  }))
}

const jsonOf = (value: JsonValue | undefined) => (value === undefined ? undefined : JSON.stringify(value))

/** The first `most` rows over all groups, groups without any left out but where nothing differs in them. */
export function firstRows(groups: readonly DiffGroup[], most: number): { groups: DiffGroup[]; left: number } {
  let room = most
  const cut = groups.flatMap(group => {
    const rows = group.rows.slice(0, Math.max(0, room))
    room -= group.rows.length
    return rows.length > 0 || group.rows.length === 0 ? [{ ...group, rows }] : []
  })
  return { groups: cut, left: Math.max(0, -room) }
}

/** Actions of a plan that an apply would carry out. */
export function toDo({ diffs }: Pick<Plan, 'diffs'>): number {
  return diffs.flatMap(({ actions }) => actions).filter(one => one.kind !== 'none' && one.refused === undefined).length
}

/** What an apply of this plan will do, a sentence each: what somebody has to know before saying yes. */
export function confirmWords(plan: Plan, plugins: readonly Pick<PluginInfo, 'name' | 'capabilities'>[]): string[] {
  const trouble = Object.keys(plan.trouble ?? {})
  const touched = plan.diffs.filter(diff => toDo({ diffs: [diff] }) > 0).map(({ plugin }) => plugin)
  const able = (what: 'atomic' | 'rollback') =>
    touched.filter(name => plugins.some(one => one.name === name && !one.capabilities[what]))
  const [loose, oneWay] = [able('atomic'), able('rollback')]
  const refused = plan.diffs.flatMap(({ actions }) => actions).filter(one => one.kind !== 'none' && one.refused).length
  return [
    `This changes the machine that the daemon runs on: ${summaryOf(plan.diffs)}.`,
    'Before anything is changed, what is there now is written down as a checkpoint, which leads back.',
    loose.length > 0 && toDo(plan) > 1
      ? `${loose.join(', ')} changes one thing after the other: where one fails, those before it stay done.`
      : '',
    oneWay.length > 0 ? `What ${oneWay.join(', ')} does cannot be rolled back.` : '',
    refused > 0 ? `${plural(refused, 'change is', 'changes are')} refused by the plugin, and not tried.` : '',
    trouble.length > 0 ? `Nothing is done to ${trouble.join(', ')}: no answer from there.` : '',
    'Where the system has moved since the plan was made, nothing is done and you are told.',
  ].filter(sentence => sentence !== '')
}

/** What is pasted or taken from a file is kept in the page; the daemon reads no more than this of it. */
export const MOST_DESIRED = 16 * 1024 * 1024

/** Why this text cannot be a desired state; undefined where the daemon is to say. */
export function desiredProblem(text: string): string | undefined {
  if (text.trim() === '') return 'There is nothing in it. Paste a desired state, or take a file.'
  const { size } = new Blob([text])
  if (size > MOST_DESIRED)
    return `It is ${count(size)} bytes; at most ${count(MOST_DESIRED)} are read. Compare one plugin at a time.`
  return undefined
}
