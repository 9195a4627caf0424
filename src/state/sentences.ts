// What an apply did to each resource, as sentences that people search for later: "Created interface ovsbr0". Pure.
import type { JsonValue } from '../json/json.js'
import { step } from '../json/pointer.js'
import type { Change, ResourceName, StateAction } from './plugin.js'
import type { ResourceOutcome } from './reports.js'

/** Characters: models read no more than a page, and cut the rest. */
const LONGEST = 4096
const LONGEST_VALUE = 80
const LONGEST_MESSAGE = 300
/** Of one resource's fields; the rest is counted. */
const MOST_FIELDS = 8

/** What people call it when a field gets this value; else the values themselves have to do. */
const IN_WORDS: Readonly<Record<string, readonly [value: JsonValue, words: string][]>> = {
  running: [
    [true, 'started'],
    [false, 'stopped'],
  ],
  active_state: [
    ['active', 'started'],
    ['inactive', 'stopped'],
    ['failed', 'failed'],
  ],
  enabled: [
    [true, 'enabled at boot'],
    [false, 'disabled at boot'],
  ],
  masked: [
    [true, 'masked'],
    [false, 'unmasked'],
  ],
  up: [
    [true, 'brought up'],
    [false, 'brought down'],
  ],
}

/** What was to be done with a resource, and what came of it. */
export interface Done {
  readonly action: Exclude<StateAction, { kind: 'none' }>
  readonly outcome: ResourceOutcome
}

export interface About {
  readonly plugin: string
  /** The checkpoint that was led back to. */
  readonly rollbackTo?: string
  /** What the plugin failed with as a whole. */
  readonly trouble?: string
  /** False: no value is said, nor a message, which may quote one. */
  readonly values: boolean
}

/** A sentence for each resource, the most that there is room for; what is left out is counted. */
export function sentences({ plugin, rollbackTo, trouble, values }: About, done: readonly Done[]): string {
  const lines = [
    ...(rollbackTo === undefined ? [] : [`Rolled back ${plugin} to checkpoint ${rollbackTo}.`]),
    ...(trouble === undefined ? [] : [`Plugin ${plugin} failed${values ? `: ${cut(trouble, LONGEST_MESSAGE)}` : ''}.`]),
  ]
  let room = LONGEST - lines.join(' ').length - 100
  for (const [index, one] of done.entries()) {
    const sentence = sentenceOf(one, values)
    room -= sentence.length + 1
    if (room < 0) {
      lines.push(`And ${done.length - index} more resources of ${plugin}.`)
      break
    }
    lines.push(sentence)
  }
  return lines.join(' ').toWellFormed()
}

function sentenceOf({ action, outcome: { status, message } }: Done, values: boolean): string {
  const what = called(action.resource)
  const [past, present] = VERBS[action.kind]
  const why = message === undefined || !values ? '' : `: ${cut(message, LONGEST_MESSAGE)}`
  const details = detailsOf(action, values)
  switch (status) {
    case 'done':
      return `${past} ${what}${details}.`
    case 'pending':
      return `Began to ${present} ${what}${details}, which is not finished${why}.`
    case 'unconfirmed':
      return `Could not confirm to ${present} ${what}${details}${why}.`
    case 'failed':
      return `Failed to ${present} ${what}${details}${why}.`
    case 'refused':
      return `Refused to ${present} ${what}${details}${why}.`
    case 'skipped':
      return `Skipped to ${present} ${what}${details}${why}.`
  }
}

const VERBS = {
  create: ['Created', 'create'],
  modify: ['Changed', 'change'],
  delete: ['Deleted', 'delete'],
} as const satisfies Readonly<Record<Done['action']['kind'], readonly [string, string]>>

/** `interface eth0`; of a resource by itself its collection. */
function called({ collection, name }: ResourceName): string {
  const one = name === '' ? collection : `${singular(collection)} ${name}`
  return cut(one, LONGEST_VALUE)
}

function singular(word: string): string {
  if (/[^aeiou]ies$/.test(word)) return `${word.slice(0, -3)}y`
  return /[^su]s$/.test(word) && word.length > 3 ? word.slice(0, -1) : word
}

/** The names of the fields that an action is about: RFC 6901 pointers. */
export function fieldsOf(action: Done['action']): string[] {
  return changesOf(action).map(({ path }) => path.toWellFormed())
}

function changesOf(action: Done['action']): readonly Change[] {
  if (action.kind === 'delete') return []
  if (action.kind === 'modify') return action.changes
  return Object.entries(action.new).map(([field, value]) => ({ path: step(field), new: value }))
}

function detailsOf(action: Done['action'], values: boolean): string {
  if (action.kind === 'delete') {
    const along = (action.with ?? []).map(({ resource }) => called(resource))
    return along.length === 0 ? '' : ` and with it ${listed(along)}`
  }
  const said = changesOf(action)
    .filter(change => change.new !== action.resource.name)
    .map(change => (values ? changeText(change) : fieldOf(change)))
  return said.length === 0 ? '' : `: ${listed(said)}`
}

/** `mtu from 1500 to 9000`, `started (running true)`. */
function changeText({ path, old, new: now }: Change): string {
  const field = fieldOf({ path })
  if (now === undefined) return `${field} removed`
  const words = Object.hasOwn(IN_WORDS, field) ? IN_WORDS[field]?.find(([value]) => value === now)?.[1] : undefined
  const values = old === undefined ? `${field} ${said(now)}` : `${field} from ${said(old)} to ${said(now)}`
  return words === undefined ? values : `${words} (${values})`
}

function fieldOf({ path }: Pick<Change, 'path'>): string {
  const words = path.slice(1).replaceAll('/', ' ').replaceAll('~1', '/').replaceAll('~0', '~')
  return cut(words || 'all', LONGEST_VALUE)
}

function said(value: JsonValue): string {
  return cut(typeof value === 'string' ? value : JSON.stringify(value), LONGEST_VALUE)
}

function listed(parts: readonly string[]): string {
  const shown = parts.slice(0, MOST_FIELDS)
  const more = parts.length - shown.length
  return more === 0 ? shown.join(', ') : `${shown.join(', ')} and ${more} more`
}

function cut(text: string, length: number): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length <= length ? line : `${line.slice(0, length - 3)}...`
}
