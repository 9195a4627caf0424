// The file that says what the system is after an apply: a desired file like any other. Waits for no plugin that had no part in it.
import { messageOf } from '../errors.js'
import type { JsonObject } from '../json/json.js'
import { isObject, sameJson } from '../json/plain.js'
import type { Warn } from '../ports.js'
import type { DataFolder } from './data-folder.js'
import { type PluginCalls, troubleOf } from './plugin-calls.js'
import type { Registered } from './registry.js'
import type { States } from './states.js'

const CURRENT = 'current.json'
/** For so long, ms, a plugin is waited for that had no part in the apply. */
const PATIENCE_MS = 1000

export interface CurrentFileParts {
  readonly states: States
  readonly calls: PluginCalls
  readonly folder: DataFolder
  readonly warn: Warn
}

/**
 * Of `all` plugins that serve here; those that are `concerned` were applied or feel it. Of one that is not and does not answer soon, what
 * the file has said stays, with a warning. Written only where it says something else than the file.
 * @throws OpDbusError STORE
 */
export async function writeCurrent(
  all: readonly Registered[],
  concerned: (one: Registered) => boolean,
  parts: CurrentFileParts,
): Promise<void> {
  const { states, folder, warn } = parts
  const before = await statesIn(folder)
  const [asked, others] = await Promise.all([
    states.ask(all.filter(concerned), {}),
    Promise.all(all.filter(one => !concerned(one)).map(one => soon(one, before, parts))),
  ])
  for (const [name, { kind, message }] of Object.entries(asked.trouble)) {
    if (kind === 'failed') warn(`the state of ${name} was not written down: ${message}`)
  }
  const found: Readonly<Record<string, JsonObject>> = { ...asked.plugins, ...Object.assign({}, ...others) }
  const plugins = all.flatMap(({ plugin: { name } }) => (Object.hasOwn(found, name) ? [[name, found[name]]] : []))
  const now = Object.fromEntries(plugins) as JsonObject
  if (!sameJson(now, before)) await folder.write(CURRENT, { version: 1, plugins: now })
}

async function soon(
  one: Registered,
  before: JsonObject,
  { states, calls, warn }: CurrentFileParts,
): Promise<Readonly<Record<string, JsonObject>>> {
  const { plugin } = one
  try {
    const { value } = await calls.call(plugin, 'query', signal => states.answer(one, { signal }), {
      timeoutMs: Math.min(PATIENCE_MS, calls.timeoutMs || PATIENCE_MS),
    })
    return { [plugin.name]: value }
  } catch (error) {
    const known = Object.hasOwn(before, plugin.name) ? before[plugin.name] : undefined
    // What is not there has no state.
    if (troubleOf(error).kind !== 'failed') return {}
    const instead = isObject(known) ? 'what was written before stays' : 'it is left out'
    warn(`the state of ${plugin.name} was not written down, and ${instead}: ${messageOf(error)}`, error)
    return isObject(known) ? { [plugin.name]: known } : {}
  }
}

/** What the file says now, by plugin; nothing where it says nothing that can be read. */
async function statesIn(folder: DataFolder): Promise<JsonObject> {
  try {
    const { plugins } = JSON.parse((await folder.read(CURRENT)) ?? '{}') as JsonObject
    return isObject(plugins) ? plugins : {}
  } catch {
    return {}
  }
}
