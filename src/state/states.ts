// What plugins answer, through the query cache. The one place where a plugin is asked for its state. Knows no desired state.
import type { QueryCache } from '../caches/query-cache.js'
import { OpDbusError, throwIfAborted } from '../errors.js'
import type { JsonObject } from '../json/json.js'
import type { CallOptions, Clock, Source } from '../ports.js'
import { normaliseState } from './normalise.js'
import type { StatePlugin } from './plugin.js'
import { type PluginCalls, troubleOf } from './plugin-calls.js'
import type { Registered } from './registry.js'
import type { PluginTrouble, QueryReport, StateQuery } from './reports.js'

/** A plugin's state, and where it came from. Frozen: it is shared with the cache. */
export interface Answer {
  readonly value: JsonObject
  readonly source: Source
}

export interface StatesParts {
  readonly queries: QueryCache
  readonly calls: PluginCalls
  readonly clock: Clock
  /** How long the answer to a question that is asked now is good, ms; undefined: as long as the cache says. */
  readonly ttlMsOf: (one: Registered) => number | undefined
}

/** For so long, ms, a plugin that cannot serve here is not asked again whether it can. */
const AWAY_MS = 1000
/** So often a plugin is asked by one question, where its system changes meanwhile. */
const MOST_TRIES = 3

export class States {
  readonly #queries: QueryCache
  readonly #calls: PluginCalls
  readonly #clock: Clock
  readonly #ttlMsOf: StatesParts['ttlMsOf']
  /** By key: why a plugin could not serve, and until when that is believed. */
  readonly #away = new Map<string, { readonly reason: string; readonly until: number }>()
  /** By key: how often it was told that something changed. */
  readonly #changes = new Map<string, number>()

  constructor({ queries, calls, clock, ttlMsOf }: StatesParts) {
    this.#queries = queries
    this.#calls = calls
    this.#clock = clock
    this.#ttlMsOf = ttlMsOf
  }

  /**
   * All of them at once, and only those that are not in memory are asked. Rejects only where the caller has ended it, or the cache is
   * closed.
   */
  async ask(which: readonly Registered[], call: StateQuery): Promise<QueryReport> {
    throwIfAborted(call.signal)
    const found = which.map(
      one =>
        (call.fresh ? undefined : this.#atHand(one)) ??
        this.answer(one, call).catch((error: unknown) => troubleOf(error, call.signal)),
    )
    const answers = found.every(isThere) ? found : await Promise.all(found)
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
  async answer(one: Registered, { fresh = false, signal }: StateQuery = {}): Promise<Answer> {
    const { key, plugin } = one
    // Before the cache, which would touch files for a plugin that this machine does not have.
    const away = fresh ? undefined : this.#awayBecause(key)
    const reason = away ?? (await this.#askWhetherAway(one, signal))
    if (reason !== undefined) throw unavailable(plugin, reason)
    // It is listened to from the first question on, also where the disk has the answer.
    this.#ttlMsOf(one)
    for (let tries = 1; ; tries++) {
      const before = this.#changes.get(key)
      const answer = await this.#queries.getOrCompute<JsonObject>(key, ended => this.#read(plugin, ended), {
        signal,
        fresh,
        frozen: true,
        // Before the plugin is asked: an answer lives longer only where each change since the question is told.
        ttlMsNow: () => this.#ttlMsOf(one),
      })
      // What changed while it was asked for is asked again; what changes all the time is as good as it can be.
      if (this.#changes.get(key) === before || tries === MOST_TRIES) return answer
    }
  }

  /** What the system says now, past the cache, which does not learn of it. */
  async look({ plugin }: Registered, { signal }: CallOptions = {}): Promise<JsonObject> {
    const reason = await this.reasonAgainst(plugin, signal)
    if (reason !== undefined) throw unavailable(plugin, reason)
    return this.#read(plugin, signal)
  }

  /** Why a plugin cannot serve on this machine; undefined where it can. Asked each time. */
  async reasonAgainst(plugin: StatePlugin, signal?: AbortSignal): Promise<string | undefined> {
    if (!plugin.unavailable) return undefined
    const reason = await this.#calls.call(plugin, 'unavailable', () => plugin.unavailable?.(), { signal })
    return reason === '' ? 'it does not say why' : (reason ?? undefined)
  }

  /**
   * It is going to change: nothing that was asked before this is served after it, and nothing is kept, in any process, until the function
   * that this answers was called or this process is gone.
   */
  async hold({ key }: Registered): Promise<() => Promise<void>> {
    this.#changed(key)
    const letGo = await this.#queries.hold(key)
    return () => {
      this.#changed(key)
      return letGo()
    }
  }

  /**
   * It has changed, as far as anybody knows. For changes that come in bursts: in this process as soon as it is called, in others a few
   * milliseconds later.
   */
  invalidateSoon({ key }: Registered): Promise<void> {
    this.#changed(key)
    return this.#queries.invalidate(key)
  }

  async #read(plugin: StatePlugin, signal: AbortSignal | undefined): Promise<JsonObject> {
    const query = async (ended: AbortSignal) => normaliseState(await plugin.query({ signal: ended }), plugin)
    return this.#calls.call(plugin, 'query', query, { signal })
  }

  /** What is known without asking anybody. */
  #atHand({ key }: Registered): Answer | PluginTrouble | undefined {
    const value = this.#queries.view<JsonObject>(key)
    if (value !== undefined) return { value, source: 'memory' }
    const message = this.#awayBecause(key)
    return message === undefined ? undefined : { kind: 'unavailable', message }
  }

  #awayBecause(key: string): string | undefined {
    const away = this.#away.get(key)
    return away !== undefined && this.#clock.monotonic() < away.until ? away.reason : undefined
  }

  async #askWhetherAway({ key, plugin }: Registered, signal: AbortSignal | undefined): Promise<string | undefined> {
    const before = this.#changes.get(key)
    const reason = await this.reasonAgainst(plugin, signal)
    if (reason === undefined) this.#away.delete(key)
    else if (this.#changes.get(key) === before) {
      // Not longer than an answer would be good.
      const until = this.#clock.monotonic() + Math.min(AWAY_MS, this.#queries.ttlMs)
      this.#away.set(key, { reason, until })
    }
    return reason
  }

  #changed(key: string): void {
    this.#changes.set(key, (this.#changes.get(key) ?? 0) + 1)
    this.#away.delete(key)
  }
}

function isThere<T>(answer: T | Promise<T>): answer is T {
  return !(answer instanceof Promise)
}

function unavailable({ name }: StatePlugin, reason: string): OpDbusError {
  return new OpDbusError('PLUGIN_UNAVAILABLE', reason, { details: { plugin: name, reason } })
}
