// Applying a plan: one at a time on a machine, from a state that is as the plan saw it, with a checkpoint before and a look afterwards.
// What a report says is what the look showed, never what was hoped for.
import type { Diagnostics } from '../diagnostics.js'
import { isOpDbusError, messageOf, OpDbusError, throwIfAborted } from '../errors.js'
import type { JsonValue } from '../json/json.js'
import { MAX_BYTES, memberOf, plainJson } from '../json/plain.js'
import type { Clock, Timer } from '../ports.js'
import { carryOut, refusedOutcome, type Step, skippedOutcome } from './carry-out.js'
import type { Checkpoints } from './checkpoints.js'
import { writeCurrent } from './current-file.js'
import type { DataFolder } from './data-folder.js'
import { type RememberParts, refuseForgetting, rememberApply } from './footprints.js'
import type { Goal } from './goals.js'
import { movedSince } from './moved-since.js'
import type { StateAction } from './plugin.js'
import { failed, type PluginCalls, troubleOf } from './plugin-calls.js'
import { identityOf, type Registered } from './registry.js'
import type { ApplyOptions, ApplyReport, Plan, PluginCheckpoint, PluginTrouble, ResourceOutcome } from './reports.js'
import { findResource, resourceKey, resourcesOf } from './resources.js'
import type { States } from './states.js'

export interface ApplyParts extends Omit<RememberParts, 'warn'> {
  readonly states: States
  readonly calls: PluginCalls
  readonly folder: DataFolder
  readonly checkpoints: Checkpoints
  readonly clock: Clock
  /** Does not keep the process alive. */
  readonly quietTimer: Timer
  readonly diagnostics: Pick<Diagnostics, 'applied' | 'warn'>
  /** Every plugin there is. */
  readonly all: readonly Registered[]
}

/** `goals`: what the plan leads to, of the plugins that it has diffs of. */
export async function applyPlan(
  plan: Plan,
  goals: readonly Goal[],
  parts: ApplyParts,
  { signal, onOutcome, onWait }: ApplyOptions,
): Promise<ApplyReport> {
  const release = await parts.folder.acquire(signal, onWait)
  const tell = (outcome: ResourceOutcome) => {
    try {
      onOutcome?.(outcome)
    } catch (error) {
      parts.diagnostics.warn(`a listener of outcomes threw: ${messageOf(error)}`, error)
    }
  }
  const apply = new Apply(plan, goals, parts, tell)
  try {
    await parts.folder.tidy()
    return await apply.run(signal)
  } finally {
    // A plugin that was given up and still works is not alone on the system if another apply begins; it is not waited for without end.
    const { late } = apply
    if (late === undefined) await release()
    else void Promise.race([late, after(parts.quietTimer, parts.calls.applyTimeoutMs)]).then(release)
  }
}

function after(timer: Timer, ms: number): Promise<void> {
  return new Promise(resolve => {
    timer(ms, resolve)
  })
}

class Apply {
  readonly #plan: Plan
  readonly #goals: readonly Goal[]
  readonly #parts: ApplyParts
  readonly #tell: (outcome: ResourceOutcome) => void
  readonly #trouble: Record<string, PluginTrouble>
  readonly #outcomes = new Map<string, ResourceOutcome>()
  readonly #unplanned: ResourceOutcome[] = []
  /** By plugin: how long its part took. */
  readonly #micros = new Map<string, number>()
  /** By plugin: what settles when one ends that was given up. */
  readonly #late = new Map<string, Promise<unknown>>()

  constructor(plan: Plan, goals: readonly Goal[], parts: ApplyParts, tell: (outcome: ResourceOutcome) => void) {
    this.#plan = plan
    this.#goals = goals
    this.#parts = parts
    this.#tell = tell
    this.#trouble = { ...plan.trouble }
  }

  /** Settles when every plugin has ended that was given up; undefined where none was. */
  get late(): Promise<unknown> | undefined {
    return this.#late.size === 0 ? undefined : Promise.all(this.#late.values())
  }

