// What the commands of a system's state have in common: opening it, reading a desired file, telling what did not answer.
import { isOpDbusError, OpDbusError } from '../../errors.js'
import { oneLine, visibleJson } from '../../format.js'
import { MAX_BYTES } from '../../json/plain.js'
import type { Desired, DiffReport, PluginDiff, PluginTrouble } from '../../state/reports.js'
import { openState, type State } from '../../state.js'
import type { FlagValues } from '../flags.js'
import { settingsOf } from '../settings.js'
import { diffText, type Look, summaryOf } from '../state-text.js'
import type { Terminal } from '../terminal.js'

export type StateValues = FlagValues & {
  readonly format?: string
  readonly json?: boolean
  readonly quiet?: boolean
  readonly plugin?: string
}

/** Opens the state for `work`, and closes it whatever comes of that. */
export async function withState<T>(
  values: FlagValues,
  terminal: Terminal,
  work: (state: State) => Promise<T>,
): Promise<T> {
  const state = await openState(settingsOf(values, terminal))
  try {
    return await work(state)
  } finally {
    await state.close()
  }
}

/** The first two of the formats, where none is named: text for people, JSON for programs and where no terminal shows the output. */
export function formatOf<const F extends 'text' | 'json' | 'json-patch'>(
  { format: named, json }: StateValues,
  terminal: Terminal,
  formats: readonly F[],
): F | 'text' | 'json' {
  const given = named ?? (json || !terminal.outTty ? 'json' : 'text')
  const format = formats.find(known => known === given)
  if (format === undefined) {
    throw new OpDbusError('INVALID_INPUT', `unknown format "${given}"; there are: ${formats.join(', ')}`)
  }
  if (json && format !== 'json') throw new OpDbusError('INVALID_INPUT', `--json and --format ${format} differ`)
  return format
}

export function wantsJson(values: StateValues, terminal: Terminal): boolean {
  return formatOf(values, terminal, ['text', 'json']) === 'json'
}

/** Where a program reads the text, nothing is cut off. */
export function lookOf({ color, columns, outTty }: Terminal): Look {
  return { color, columns: outTty ? Math.min(columns, 160) : 10_000 }
}

/** The one file that `command` takes. */
export function fileOf(args: readonly string[], command: string): string {
  const [file, ...more] = args
  if (file === undefined || more.length > 0) {
    throw new OpDbusError('INVALID_INPUT', `"${command}" takes one desired file, or - for standard input`)
  }
  return file
}

/** `--plugin net,lxc`; undefined where nothing is chosen. */
export function chosenPlugins({ plugin }: StateValues): string[] | undefined {
  if (plugin === undefined) return undefined
  const names = plugin.split(',').map(name => name.trim())
  if (names.includes('')) throw new OpDbusError('INVALID_INPUT', `--plugin "${plugin}" names no plugin`)
  return [...new Set(names)]
}

/** What questions about a desired state take: the plugins that are chosen, and what ends them. */
export function callOf(values: StateValues, terminal: Terminal) {
  return { plugins: chosenPlugins(values), signal: terminal.signal }
}

/**
 * The desired state in a file. What is wrong in it is printed as it is, a line for each place.
 * @throws OpDbusError INVALID_INPUT
 */
export async function desiredIn(path: string, state: State, terminal: Terminal): Promise<Desired> {
  const name = path === '-' ? 'standard input' : path
  const { readWhole } = await import('../input.js')
  const bytes = await readWhole(path, MAX_BYTES, terminal.signal)
  return told(name, terminal, () => state.readDesired(bytes, name))
}

/** Runs what reads a file of somebody's; each line of what is wrong is printed without a word before it, so that editors find the place. */
export async function told<T>(name: string, terminal: Terminal, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (!isOpDbusError(error, 'INVALID_INPUT') || !error.message.startsWith(`${name}:`)) throw error
    for (const line of error.message.split('\n')) terminal.say(oneLine(line, 400))
    throw new OpDbusError('INVALID_INPUT', `${name} cannot be used: see above; nothing was touched`, {
      cause: error,
    })
  }
}

/** A line for each plugin that did not answer. */
export function tellTrouble(trouble: Readonly<Record<string, PluginTrouble>>, terminal: Terminal): void {
  for (const [plugin, { kind, message }] of Object.entries(trouble)) {
    terminal.say(`op-dbus: ${plugin}${kind === 'unavailable' ? ' is not available' : ''}: ${oneLine(message, 300)}`)
  }
}

/** Anything is to be done. */
export function differs(diffs: readonly PluginDiff[]): boolean {
  return diffs.some(({ actions }) => actions.some(({ kind }) => kind !== 'none'))
}

/** What differs, how much that is, and what was not compared. */
export function diffAndSummary(
  { diffs, trouble, stateSources }: Pick<DiffReport, 'diffs'> & Partial<DiffReport>,
  terminal: Terminal,
): string {
  const text = diffText(diffs, lookOf(terminal), stateSources)
  return `${text}${text === '' ? '' : '\n'}${summaryOf(diffs, trouble)}\n`
}

/** `18:36:02`, of here: of what a watch tells. */
export function timeOfDay(): string {
  return new Date().toTimeString().slice(0, 8)
}

/**
 * A document for programs: over several lines, and on one where more follow. A system may call things anything, and a terminal may show it.
 */
export function jsonText(value: unknown, style: 'document' | 'line' = 'document'): string {
  return `${visibleJson(JSON.stringify(value, undefined, style === 'document' ? 2 : undefined))}\n`
}
