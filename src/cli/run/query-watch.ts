// `op-dbus query --watch`: the state at once, and again whenever it changes, until somebody ends it.
import { OpDbusError } from '../../errors.js'
import { oneLine } from '../../format.js'
import type { JsonObject } from '../../json/json.js'
import { diffWhole } from '../../state/diff.js'
import type { PluginInfo, PluginTrouble, QueryReport, WatchEvent } from '../../state/reports.js'
import { resourcesIn } from '../../state/resources.js'
import type { State } from '../../state.js'
import type { CommandCall } from '../command.js'
import { NO_ANSWER } from '../exit-codes.js'
import { diffText, type Look, queryText, type Rules } from '../state-text.js'
import type { Terminal } from '../terminal.js'
import { Changes } from './changes.js'
import { rulesOf, tellSilent } from './query.js'
import { askedIn } from './query-parts.js'
import { chosenPlugins, type StateValues, withState } from './state.js'
import { jsonText, lookOf, timeOfDay, wantsJson } from './telling.js'

export async function watchQuery({ values, args, terminal }: CommandCall<StateValues>): Promise<number> {
  const { names, parts } = askedIn(args, chosenPlugins(values))
  if (parts.size > 0)
    throw new OpDbusError('INVALID_INPUT', '--watch takes whole plugins, and tells what changes in them')
  const how = { names, json: wantsJson(values, terminal), quiet: values.quiet === true, terminal }
  return withState(values, terminal, state => watchState(state, how))
}

interface Watching {
  readonly names: readonly string[] | undefined
  readonly json: boolean
  readonly quiet: boolean
  readonly terminal: Terminal
}

async function watchState(state: State, { names, json, quiet, terminal }: Watching): Promise<number> {
  const { signal } = terminal
  const changes = new Changes(signal)
  // Before the first look, so that nothing happens unseen between the two.
  const watch = await state.watch(names, event => {
    if (event.kind === 'changed') changes.tell(event.plugin)
    else tellWatch(event, terminal)
  })
  try {
    const infos = await state.plugins({ signal })
    const first = await state.query(names, { fresh: true, signal })
    tellSilent(first, names !== undefined, quiet, terminal)
    if (Object.keys(first.plugins).length === 0) return NO_ANSWER
    if (!quiet) tellPolled(infos, first, terminal)
    const seen = new Seen(infos, lookOf(terminal), first)
    await terminal.out(json ? seen.document() : queryText(first, rulesOf(infos), lookOf(terminal)))
    for await (const changed of changes) {
      const news = seen.take(await state.query([...changed], { fresh: true, signal }), changed)
      if (news !== '') await terminal.out(json ? seen.document() : `\n${timeOfDay()}\n${news}`)
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

/** Whose changes are seen late. */
function tellPolled(infos: readonly PluginInfo[], { plugins }: QueryReport, terminal: Terminal): void {
  for (const { name, capabilities } of infos) {
    if (!capabilities.watch && Object.hasOwn(plugins, name))
      terminal.say(`op-dbus: ${name} does not tell changes by itself; it is asked every few seconds`)
  }
}

/**
 * What was seen last of each plugin. One that does not answer is not one that has nothing: its last state stays what the next is compared
 * with.
 */
class Seen {
  readonly #rules: Readonly<Record<string, Rules>>
  readonly #order: readonly string[]
  readonly #look: Look
  readonly #states: Record<string, JsonObject>
  #trouble: Record<string, PluginTrouble>

  constructor(infos: readonly PluginInfo[], look: Look, { plugins, trouble }: QueryReport) {
    this.#rules = rulesOf(infos)
    this.#order = infos.map(({ name }) => name)
    this.#look = look
    this.#states = { ...plugins }
    this.#trouble = { ...trouble }
  }

  /** What `now` says that is new, as text; '' where that is nothing. */
  take(now: QueryReport, changed: ReadonlySet<string>): string {
    const names = this.#order.filter(name => changed.has(name))
    return names.flatMap(name => this.#news(name, now) || []).join('\n')
  }

  /** What is known now, as JSON on one line: the state of those that answer, and what the others say instead. */
  document(): string {
    const of = <T>(all: Readonly<Record<string, T>>, when: (name: string) => boolean) =>
      Object.fromEntries(
        this.#order.flatMap(name => (all[name] !== undefined && when(name) ? [[name, all[name]]] : [])),
      )
    const plugins = of(this.#states, name => this.#trouble[name] === undefined)
    const trouble = of(this.#trouble, () => true)
    const time = new Date().toISOString()
    return jsonText({ time, plugins, ...(Object.keys(trouble).length > 0 && { trouble }) }, 'line')
  }

  #news(name: string, { plugins, sources, trouble }: QueryReport): string {
    const before = this.#trouble[name]
    const [state, silent] = [plugins[name], trouble[name]]
    if (state === undefined) {
      if (silent === undefined || silent.message === before?.message) return ''
      this.#trouble = { ...this.#trouble, [name]: silent }
      return `${name} does not answer: ${oneLine(silent.message, 200)}\n`
    }
    const { [name]: _, ...others } = this.#trouble
    this.#trouble = others
    const known = this.#states[name]
    this.#states[name] = state
    const again = before === undefined ? '' : `${name} answers${known === undefined ? '' : ' again'}\n`
    const rules = this.#rules[name] ?? {}
    if (known !== undefined) return again + diffText([changesBetween(name, known, state, rules)], this.#look)
    return again + queryText({ plugins: { [name]: state }, sources, trouble: {} }, this.#rules, this.#look)
  }
}

/** What leads from one state of a plugin to the other, whole. */
function changesBetween(plugin: string, before: JsonObject, now: JsonObject, rules: Rules) {
  const [old, fresh] = [byName(before, rules), byName(now, rules)]
  const actions = [...new Map([...old, ...fresh])].map(([name, { resource }]) =>
    diffWhole({}, resource, old.get(name)?.value, fresh.get(name)?.value ?? null),
  )
  return { plugin, actions }
}

function byName(state: JsonObject, rules: Rules) {
  return new Map(resourcesIn(state, rules).map(one => [JSON.stringify(one.resource), one]))
}
