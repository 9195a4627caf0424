// `op-dbus init [FILE]`: a desired file that says what the system is now.
import { isOpDbusError, OpDbusError } from '../../errors.js'
import { count, plural } from '../../format.js'
import type { JsonObject } from '../../json/json.js'
import { resourcesIn } from '../../state/resources.js'
import type { InitialState, State } from '../../state.js'
import type { CommandCall } from '../command.js'
import { NO_ANSWER } from '../exit-codes.js'
import { writeOutput } from '../output.js'
import { targetOf } from '../target.js'
import type { Terminal } from '../terminal.js'
import { rulesOf } from './query.js'
import { chosenPlugins, type StateValues, tellTrouble, withState } from './state.js'
import { jsonText } from './telling.js'

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
    if (path !== '-' && !values.quiet) await tellTaken(path, initial, state, terminal)
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

/** How much of the system the file declares, and why that is not all. */
async function tellTaken(path: string, { plugins }: InitialState, state: State, terminal: Terminal): Promise<void> {
  const { signal } = terminal
  const rules = rulesOf(await state.plugins({ signal }))
  const all = await state.query(Object.keys(plugins), { signal })
  const counts = Object.entries(plugins).map(([name, taken]) => {
    const of = (found: JsonObject) => resourcesIn(found, rules[name] ?? {}).length
    return { name, taken: of(taken), there: of(all.plugins[name] ?? taken) }
  })
  const sum = (field: 'taken' | 'there') => counts.reduce((total, one) => total + one[field], 0)
  const each = counts.map(({ name, taken, there }) => `${name} ${count(taken)} of ${count(there)}`)
  terminal.say(
    `op-dbus: ${path} declares ${count(sum('taken'))} of ${plural(sum('there'), 'resource', 'resources')}: ${each.join(', ')}`,
  )
  if (sum('taken') < sum('there'))
    terminal.say('  left out: what apply does not change or nobody has set; op-dbus query shows it, and you may add it')
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
