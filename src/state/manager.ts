// The manager of plugins: what is asked of the state of a system goes through here. A face: what each question takes is in the files beside it.
import type { DiffCache } from '../caches/diff-cache.js'
import type { QueryCache } from '../caches/query-cache.js'
import { messageOf, OpDbusError } from '../errors.js'
import type { CallOptions, Clock, Hash, Timer, Warn } from '../ports.js'
import { signalOf } from '../realms.js'
import { applyPlan } from './apply.js'
import { Checkpoints } from './checkpoints.js'
import type { DataFolder } from './data-folder.js'
import { readDesired } from './desired.js'
import { checkpointGoals, Diffs } from './goals.js'
import type { JsonObject } from './json.js'
import { normaliseState } from './normalise.js'
import { Comparing, type DesiredInput, goalsOf, goalsOfPlan } from './planning.js'
import type { Watch } from './plugin.js'
import { asPluginError, PluginCalls, troubleOf } from './plugin-calls.js'
import { Push } from './push.js'
import { choose, type Registered, type Registry } from './registry.js'
import type {
  ApplyOptions,
  ApplyReport,
  CheckpointInfo,
  Desired,
  DiffCall,
  DiffReport,
  Plan,
  PluginInfo,
  PluginTrouble,
  QueryCall,
  QueryReport,
  WatchEvent,
} from './reports.js'
import { States } from './states.js'
import { watchPlugins } from './watching.js'

/** What a first desired file holds. */
export interface InitialState {
  readonly version: 1
  readonly plugins: Readonly<Record<string, JsonObject>>
}

export interface ManagerParts {
  readonly registry: Registry
  readonly calls: PluginCalls
  readonly queries: QueryCache
  readonly diffs: DiffCache
  readonly folder: DataFolder
  readonly clock: Clock
  readonly hash: Hash
  readonly warn: Warn
  /** Keeps the process alive. */
  readonly timer: Timer
  /** Does not. */
  readonly quietTimer: Timer
  /** Whether plugins are listened to for the cache, and how long an answer is good then, ms. */
  readonly push: { readonly on: boolean; readonly ttlMs: number }
  /** How often a plugin is asked that is watched and tells nothing, ms. */
  readonly pollMs: number
  /** Called last by close. */
  readonly release: () => Promise<void>
}

export class StateManager {
  readonly #parts: ManagerParts
  readonly #states: States
  readonly #comparing: Comparing
  readonly #checkpoints: Checkpoints
  readonly #push: Push
  readonly #watches = new Set<Watch>()
  readonly #applies = new Set<Promise<unknown>>()
  #closing: Promise<void> | undefined

