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

/** What people call it when a field gets this value: done, and to do. */
const IN_WORDS: Readonly<Record<string, readonly [value: JsonValue, past: string, present: string][]>> = {
  running: [
    [true, 'started', 'start'],
    [false, 'stopped', 'stop'],
  ],
  active_state: [
    ['active', 'started', 'start'],
    ['inactive', 'stopped', 'stop'],
  ],
  enabled: [
    [true, 'enabled at boot', 'enable at boot'],
    [false, 'disabled at boot', 'disable at boot'],
  ],
  masked: [
    [true, 'masked', 'mask'],
    [false, 'unmasked', 'unmask'],
  ],
  up: [
    [true, 'brought up', 'bring up'],
    [false, 'brought down', 'bring down'],
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
  const what = calledIn(action, values)
  const [past, present] = verbsOf(action, values)
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

/** What was done, and is to do: `Stopped and disabled at boot` where there are such words for it. */
function verbsOf(action: Done['action'], values: boolean): readonly [past: string, present: string] {
  const verbs = VERBS[action.kind]
  if (action.kind !== 'modify' || !values) return verbs
  const words = action.changes.map(wordsOf)
  const known = words.filter(one => one !== undefined)
  if (known.length === 0) return verbs
  const all = known.length === words.length ? known : [...known, [verbs[0].toLowerCase(), verbs[1]] as const]
  const [past, present] = [0, 1].map(i => [...new Set(all.map(one => one[i]!))].join(' and '))
  return [`${past![0]!.toUpperCase()}${past!.slice(1)}`, present!]
}

function wordsOf({ path, new: now }: Change): readonly [past: string, present: string] | undefined {
  const field = fieldOf({ path })
  const found = Object.hasOwn(IN_WORDS, field) ? IN_WORDS[field]?.find(([value]) => value === now) : undefined
  return found && [found[1], found[2]]
}

/** What it is called, with its type where it is made or removed: `bridge interface br0`. */
function calledIn(action: Done['action'], values: boolean): string {
  return called(action.resource, values ? typeOf(action) : undefined)
}

function typeOf(action: Done['action']): string | undefined {
  if (action.kind === 'modify') return undefined
  const { type } = action.kind === 'create' ? action.new : action.old
  return typeof type === 'string' && /^[\w-]{2,20}$/.test(type) ? type : undefined
}

/** `interface eth0`; of a resource by itself its collection. */
function called({ collection, name }: ResourceName, type?: string): string {
  const one = name === '' ? collection : `${singular(collection)} ${name}`
  return cut(type === undefined ? one : `${type} ${one}`, LONGEST_VALUE)
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
    .filter(change => change.new !== action.resource.name && !(values && isSaid(change, action)))
    .map(change => (values ? changeText(change) : fieldOf(change)))
  return said.length === 0 ? '' : `: ${listed(said)}`
}

/** By the verb, or by what it is called. */
function isSaid(change: Change, action: Done['action']): boolean {
  return action.kind === 'modify'
    ? wordsOf(change) !== undefined
    : change.path === '/type' && typeOf(action) !== undefined
}

/** `mtu from 1500 to 9000`, `started (running true)`. */
function changeText(change: Change): string {
  const { path, old, new: now } = change
  const field = fieldOf({ path })
  if (now === undefined) return `${field} removed`
  const words = wordsOf(change)?.[0]
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
