// `op-dbus init [FILE]`: a desired file that says what the system is now.
import { isOpDbusError, OpDbusError } from '../../errors.js'
import { plural } from '../../format.js'
import type { InitialState, State } from '../../state.js'
import type { CommandCall } from '../command.js'
import { NO_ANSWER } from '../exit-codes.js'
import { writeOutput } from '../output.js'
import { targetOf } from '../target.js'
import type { Terminal } from '../terminal.js'
import { chosenPlugins, jsonText, type StateValues, tellTrouble, withState } from './state.js'

type Values = StateValues & { readonly force?: boolean }

export async function init({ values, args, terminal }: CommandCall<Values>): Promise<number> {
  const [path = '-', ...more] = args
  if (more.length > 0) throw new OpDbusError('INVALID_INPUT', '"init" takes one file')
  // Also before anything is asked: it may take a while.
  if (!values.force) await refuseExisting(path)
  return withState(values, terminal, async state => {
    const chosen = chosenPlugins(values)
    const initial = await initialOf(state, chosen, terminal)
    const names = Object.keys(initial.plugins)
    const infos = await state.plugins({ signal: terminal.signal })
    const missing = infos.filter(({ name }) => !names.includes(name) && (chosen?.includes(name) ?? true))
    const told = missing.filter(({ available }) => !available && !values.quiet)
    tellTrouble(
      Object.fromEntries(told.map(one => [one.name, { kind: 'unavailable', message: one.reason ?? '' }])),
      terminal,
    )
    if (names.length === 0)
      throw new OpDbusError('PLUGIN_UNAVAILABLE', 'nothing was written: no plugin answered that changes anything')
    await write(path, jsonText(initial), values.force === true, terminal)
    if (path !== '-' && !values.quiet) {
      terminal.say(
        `op-dbus: ${path} says what ${plural(names.length, 'plugin', 'plugins')} answered: ${names.join(', ')}`,
      )
    }
    // Those that should have answered were told of as a warning.
    return missing.some(({ available, capabilities }) => available && capabilities.apply) ? NO_ANSWER : 0
  })
}

async function initialOf(
  state: State,
  chosen: readonly string[] | undefined,
  terminal: Terminal,
): Promise<InitialState> {
  try {
    return await state.initial(chosen, { signal: terminal.signal })
  } catch (error) {
    if (!isOpDbusError(error, 'PLUGIN_UNAVAILABLE')) throw error
    const { code, message, details } = error
    throw new OpDbusError(code, `${details.plugin} is not available: ${message}\nnothing was written`, {
      cause: error,
      details,
    })
  }
}

async function write(path: string, text: string, force: boolean, terminal: Terminal): Promise<void> {
  if (path === '-') return await terminal.out(text)
  if (!force) await refuseExisting(path)
  await writeOutput(path, text, terminal)
}

async function refuseExisting(path: string): Promise<void> {
  // What keeps a path from being looked at keeps it from being written as well, and is told then.
  const target = await targetOf(path, 1).catch(() => undefined)
  if (target?.kind !== 'file' || target.stats === undefined) return
  throw new OpDbusError('INVALID_INPUT', `${path} is there already; --force writes over it`)
}