  async run(signal: AbortSignal | undefined): Promise<ApplyReport> {
    const remembering = { ...this.#parts, warn: this.#parts.diagnostics.warn }
    if (canDo(this.#plan)) await refuseForgetting(remembering, signal)
    this.#tellUnplanned()
    const { steps, checkpoint } = await this.#holding(() => this.#change(signal))
    await this.#writeCurrent()
    if (checkpoint !== undefined) {
      await this.#parts.checkpoints.prune('checkpoint' in this.#plan.to ? this.#plan.to.checkpoint : undefined)
    }
    const report = this.#report(steps, checkpoint)
    const applied = { plan: this.#plan, steps, report, micros: this.#micros }
    return { ...report, ...(await rememberApply(applied, remembering)) }
  }

  async #change(signal: AbortSignal | undefined): Promise<{ steps: Step[]; checkpoint?: string }> {
    const steps = await this.#look(signal)
    const toDo = steps.filter(({ actions }) => actions.length > 0)
    if (toDo.length === 0) return { steps }
    const kept = await this.#keep(toDo, signal)
    if (kept.length === 0) return { steps }

    const { checkpoints } = this.#parts
    const { id } = await checkpoints.put(kept)
    let changed = false
    try {
      const ready = toDo.filter(step => kept.some(({ plugin }) => plugin === step.goal.registered.plugin.name))
      changed = await this.#carryOut(ready, signal)
    } finally {
      // Where nothing was changed there is nothing to lead back to.
      if (!changed) checkpoints.drop(id)
    }
    return { steps, ...(changed && { checkpoint: id }) }
  }

  /** What could not be planned is told as what it is: left out. */
  #tellUnplanned(): void {
    const { to, trouble = {} } = this.#plan
    if (!('desired' in to)) return
    for (const { plugin } of this.#parts.all) {
      const wanted = to.desired.plugins[plugin.name]
      const why = trouble[plugin.name]?.message
      if (wanted === undefined || why === undefined) continue
      for (const [collection, rule] of Object.entries(plugin.resources)) {
        for (const [name, { ensure }] of resourcesOf(rule, memberOf(wanted.state, collection))) {
          const action = ensure === 'absent' ? 'delete' : 'modify'
          const resource = { collection, name }
          const outcome: ResourceOutcome = { plugin: plugin.name, resource, action, status: 'skipped', message: why }
          this.#unplanned.push(outcome)
          this.#tell(outcome)
        }
      }
    }
  }

  /** @throws OpDbusError CONFLICT where a state has moved since the plan */
  async #look(signal: AbortSignal | undefined): Promise<Step[]> {
    const moved: string[] = []
    const steps = await Promise.all(
      this.#goals.map(async (goal): Promise<Step> => {
        const { name } = goal.registered.plugin
        try {
          const before = await this.#parts.states.look(goal.registered, { signal })
          const all = goal.actionsFrom(before)
          moved.push(
            ...movedSince(goal.registered.plugin, this.#planned(goal), all).map(resource => `${name} ${resource}`),
          )
          const due = all.filter(({ kind }) => kind !== 'none')
          return { goal, before, due, actions: due.filter(action => !isRefused(action)) }
        } catch (error) {
          this.#trouble[name] = troubleOf(error, signal)
          return {
            goal,
            before: undefined,
            due: this.#planned(goal).filter(({ kind }) => kind !== 'none'),
            actions: [],
          }
        }
      }),
    )
    if (moved.length > 0) throw conflict(moved)
    for (const step of steps) {
      const lost = step.before ? undefined : this.#trouble[step.goal.registered.plugin.name]?.message
      for (const action of step.due) {
        if (lost !== undefined) this.#know(skippedOutcome(step, action, lost))
        else if (isRefused(action)) this.#know(refusedOutcome(step, action))
      }
    }
    return steps
  }

