// `op-dbus init [FILE]`: a desired file that says what the system is now.
import { OpDbusError } from '../../errors.js'
import { plural } from '../../format.js'
import type { CommandCall } from '../command.js'
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
    const call = { signal: terminal.signal }
    const initial = await state.initial(chosen, call)
    const infos = await state.plugins(call)
    const names = Object.keys(initial.plugins)
    const missing = infos.filter(({ name }) => !names.includes(name) && (chosen?.includes(name) ?? true))
    if (!values.quiet || chosen !== undefined) {
      const trouble = missing.map(({ name, available, reason }) => [
        name,
        available
          ? { kind: 'failed' as const, message: `it did not answer; op-dbus query ${name} says why` }
          : { kind: 'unavailable' as const, message: reason ?? '' },
      ])
      tellTrouble(Object.fromEntries(trouble), terminal)
    }
    // A file that is short of a plugin by a mistake would be taken for the whole.
    if (names.length === 0 || (missing.length > 0 && (chosen !== undefined || missing.some(one => one.available)))) {
      throw new OpDbusError('PLUGIN_UNAVAILABLE', 'nothing was written: see above')
    }
    await write(path, jsonText(initial), values.force === true, terminal)
    if (path !== '-' && !values.quiet) {
      terminal.say(
        `op-dbus: ${path} says what ${plural(names.length, 'plugin', 'plugins')} answered: ${names.join(', ')}`,
      )
    }
    return 0
  })
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
