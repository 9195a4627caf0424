// The manager of plugins: what is asked of the state of a system goes through here. A face: what each question takes is in the files
// beside it.
import type { QueryCache } from '../caches/query-cache.js'
import { messageOf, OpDbusError } from '../errors.js'
import type { JsonObject } from '../json/json.js'
import type { CallOptions } from '../ports.js'
import { signalOf } from '../realms.js'
import type { Changing, ChangingParts } from './changing.js'
import type { DesiredInput } from './desired.js'
import { normaliseState } from './normalise.js'
import type { Watch } from './plugin.js'
import { asPluginError, PluginCalls, troubleOf } from './plugin-calls.js'
import { Push } from './push.js'
import { choose, type Registered } from './registry.js'
import type {
  ApplyOptions,
  ApplyReport,
  CachedAnswer,
  CheckpointInfo,
  Desired,
  DiffCall,
  DiffReport,
  Plan,
  PluginInfo,
  QueryReport,
  StateQuery,
  WatchEvent,
} from './reports.js'
import { States } from './states.js'
import { watchPlugins } from './watching.js'

/** A plugin that is watched and tells nothing is asked when the cache's time is up, and not more often than this, ms. */
const LEAST_POLL_MS = 1000

/** What a first desired file holds. */
export interface InitialState {
  readonly version: 1
  readonly plugins: Readonly<Record<string, JsonObject>>
}

/** @internal */
export interface ManagerParts extends ChangingParts {
  readonly queries: QueryCache
  /** Whether plugins are listened to for the cache, and how long an answer is good then, ms. */
  readonly push: { readonly on: boolean; readonly ttlMs: number }
  /** Called last by close. */
  readonly release: () => Promise<void>
}

export class StateManager {
  readonly #parts: ManagerParts
  readonly #states: States
  readonly #push: Push
  readonly #watches = new Set<Watch>()
  readonly #applies = new Set<Promise<unknown>>()
  #loading: Promise<Changing> | undefined
  #closing: Promise<void> | undefined

