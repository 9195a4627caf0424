// `op-dbus query --watch`: the state at once, and again whenever it changes, until somebody ends it.

import { oneLine } from '../../format.js'
import { diffWhole } from '../../state/diff.js'
import type { JsonObject } from '../../state/json.js'
import type { QueryReport, WatchEvent } from '../../state/reports.js'
import type { State } from '../../state.js'
import type { CommandCall } from '../command.js'
import { NO_ANSWER } from '../exit-codes.js'
import { diffText, queryText, type Rules, resourcesIn } from '../state-text.js'
import type { Terminal } from '../terminal.js'
import { Changes } from './changes.js'
import { namesIn, rulesOf, tellSilent } from './query.js'
import { jsonText, lookOf, type StateValues, tellTrouble, wantsJson, withState } from './state.js'

export function watchQuery({ values, args, terminal }: CommandCall<StateValues>): Promise<number> {
  const how = { names: namesIn(args), json: wantsJson(values, terminal), terminal }
  return withState(values, terminal, state => watchState(state, how))
}

interface Watching {
  readonly names: readonly string[] | undefined
  readonly json: boolean
  readonly terminal: Terminal
}

async function watchState(state: State, { names, json, terminal }: Watching): Promise<number> {
  const { signal } = terminal
  const changes = new Changes(signal)
  // Before the first look, so that nothing happens unseen between the two.
  const watch = await state.watch(names, event => {
    if (event.kind === 'changed') changes.tell(event.plugin)
    else tellWatch(event, terminal)
  })
  try {
    const infos = await state.plugins({ signal })
    const rules = rulesOf(infos)
    const order = infos.map(({ name }) => name)
    let report = await state.query(names, { fresh: true, signal })
    tellSilent(report, names !== undefined, false, terminal)
    if (Object.keys(report.plugins).length === 0) return NO_ANSWER
    await terminal.out(
      json ? jsonText({ plugins: report.plugins }, 'line') : queryText(report, rules, lookOf(terminal)),
    )
    for await (const changed of changes) {
      const next = await state.query([...changed], { fresh: true, signal })
      tellTrouble(next.trouble, terminal)
      const merged = mergedOf(report, next, changed, order)
      const text = json
        ? jsonText({ plugins: merged.plugins }, 'line')
        : diffText(changesBetween(report, merged, rules), lookOf(terminal))
      const same = JSON.stringify(report.plugins) === JSON.stringify(merged.plugins)
      report = merged
      if (!same) await terminal.out(text)
    }
    return 0
  } finally {
    watch.close()
  }
}

/** That changes are told no more, or again. */
export function tellWatch({ plugin, kind, message }: WatchEvent, terminal: Terminal): void {
  const why = message === undefined ? '' : ` (${oneLine(message, 200)})`
  const what = kind === 'lost' ? `does not tell changes${why}; it is asked every few seconds` : 'tells changes again'
  terminal.say(`op-dbus: ${plugin} ${what}`)
}

/** What leads from one state to the other, whole. */
function changesBetween(before: QueryReport, now: QueryReport, rules: Readonly<Record<string, Rules>>) {
  const plugins = [...new Set([...Object.keys(before.plugins), ...Object.keys(now.plugins)])]
  return plugins.map(plugin => {
    const of = ({ plugins }: QueryReport) => byName(plugins[plugin] ?? {}, rules[plugin] ?? {})
    const [old, fresh] = [of(before), of(now)]
    const actions = [...new Map([...old, ...fresh])].map(([name, { resource }]) =>
      diffWhole({}, resource, old.get(name)?.value, fresh.get(name)?.value ?? null),
    )
    return { plugin, actions }
  })
}

function byName(state: JsonObject, rules: Rules) {
  return new Map(resourcesIn(state, rules).map(one => [JSON.stringify(one.resource), one]))
}

/** What `changed` answered now in place of what they did; in the order of `order`. One that no longer answers is left out. */
function mergedOf(
  before: QueryReport,
  now: QueryReport,
  changed: ReadonlySet<string>,
  order: readonly string[],
): QueryReport {
  const pick = <T>(old: Readonly<Record<string, T>>, fresh: Readonly<Record<string, T>>) =>
    Object.fromEntries(
      order.flatMap((name): [string, T][] => {
        const value = (changed.has(name) ? fresh : old)[name]
        return value === undefined ? [] : [[name, value]]
      }),
    )
  return {
    plugins: pick(before.plugins, now.plugins),
    sources: pick(before.sources, now.sources),
    trouble: pick(before.trouble, now.trouble),
  }
}
