// What the commands of a system's state have in common: opening it, reading a desired file, telling what did not answer.
import { OpDbusError } from '../../errors.js'
import { oneLine } from '../../format.js'
import { MAX_BYTES } from '../../json/plain.js'
import { summaryOf } from '../../state/diff-words.js'
import type { Desired, DiffReport, PluginDiff, PluginTrouble } from '../../state/reports.js'
import { openState, type State } from '../../state.js'
import type { FlagValues } from '../flags.js'
import { settingsOf } from '../settings.js'
import { diffText } from '../state-text.js'
import type { Terminal } from '../terminal.js'
import { lookOf, type ToldAs, told } from './telling.js'

export type StateValues = FlagValues &
  ToldAs & {
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
