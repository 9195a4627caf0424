// What is said of diffs, of what became of them, and of how old something is: words that the command line and the console share. Pure.
import { count } from '../format.js'
import type { JsonValue } from '../json/json.js'
import type { Change, StateAction } from './plugin.js'
import type { ApplyReport, PluginDiff, PluginTrouble, ResourceOutcome } from './reports.js'

export type Actions = Pick<PluginDiff, 'plugin' | 'actions'>

export type Sign = '+' | '~' | '-'

/** The sign says it without colours. */
export const SIGNS: Readonly<Record<'create' | 'modify' | 'delete', Sign>> = { create: '+', modify: '~', delete: '-' }
export const MARKS: Readonly<Record<ResourceOutcome['status'], string>> = {
  done: '✓',
  pending: '…',
  unconfirmed: '?',
  failed: '✗',
  refused: '!',
  skipped: '·',
}

/** Of one value that differs. */
export function signOf({ old, new: now }: Change): Sign {
  return old === undefined ? '+' : now === undefined ? '-' : '~'
}

/** `1 to create, 2 to modify, 0 to delete; 5 already so`, and of whom nothing is known. */
export function summaryOf(diffs: readonly Actions[], trouble: Readonly<Record<string, PluginTrouble>> = {}): string {
  const all = diffs.flatMap(({ actions }) => actions)
  const silent = Object.keys(trouble).join(', ')
  if (diffs.length === 0 && silent !== '') return `nothing was compared: no answer from ${silent}`
  const without = silent === '' ? '' : `; not compared, for want of an answer: ${silent}`
  if (all.length === 0) return `nothing to do: no resource is declared${without}`
  const of = (kind: StateAction['kind']) => count(all.filter(action => action.kind === kind).length)
  const refused = all.filter(action => action.kind !== 'none' && action.refused !== undefined).length
  const not = refused > 0 ? `; ${count(refused)} of them refused` : ''
  const taken = all.reduce((sum, action) => sum + (action.kind === 'delete' ? (action.with?.length ?? 0) : 0), 0)
  const along = taken > 0 ? `, and ${count(taken)} with that` : ''
  return `${of('create')} to create, ${of('modify')} to modify, ${of('delete')} to delete${along}${not}; ${of('none')} already so${without}`
}

/** `2 of 3 done, 1 failed`. */
export function outcomesText({ outcomes }: ApplyReport): string {
  if (outcomes.length === 0) return 'nothing to do'
  const counts = (Object.keys(MARKS) as (keyof typeof MARKS)[]).flatMap(status => {
    const found = outcomes.filter(outcome => outcome.status === status).length
    return found > 0 && status !== 'done' ? [`${count(found)} ${status}`] : []
  })
  const done = outcomes.filter(({ status }) => status === 'done').length
  return [`${count(done)} of ${count(outcomes.length)} done`, ...counts].join(', ')
}

/** What is made or goes is told by its fields: with a bridge its ports go as well. */
export function changesOf(action: Exclude<StateAction, { kind: 'none' }>): readonly Change[] {
  if (action.kind === 'modify') return action.changes
  if (action.kind === 'create')
    return Object.entries(action.new).map(([field, value]): Change => ({ path: `/${field}`, new: value }))
  return Object.entries(action.old).flatMap(([field, value]): Change[] =>
    saysNothing(value) || value === action.resource.name ? [] : [{ path: `/${field}`, old: value }],
  )
}

function saysNothing(value: JsonValue): boolean {
  return !value || (typeof value === 'object' && Object.keys(value).length === 0)
}

/** `12 s`, `5 min`, `3 h`, `12 days`; of a clock that has stepped back: `0 s`. */
export function ageText(ms: number): string {
  if (Number.isNaN(ms)) return '-'
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`
  return `${count(Math.floor(seconds / 86_400))} days`
}
