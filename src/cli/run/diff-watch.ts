// `op-dbus diff FILE --watch`: the diff at once, and again whenever the system or the file changes, until somebody ends it.
import { unwatchFile, watchFile } from 'node:fs'
import { OpDbusError } from '../../errors.js'
import type { Watch } from '../../state/plugin.js'
import type { Desired, DiffReport } from '../../state/reports.js'
import type { State } from '../../state.js'
import type { CommandCall } from '../command.js'
import { complain } from '../complain.js'
import { targetOf } from '../target.js'
import type { Terminal } from '../terminal.js'
import { Changes } from './changes.js'
import { type DiffFormat, type DiffValues, diffFormatOf, reportText } from './diff.js'
import { tellWatch } from './query-watch.js'
import { callOf, desiredIn, fileOf, tellTrouble, withState } from './state.js'
import { timeOfDay } from './telling.js'

/** How often the file is looked at, in ms: an editor may put another one under its name, and some file systems tell no changes. */
const LOOK_MS = 250
const FILE = ''

export function watchDiff({ values, args, terminal }: CommandCall<DiffValues>): Promise<number> {
  const how = { path: fileOf(args, 'diff'), values, format: diffFormatOf(values, terminal), terminal }
  return withState(values, terminal, state => watchState(state, how))
}

interface Watching {
  readonly path: string
  readonly values: DiffValues
  readonly format: DiffFormat
  readonly terminal: Terminal
}

async function watchState(state: State, { path, values, format, terminal }: Watching): Promise<number> {
  const target = path === '-' ? undefined : await targetOf(path, 0).catch(() => undefined)
  // What is missing is told by who reads it.
  if (path === '-' || (target !== undefined && target.kind !== 'file')) {
    throw new OpDbusError('INVALID_INPUT', '--watch needs a file that can be read again: a regular one')
  }
  const { signal } = terminal
  const call = { ...callOf(values, terminal), fresh: true }
  const changes = new Changes(signal)
  const onFile = () => changes.tell(FILE)
  let desired: Desired
  let watch: Watch | undefined
  let shown = ''
  watchFile(path, { interval: LOOK_MS }, onFile)
  try {
    desired = await desiredIn(path, state, terminal)
    watch = await watchPlugins()
    await show(await state.diff(desired, call))
    for await (const changed of changes) {
      if (changed.has(FILE)) await readAgain()
      await show(await state.diff(desired, call))
    }
    return 0
  } finally {
    watch?.close()
    unwatchFile(path, onFile)
  }

  /** Those that the file speaks of, which may be others by the next time. */
  function watchPlugins(): Promise<Watch> {
    return state.watch(call.plugins ?? Object.keys(desired.plugins), event => {
      if (event.kind === 'changed') changes.tell(event.plugin)
      else tellWatch(event, terminal)
    })
  }

  /** Prints what is not what was shown last: where only something changed of which the file says nothing, nothing is told. */
  async function show(report: DiffReport): Promise<void> {
    const { diffs, trouble } = report
    const now = JSON.stringify([diffs.map(({ plugin, actions }) => [plugin, actions]), trouble])
    if (now === shown) return
    tellTrouble(trouble, terminal)
    const text = await reportText(report, format, terminal, { state, desired, call }, 'line')
    await terminal.out(format === 'text' && shown !== '' ? `\n${timeOfDay()}\n${text}` : text)
    shown = now
  }

  /** While somebody is at work on it, or has made a mistake, the last good one counts on, which is said. */
  async function readAgain(): Promise<void> {
    try {
      desired = await desiredIn(path, state, terminal)
    } catch (error) {
      if (signal.aborted) throw error
      complain(error, false, terminal)
      return
    }
    watch?.close()
    watch = await watchPlugins()
  }
}