  #planned(goal: Goal) {
    return this.#plan.diffs.find(({ plugin }) => plugin === goal.registered.plugin.name)?.actions ?? []
  }

  /** What each plugin is about to change, as it is. A plugin that cannot say what it needs for a rollback is not applied. */
  async #keep(steps: readonly Step[], signal: AbortSignal | undefined): Promise<PluginCheckpoint[]> {
    const kept: PluginCheckpoint[] = []
    for (const step of steps) {
      const { plugin } = step.goal.registered
      try {
        const extra = await this.#extraOf(step, signal)
        const resources = step.actions.map(action => ({
          resource: action.resource,
          before: findResource(plugin, step.before ?? {}, action.resource) ?? null,
          ...(action.kind === 'modify' && { changes: action.changes }),
        }))
        kept.push({ ...identityOf(plugin), resources, extra })
      } catch (error) {
        const trouble = troubleOf(error, signal)
        this.#trouble[plugin.name] = trouble
        for (const action of step.actions) this.#know(skippedOutcome(step, action, `no checkpoint: ${trouble.message}`))
      }
    }
    throwIfAborted(signal)
    return kept
  }

  async #extraOf({ goal, actions }: Step, signal: AbortSignal | undefined): Promise<JsonValue> {
    const { plugin } = goal.registered
    if (!plugin.checkpoint) return null
    const extra = await this.#parts.calls.call(
      plugin,
      'checkpoint',
      ended => plugin.checkpoint?.(actions, { signal: ended }) ?? null,
      { signal },
    )
    const fault = (path: string, message: string): never => {
      throw failed(plugin.name, `gave a checkpoint that is no JSON: ${path || 'the whole'} ${message}`)
    }
    // Raw rows may be longer than the state that is made of them.
    return plainJson(extra ?? null, { fault, unsafe: 'text', maxBytes: 4 * MAX_BYTES })
  }

  /**
   * Plugin after plugin: one that fails stops no other. Answers whether anything may have been changed.
   * @throws OpDbusError CONFLICT where the first saw one, and nothing was changed
   */
  async #carryOut(steps: readonly Step[], signal: AbortSignal | undefined): Promise<boolean> {
    let anything = false
    for (const [index, step] of steps.entries()) {
      if (signal?.aborted) {
        for (const action of step.actions) this.#know(skippedOutcome(step, action, 'the apply was aborted'))
        continue
      }
      const { name } = step.goal.registered.plugin
      const began = this.#parts.clock.monotonic()
      const { outcomes, error, touched, changed, late } = await carryOut(step, this.#parts, signal)
      this.#micros.set(name, 1000 * (this.#parts.clock.monotonic() - began))
      this.#tellApplied(name, outcomes)
      if (late) this.#late.set(name, late)
      if (index === 0 && !touched && isOpDbusError(error, 'CONFLICT')) throw error
      anything ||= changed
      for (const outcome of outcomes) this.#know(outcome)
      if (error !== undefined && !signal?.aborted) this.#trouble[name] = troubleOf(error)
    }
    return anything
  }

  #tellApplied(plugin: string, outcomes: readonly ResourceOutcome[]): void {
    const { diagnostics } = this.#parts
    if (!diagnostics.applied.heard) return
    const counts: Record<string, number> = {}
    for (const { status } of outcomes) counts[status] = (counts[status] ?? 0) + 1
    diagnostics.applied.tell({ plugin, outcomes: counts, micros: this.#micros.get(plugin)! })
  }

  /** Whether it is applied, or feels it. */
  readonly #concerned = ({ plugin: { name } }: Registered): boolean =>
    this.#goals.some(({ registered: { plugin } }) => plugin.name === name || plugin.affects?.includes(name))

  /** While `work` goes on, and until what it has begun has ended, no process keeps what the plugins answer that it is about. */
  async #holding<T>(work: () => Promise<T>): Promise<T> {
    const { all, states } = this.#parts
    const held = await Promise.all(
      all.filter(this.#concerned).map(async one => ({ one, letGo: await states.hold(one) })),
    )
    try {
      return await work()
    } finally {
      await Promise.all(
        held.map(({ one, letGo }) => {
          const late = this.#lateOn(one)
          if (late.length === 0) return letGo()
          void Promise.all(late).then(letGo, () => {})
          return undefined
        }),
      )
    }
  }

  /** What still works on this plugin's part of the system. */
  #lateOn({ plugin: { name } }: Registered): Promise<unknown>[] {
    return [...this.#late].flatMap(([by, late]) => {
      const plugin = this.#goals.find(goal => goal.registered.plugin.name === by)?.registered.plugin
      return by === name || plugin?.affects?.includes(name) ? [late] : []
    })
  }

  async #writeCurrent(): Promise<void> {
    const { all, diagnostics } = this.#parts
    const still = all.filter(one => this.#lateOn(one).length > 0)
    for (const { plugin } of still) {
      diagnostics.warn(`the state of ${plugin.name} was not written down: it is still being changed`)
    }
    try {
      const settled = all.filter(one => !still.includes(one))
      await writeCurrent(settled, this.#concerned, { ...this.#parts, warn: diagnostics.warn })
    } catch (error) {
      // What was done is done, and has to be told.
      diagnostics.warn(`the state after the apply was not written down: ${messageOf(error)}`, error)
    }
  }

  #know(outcome: ResourceOutcome): void {
    this.#outcomes.set(`${outcome.plugin} ${resourceKey(outcome.resource)}`, outcome)
    this.#tell(outcome)
  }

  /** In the order of plugins and their actions, whenever each was known. */
  #report(steps: readonly Step[], checkpoint: string | undefined): ApplyReport {
    const known = steps.flatMap(step => step.due.flatMap(action => this.#outcomes.get(keyOf(step, action)) ?? []))
    const outcomes = [...known, ...this.#unplanned]
    const success = outcomes.every(({ status }) => status === 'done') && Object.keys(this.#trouble).length === 0
    return { success, outcomes, ...(checkpoint !== undefined && { checkpoint }), trouble: this.#trouble }
  }
}

/** Something is to be done that no plugin refuses. */
function canDo({ diffs }: Plan): boolean {
  return diffs.some(({ actions }) => actions.some(action => action.kind !== 'none' && !isRefused(action)))
}

function isRefused(action: StateAction): boolean {
  return action.kind !== 'none' && action.refused !== undefined
}

function keyOf({ goal }: Step, { resource }: Pick<StateAction, 'resource'>): string {
  return `${goal.registered.plugin.name} ${resourceKey(resource)}`
}

function conflict(moved: readonly string[]): OpDbusError {
  const some = `${moved.slice(0, 5).join(', ')}${moved.length > 5 ? ` and ${moved.length - 5} more` : ''}`
  return new OpDbusError(
    'CONFLICT',
    `the state has moved since the plan was made: ${some}\nnothing was changed: look at the difference again`,
    { details: { resources: moved } },
  )
}