  /** The root opens it. @internal */
  constructor(parts: ManagerParts) {
    const { calls, queries, clock, quietTimer, diagnostics } = parts
    this.#parts = parts
    this.#push = new Push({
      diagnostics,
      // To begin to listen is nothing that a process has to wait for.
      calls: new PluginCalls(quietTimer, calls.timeoutMs, diagnostics),
      quietTimer,
      always: parts.push.on,
      invalidate: one => this.#states.invalidateSoon(one),
      reasonAgainst: ({ plugin }) => this.#states.reasonAgainst(plugin),
    })
    this.#states = new States({ queries, calls, clock, ttlMsOf: one => this.#ttlMsOf(one) })
  }

  /** Every plugin, in the order in which they are asked and applied. @throws OpDbusError INVALID_INPUT for a module that is no plugin */
  async plugins(call: CallOptions = {}): Promise<readonly PluginInfo[]> {
    const signal = this.#enter(call)
    const all = await this.#parts.registry.all()
    return Promise.all(all.map(({ plugin }) => this.#infoOf(plugin, signal)))
  }

  /** What the cache holds of each plugin's answer; asks no system. Plugins of which it holds nothing are left out. @throws OpDbusError STORE */
  async cached(): Promise<Readonly<Record<string, CachedAnswer>>> {
    this.#enter()
    const found: Record<string, CachedAnswer> = {}
    for (const { plugin, key } of await this.#parts.registry.all()) {
      const answer = await this.#parts.queries.about(key)
      if (answer) found[plugin.name] = answer
    }
    return found
  }

  /**
   * What tells each plugin's answers from those of another system, another version, or somebody elsewhere: processes in which it is the same
   * ask the same. @internal
   */
  async keys(): Promise<Readonly<Record<string, string>>> {
    this.#enter()
    return Object.fromEntries((await this.#parts.registry.all()).map(({ plugin, key }) => [plugin.name, key]))
  }

  /**
   * The state of these plugins, or of all: cached, unless it is to be fresh. One that does not answer is told in `trouble`.
   * @throws OpDbusError INVALID_INPUT for a plugin that there is not; ABORTED
   */
  async query(names?: readonly string[], call: StateQuery = {}): Promise<QueryReport> {
    const signal = this.#enter(call)
    const { registry } = this.#parts
    const all = registry.loaded ?? (await registry.all())
    return this.#states.ask(choose(all, names), { fresh: call?.fresh, signal })
  }

  /**
   * What a desired file says. `file` is what messages call it.
   * @throws OpDbusError INVALID_INPUT (`file:line:column path: message`)
   */
  async readDesired(text: string | Uint8Array, file: string): Promise<Desired> {
    this.#enter()
    return (await this.#changing()).readDesired(text, file)
  }

  /**
   * The plan in the text of a file, which `planText` made of it. `file` is what messages call it.
   * @throws OpDbusError INVALID_INPUT (`file:line:column path: message`)
   */
  async readPlan(text: string | Uint8Array, file: string): Promise<Plan> {
    this.#enter()
    return (await this.#changing()).readPlan(text, file)
  }

  /** What separates the state from `desired`. @throws OpDbusError INVALID_INPUT, ABORTED */
  async diff(desired: DesiredInput, call: DiffCall = {}): Promise<DiffReport> {
    const signal = this.#enter(call)
    return (await this.#changing()).diff(desired, { ...call, signal })
  }

  /** As {@link diff}, of fresh state: whether the system is as desired. @throws OpDbusError INVALID_INPUT, ABORTED */
  async verify(desired: DesiredInput, call: Omit<DiffCall, 'fresh'> = {}): Promise<DiffReport> {
    return this.diff(desired, { ...call, fresh: true })
  }

  /** What an apply would do now. @throws OpDbusError INVALID_INPUT, ABORTED */
  async plan(desired: DesiredInput, call: Omit<DiffCall, 'fresh'> = {}): Promise<Plan> {
    const signal = this.#enter(call)
    return (await this.#changing()).plan(desired, { ...call, signal })
  }

  /**
   * Does what a plan says, if the state is still what the plan saw, and tells what really happened, resource by resource. A signal that
   * fires once something was changed ends it before the next plugin, and the report says what was left out.
   * @throws OpDbusError CONFLICT where the state has moved, with nothing changed; INVALID_INPUT, STORE and ABORTED, likewise
   */
  async apply(plan: Plan, options: ApplyOptions = {}): Promise<ApplyReport> {
    const signal = this.#enter(options)
    const applying = this.#changing().then(changing => changing.apply(plan, { ...options, signal }))
    this.#applies.add(applying)
    return applying.finally(() => this.#applies.delete(applying))
  }

  /** What was kept before each apply, newest first; at most the last 50. @throws OpDbusError STORE */
  async checkpoints(): Promise<readonly CheckpointInfo[]> {
    this.#enter()
    return (await this.#changing()).checkpoints()
  }

  /**
   * A plan that leads back to what was before an apply: of the newest checkpoint, or of the one whose id begins with `id`. A rollback is
   * an apply and makes a checkpoint itself: it can be taken back too.
   * @throws OpDbusError INVALID_INPUT where there is none, or several; ABORTED, STORE
   */
  async planRollback(id?: string, call: CallOptions = {}): Promise<Plan> {
    const signal = this.#enter(call)
    return (await this.#changing()).planRollback(id, signal)
  }

  /**
   * What a first desired file should say: the state now, as far as `apply` can change it. Of all plugins, those that do not serve here
   * are left out.
   * @throws OpDbusError INVALID_INPUT, ABORTED, and what a plugin failed with that was named
   */
  async initial(names?: readonly string[], call: CallOptions = {}): Promise<InitialState> {
    const signal = this.#enter(call)
    const plugins: Record<string, JsonObject> = {}
    for (const one of await this.#parts.registry.find(names)) {
      const { plugin } = one
      if (!plugin.apply) continue
      try {
        const { value } = await this.#states.answer(one, { fresh: true, signal })
        plugins[plugin.name] = plugin.initial ? normaliseState(plugin.initial(value), plugin) : value
      } catch (thrown) {
        const error = asPluginError(plugin.name, thrown)
        if (names !== undefined) throw error
        const { kind, message } = troubleOf(error, signal)
        if (kind === 'failed') this.#parts.diagnostics.warn(`${plugin.name} is left out: ${message}`, error)
      }
    }
    return { version: 1, plugins }
  }

  /**
   * Tells changes of these plugins, or of all, until the watch is closed, and keeps the process alive for that. Resolves once nothing can
   * be missed. A plugin that tells nothing by itself is asked each time that the cache's time is up. Of a burst of changes one is told in
   * 20 ms.
   * @throws OpDbusError INVALID_INPUT
   */
  async watch(names: readonly string[] | undefined, listener: (event: WatchEvent) => void): Promise<Watch> {
    this.#enter()
    if (typeof listener !== 'function') throw new OpDbusError('INVALID_INPUT', 'a listener is a function')
    const { timer, queries, diagnostics, registry } = this.#parts
    const pollMs = Math.max(LEAST_POLL_MS, queries.ttlMs)
    const parts = { timer, pollMs, warn: diagnostics.warn, states: this.#states, push: this.#push }
    const watch = await watchPlugins(await registry.find(names), listener, parts)
    const own: Watch = {
      close: () => {
        if (this.#watches.delete(own)) watch.close()
      },
    }
    this.#watches.add(own)
    if (this.#closing !== undefined) own.close()
    return own
  }

  /**
   * Ends watches, waits for an apply that is under way, lets plugins go, and closes the caches unless they are the caller's. Closing
   * twice is fine.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    for (const watch of [...this.#watches]) watch.close()
    this.#push.close()
    await Promise.allSettled(this.#applies)
    const { registry, calls, queries, diagnostics, release } = this.#parts
    // What is late is being asked anew, by plugins that are about to be let go.
    queries.endAhead()
    await queries.settled()
    for (const { plugin } of registry.loaded ?? []) {
      if (!plugin.close) continue
      await calls
        .call(plugin, 'close', () => plugin.close?.())
        .catch((error: unknown) => diagnostics.warn(messageOf(error), error))
    }
    await release()
  }

  /** Loaded once; most programs never need it. */
  #changing(): Promise<Changing> {
    this.#loading ??= import('./changing.js').then(({ Changing }) => new Changing(this.#parts, this.#states))
    return this.#loading
  }

  /** @throws OpDbusError CLOSED, INVALID_INPUT */
  #enter(call?: CallOptions): AbortSignal | undefined {
    if (this.#closing !== undefined) throw new OpDbusError('CLOSED', 'the state is closed')
    return signalOf(call)
  }

  async #infoOf(plugin: Registered['plugin'], signal: AbortSignal | undefined): Promise<PluginInfo> {
    const { name, version, scope, capabilities, resources } = plugin
    const reason = await this.#states
      .reasonAgainst(plugin, signal)
      .catch((error: unknown) => troubleOf(error, signal).message)
    return {
      name,
      version,
      ...(scope !== undefined && { scope }),
      capabilities,
      resources,
      available: reason === undefined,
      ...(reason !== undefined && { reason }),
      push: this.#push.statusOf(name),
    }
  }

  /** An answer lives longer while each change after the question is told. */
  #ttlMsOf(one: Registered): number | undefined {
    const { on, ttlMs } = this.#parts.push
    if (!on) return undefined
    this.#push.follow(one)
    return this.#push.isSound(one.plugin.name) ? ttlMs : undefined
  }
}
