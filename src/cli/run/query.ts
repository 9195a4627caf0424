// `op-dbus query`: what the system is now, once.
import { readOptions } from '../../node/options.js'
import type { PluginInfo, QueryReport } from '../../state/reports.js'
import type { State } from '../../state.js'
import type { CommandCall } from '../command.js'
import { type DaemonValues, daemonSocket, openDaemon } from '../daemon.js'
import { NO_ANSWER } from '../exit-codes.js'
import { queryText } from '../state-text.js'
import type { Terminal } from '../terminal.js'
import { askedIn, onlyParts } from './query-parts.js'
import { chosenPlugins, type StateValues, tellTrouble, withState } from './state.js'
import { jsonText, lookOf, wantsJson } from './telling.js'

type Values = StateValues & DaemonValues & { readonly fresh?: boolean }

export async function query({ values, args, terminal }: CommandCall<Values>): Promise<number> {
  const { names, parts } = askedIn(args, chosenPlugins(values))
  const json = wantsJson(values, terminal)
  return withState(values, terminal, async state => {
    const answer =
      (await throughDaemon(state, names, values, terminal)) ??
      (await state.query(names, { fresh: values.fresh, signal: terminal.signal }))
    tellSilent(answer, names !== undefined, values.quiet === true, terminal)
    const infos = json && parts.size === 0 ? [] : await state.plugins({ signal: terminal.signal })
    const report = onlyParts(answer, parts, infos)
    const whole = new Set([...parts].flatMap(([plugin, some]) => (some.every(({ name }) => name) ? [plugin] : [])))
    await terminal.out(
      json ? jsonText({ plugins: report.plugins }) : queryText(report, rulesOf(infos), lookOf(terminal), whole),
    )
    return codeOf(report, names !== undefined)
  })
}

/** What a running daemon answers, whose memory outlives a command. */
async function throughDaemon(
  state: State,
  names: readonly string[] | undefined,
  values: Values,
  terminal: Terminal,
): Promise<QueryReport | undefined> {
  const { dir } = readOptions(typeof values.dir === 'string' ? { dir: values.dir } : {})
  const daemon = await openDaemon(daemonSocket(dir, values), terminal)
  if (daemon === undefined) return undefined
  try {
    const { queryThere } = await import('./daemon-query.js')
    return await queryThere(daemon, state, names, values.fresh === true, terminal.signal)
  } finally {
    daemon.close()
  }
}

export function rulesOf(infos: readonly PluginInfo[]) {
  return Object.fromEntries(infos.map(({ name, resources }) => [name, resources]))
}

/** Who asked for all is told in passing what is not here; `quiet` leaves that out, and nothing else. */
export function tellSilent({ trouble }: QueryReport, named: boolean, quiet: boolean, terminal: Terminal): void {
  const told = Object.entries(trouble).filter(([, { kind }]) => named || !quiet || kind === 'failed')
  tellTrouble(Object.fromEntries(told), terminal)
}

function codeOf({ plugins, trouble }: QueryReport, named: boolean): number {
  const troubles = Object.values(trouble)
  const failed = named ? troubles.length > 0 : troubles.some(({ kind }) => kind === 'failed')
  return failed || Object.keys(plugins).length === 0 ? NO_ANSWER : 0
}