  /** The root opens it. @internal */
  constructor(parts: ManagerParts) {
    const { calls, queries, quietTimer } = parts
    this.#parts = parts
    this.#push = new Push({
      // To begin to listen is nothing that a process has to wait for.
      calls: new PluginCalls(quietTimer, calls.timeoutMs),
      quietTimer,
      always: parts.push.on,
      invalidate: one => this.#states.invalidateSoon(one),
      reasonAgainst: ({ plugin }) => this.#states.reasonAgainst(plugin),
    })
    this.#states = new States({ queries, calls, ttlMsOf: one => this.#ttlMsOf(one) })
    this.#comparing = new Comparing(this.#states, new Diffs(parts), parts.clock)
    this.#checkpoints = new Checkpoints(parts)
  }

  /** Every plugin, in the order in which they are asked and applied. @throws OpDbusError INVALID_INPUT for a module that is no plugin */
  async plugins(call: CallOptions = {}): Promise<readonly PluginInfo[]> {
    const signal = this.#enter(call)
    const all = await this.#parts.registry.all()
    return Promise.all(all.map(({ plugin }) => this.#infoOf(plugin, signal)))
  }

  /**
   * The state of these plugins, or of all: cached, unless it is to be fresh. One that does not answer is told in `trouble`.
   * @throws OpDbusError INVALID_INPUT for a plugin that there is not; ABORTED
   */
  async query(names?: readonly string[], call: QueryCall = {}): Promise<QueryReport> {
    const signal = this.#enter(call)
    const { fresh = false } = call ?? {}
    const { loaded } = this.#parts.registry
    if (loaded !== undefined && !fresh && !signal?.aborted) {
      const report = this.#states.view(choose(loaded, names))
      if (report !== undefined) return report
    }
    return this.#states.ask(await this.#parts.registry.find(names), { fresh, signal })
  }

  /**
   * What a desired file says. `file` is what messages call it.
   * @throws OpDbusError INVALID_INPUT (`file:line:column path: message`)
   */
  async readDesired(text: string | Uint8Array, file: string): Promise<Desired> {
    this.#enter()
    return readDesired(
      text,
      file,
      (await this.#parts.registry.all()).map(({ plugin }) => plugin),
    )
  }

  /** What separates the state from `desired`. @throws OpDbusError INVALID_INPUT, ABORTED */
  async diff(desired: DesiredInput, call: DiffCall = {}): Promise<DiffReport> {
    const signal = this.#enter(call)
    const { goals } = goalsOf(desired, await this.#parts.registry.all(), call?.plugins)
    return this.#comparing.compare(goals, { fresh: call?.fresh, signal })
  }

  /** As {@link diff}, of fresh state: whether the system is as desired. @throws OpDbusError INVALID_INPUT, ABORTED */
  async verify(desired: DesiredInput, call: Omit<DiffCall, 'fresh'> = {}): Promise<DiffReport> {
    return this.diff(desired, { ...call, fresh: true })
  }

  /** What an apply would do now. @throws OpDbusError INVALID_INPUT, ABORTED */
  async plan(desired: DesiredInput, call: Omit<DiffCall, 'fresh'> = {}): Promise<Plan> {
    const signal = this.#enter(call)
    const { desired: checked, goals } = goalsOf(desired, await this.#parts.registry.all(), call?.plugins)
    return this.#comparing.plan({ desired: checked }, await this.#comparing.compare(goals, { fresh: true, signal }))
  }

  /**
   * Does what a plan says, if the state is still what the plan saw, and tells what really happened, resource by resource. A signal that fires once
   * something was changed ends it before the next plugin, and the report says what was left out.
   * @throws OpDbusError CONFLICT where the state has moved, with nothing changed; INVALID_INPUT, STORE and ABORTED, likewise
   */
  async apply(plan: Plan, options: ApplyOptions = {}): Promise<ApplyReport> {
    const signal = this.#enter(options)
    const { calls, folder, warn, registry } = this.#parts
    const all = await registry.all()
    const goals = await goalsOfPlan(plan, all, id => this.#checkpoints.find(id))
    const parts = {
      calls,
      folder,
      warn,
      states: this.#states,
      checkpoints: this.#checkpoints,
      all,
    }
    const applying = applyPlan(plan, goals, parts, { ...options, signal })
    this.#applies.add(applying)
    return applying.finally(() => this.#applies.delete(applying))
  }

  /** What was kept before each apply, newest first; at most the last 50. @throws OpDbusError STORE */
  async checkpoints(): Promise<readonly CheckpointInfo[]> {
    this.#enter()
    return this.#checkpoints.list()
  }

  /**
   * A plan that leads back to what was before an apply: of the newest checkpoint, or of the one whose id begins with `id`. A rollback is an apply and makes
   * a checkpoint itself: it can be taken back too.
   * @throws OpDbusError INVALID_INPUT where there is none, or several; ABORTED, STORE
   */
  async planRollback(id?: string, call: CallOptions = {}): Promise<Plan> {
    const signal = this.#enter(call)
    const all = await this.#parts.registry.all()
    const checkpoint = await this.#checkpoints.find(id)
    const goals = checkpointGoals(checkpoint, all)
    const report = await this.#comparing.compare(goals, { fresh: true, signal })
    const trouble: Record<string, PluginTrouble> = { ...report.trouble }
    for (const { plugin, version } of checkpoint.plugins) {
      if (goals.some(({ registered }) => registered.plugin.name === plugin)) continue
      const now = all.find(one => one.plugin.name === plugin)?.plugin.version
      const instead = now === undefined ? 'there is no such plugin now' : `it is version ${now} now`
      trouble[plugin] = { kind: 'failed', message: `the checkpoint is of ${plugin} version ${version}, and ${instead}` }
    }
    return this.#comparing.plan({ checkpoint: checkpoint.id }, { ...report, trouble })
  }

  /**
   * What a first desired file should say: the state now, as far as `apply` can change it. Of all plugins, those that do not serve here are left out.
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
        if (kind === 'failed') this.#parts.warn(`${plugin.name} is left out: ${message}`, error)
      }
    }
    return { version: 1, plugins }
  }

  /**
   * Tells changes of these plugins, or of all, until the watch is closed, and keeps the process alive for that. Resolves once nothing can be missed. A
   * plugin that tells nothing by itself is asked each time that the cache's time is up. Of a burst of changes one is told in 20 ms.
   * @throws OpDbusError INVALID_INPUT
   */
  async watch(names: readonly string[] | undefined, listener: (event: WatchEvent) => void): Promise<Watch> {
    this.#enter()
    if (typeof listener !== 'function') throw new OpDbusError('INVALID_INPUT', 'a listener is a function')
    const { timer, pollMs, warn, registry } = this.#parts
    const parts = { timer, pollMs, warn, states: this.#states, push: this.#push }
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

  /** Ends watches, waits for an apply that is under way, lets plugins go, and closes the caches unless they are the caller's. Closing twice is fine. */
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
    const { registry, calls, queries, warn, release } = this.#parts
    // What is late is being asked anew, by plugins that are about to be let go.
    await queries.settled()
    for (const { plugin } of registry.loaded ?? []) {
      if (!plugin.close) continue
      await calls.call(plugin, 'close', () => plugin.close?.()).catch((error: unknown) => warn(messageOf(error), error))
    }
    await release()
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
