// What plugins answer, through the query cache. The one place where a plugin is asked for its state. Knows no desired state.
import type { QueryCache } from '../caches/query-cache.js'
import { OpDbusError } from '../errors.js'
import type { CallOptions, Source } from '../ports.js'
import type { JsonObject } from './json.js'
import { normaliseState } from './normalise.js'
import { type PluginCalls, troubleOf } from './plugin-calls.js'
import type { Registered } from './registry.js'
import type { PluginTrouble, QueryCall, QueryReport } from './reports.js'

/** A plugin's state, and where it came from. Frozen: it is shared with the cache. */
export interface Answer {
  readonly value: JsonObject
  readonly source: Source
}

export interface StatesParts {
  readonly queries: QueryCache
  readonly calls: PluginCalls
  /** How long the answer to a question that is asked now is good, ms; undefined: as long as the cache says. */
  readonly ttlMsOf: (one: Registered) => number | undefined
}

export class States {
  readonly #queries: QueryCache
  readonly #calls: PluginCalls
  readonly #ttlMsOf: StatesParts['ttlMsOf']

  constructor({ queries, calls, ttlMsOf }: StatesParts) {
    this.#queries = queries
    this.#calls = calls
    this.#ttlMsOf = ttlMsOf
  }

  /** All of them out of memory, at once; undefined where one is not there. */
  view(which: readonly Registered[]): QueryReport | undefined {
    const plugins: Record<string, JsonObject> = {}
    const sources: Record<string, Source> = {}
    for (const { key, plugin } of which) {
      const state = this.#queries.view<JsonObject>(key)
      if (state === undefined) return undefined
      plugins[plugin.name] = state
      sources[plugin.name] = 'memory'
    }
    return { plugins, sources, trouble: {} }
  }

  /** All of them at once. Rejects only where the caller has ended it, or the cache is closed. */
  async ask(which: readonly Registered[], call: QueryCall): Promise<QueryReport> {
    const answers = await Promise.all(
      which.map(one => this.answer(one, call).catch((error: unknown) => troubleOf(error, call.signal))),
    )
    const plugins: Record<string, JsonObject> = {}
    const sources: Record<string, Source> = {}
    const trouble: Record<string, PluginTrouble> = {}
    for (const [index, answer] of answers.entries()) {
      const { name } = which[index]!.plugin
      if ('kind' in answer) {
        trouble[name] = answer
      } else {
        plugins[name] = answer.value
        sources[name] = answer.source
      }
    }
    return { plugins, sources, trouble }
  }

  /** @throws OpDbusError PLUGIN_FAILED, PLUGIN_UNAVAILABLE, ABORTED, CLOSED */
  async answer(one: Registered, { fresh = false, signal }: QueryCall = {}): Promise<Answer> {
    return this.#queries.getOrCompute<JsonObject>(one.key, ended => this.look(one, { signal: ended }), {
      signal,
      fresh,
      frozen: true,
      // Before the plugin is asked: an answer lives longer only where each change since the question is told.
      ttlMs: this.#ttlMsOf(one),
    })
  }

  /** What the system says now, past the cache, which does not learn of it. */
  async look({ plugin }: Registered, { signal }: CallOptions = {}): Promise<JsonObject> {
    const reason = await this.reasonAgainst(plugin, signal)
    if (reason !== undefined) {
      throw new OpDbusError('PLUGIN_UNAVAILABLE', reason, { details: { plugin: plugin.name, reason } })
    }
    const answer = await this.#calls.call(plugin, 'query', ended => plugin.query({ signal: ended }), { signal })
    return normaliseState(answer, plugin)
  }

  /** Why a plugin cannot serve on this machine; undefined where it can. */
  async reasonAgainst(plugin: Registered['plugin'], signal?: AbortSignal): Promise<string | undefined> {
    if (!plugin.unavailable) return undefined
    return (await this.#calls.call(plugin, 'unavailable', () => plugin.unavailable?.(), { signal })) ?? undefined
  }

  /** Nothing that was asked before this is served after it, in any process. */
  async invalidate({ key }: Registered): Promise<void> {
    await this.#queries.delete(key)
  }

  /** The same for changes that come in bursts: in this process as soon as it is called, in others a few milliseconds later. */
  invalidateSoon({ key }: Registered): Promise<void> {
    return this.#queries.invalidate(key)
  }
}
