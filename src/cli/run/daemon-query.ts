// What a running daemon knows of plugins, for `op-dbus query`: where its plugins are the very same, of the same systems.

import type { JsonObject, JsonValue } from '../../json/json.js'
import type { Source } from '../../ports.js'
import type { QueryCallBody } from '../../server/api.js'
import type { QueryReport } from '../../state/reports.js'
import type { State } from '../../state.js'
import type { DaemonClient } from '../daemon-client.js'

/** The most that it may take, ms: plugins have deadlines of their own. */
const ANSWER_MS = 60_000

const SOURCES: readonly Source[] = ['memory', 'disk', 'shared', 'pattern', 'computed']

/** Undefined where it does not answer, asks other plugins than there are here, or answers something else. */
export async function queryThere(
  daemon: DaemonClient,
  state: State,
  names: readonly string[] | undefined,
  fresh: boolean,
  signal: AbortSignal,
): Promise<QueryReport | undefined> {
  const keys = await state.keys()
  const plugins = names ?? Object.keys(keys)
  const body: QueryCallBody = { plugins, fresh, keys }
  const { json } = await daemon.ask('/api/query', { body, ms: ANSWER_MS, signal })
  return isReport(json as JsonValue | undefined, plugins) ? (json as unknown as QueryReport) : undefined
}

/** Of its own: this lies in a file with what asks the daemon, apart from what reads states. */
function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isReport(answer: JsonValue | undefined, names: readonly string[]): boolean {
  if (!isObject(answer)) return false
  const { plugins, sources, trouble } = answer
  if (![plugins, sources, trouble].every(isObject)) return false
  const told = [...Object.keys(plugins!), ...Object.keys(trouble!)]
  return (
    // Each that was asked has answered or says why not, and nobody else.
    told.length === names.length &&
    names.every(name => told.includes(name)) &&
    Object.values(plugins!).every(isObject) &&
    Object.keys(plugins!).every(name => SOURCES.includes((sources as Record<string, Source>)[name]!)) &&
    Object.values(trouble as Record<string, JsonValue>).every(
      one => isObject(one) && typeof one.message === 'string' && ['unavailable', 'failed'].includes(String(one.kind)),
    )
  )
}
