// `op-dbus query`: what the system is now, once.
import type { PluginInfo, QueryReport } from '../../state/reports.js'
import type { State } from '../../state.js'
import type { CommandCall } from '../command.js'
import { NO_ANSWER } from '../exit-codes.js'
import { queryText } from '../state-text.js'
import type { Terminal } from '../terminal.js'
import { jsonText, lookOf, type StateValues, tellTrouble, wantsJson, withState } from './state.js'

type Values = StateValues & { readonly fresh?: boolean }

export function query({ values, args, terminal }: CommandCall<Values>): Promise<number> {
  const names = namesIn(args)
  const json = wantsJson(values, terminal)
  return withState(values, terminal, async state => {
    const report = await state.query(names, { fresh: values.fresh, signal: terminal.signal })
    tellSilent(report, names !== undefined, values.quiet === true, terminal)
    const text = json ? jsonText({ plugins: report.plugins }) : await summary(state, report, terminal)
    await terminal.out(text)
    return codeOf(report, names !== undefined)
  })
}

/** The plugins named; undefined: all. */
export function namesIn(args: readonly string[]): string[] | undefined {
  return args.length > 0 ? [...new Set(args)] : undefined
}

async function summary(state: State, report: QueryReport, terminal: Terminal): Promise<string> {
  return queryText(report, rulesOf(await state.plugins({ signal: terminal.signal })), lookOf(terminal))
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
