// Applying a plan: one at a time on a machine, from a state that is as the plan saw it, with a checkpoint before and a look afterwards. What a
// report says is what the look showed, never what was hoped for.
import { canonicalJson } from '../cache/canonical-json.js'
import { isOpDbusError, messageOf, OpDbusError, throwIfAborted } from '../errors.js'
import type { Warn } from '../ports.js'
import { carryOut, refusedOutcome, resourceKey, type Step, skippedOutcome } from './carry-out.js'
import type { Checkpoints } from './checkpoints.js'
import { writeCurrent } from './current-file.js'
import type { DataFolder } from './data-folder.js'
import type { Goal } from './goals.js'
import type { JsonValue } from './json.js'
import type { Change, StateAction, StatePlugin } from './plugin.js'
import { failed, type PluginCalls, troubleOf } from './plugin-calls.js'
import { stepsOf } from './pointer.js'
import type { Registered } from './registry.js'
import type { ApplyOptions, ApplyReport, Plan, PluginCheckpoint, PluginTrouble, ResourceOutcome } from './reports.js'
import { findResource } from './resources.js'
import type { States } from './states.js'

export interface ApplyParts {
  readonly states: States
  readonly calls: PluginCalls
  readonly folder: DataFolder
  readonly checkpoints: Checkpoints
  readonly warn: Warn
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
  try {
    await parts.folder.tidy()
    const tell = (outcome: ResourceOutcome) => {
      try {
        onOutcome?.(outcome)
      } catch (error) {
        parts.warn(`a listener of outcomes threw: ${messageOf(error)}`, error)
      }
    }
    return await new Apply(plan, goals, parts, tell).run(signal)
  } finally {
    await release()
  }
}

class Apply {
  readonly #plan: Plan
  readonly #goals: readonly Goal[]
  readonly #parts: ApplyParts
  readonly #tell: (outcome: ResourceOutcome) => void
  readonly #trouble: Record<string, PluginTrouble>
  readonly #outcomes = new Map<string, ResourceOutcome>()

  constructor(plan: Plan, goals: readonly Goal[], parts: ApplyParts, tell: (outcome: ResourceOutcome) => void) {
    this.#plan = plan
    this.#goals = goals
    this.#parts = parts
    this.#tell = tell
    this.#trouble = { ...plan.trouble }
  }

  async run(signal: AbortSignal | undefined): Promise<ApplyReport> {
    await this.#invalidate()
    const steps = await this.#look(signal)
    const toDo = steps.filter(({ actions }) => actions.length > 0)
    if (toDo.length === 0) return this.#report(steps, undefined)

    const kept = await this.#keep(toDo, signal)
    if (kept.length === 0) return this.#report(steps, undefined)
    const { id } = await this.#parts.checkpoints.put(kept)
    try {
      const ready = toDo.filter(step => kept.some(({ plugin }) => plugin === step.goal.registered.plugin.name))
      await this.#carryOut(ready, signal)
    } catch (error) {
      // Nothing was changed: there is nothing to lead back to.
      this.#parts.checkpoints.drop(id)
      throw error
    } finally {
      await this.#invalidate()
    }
    await this.#writeCurrent()
    await this.#parts.checkpoints.prune('checkpoint' in this.#plan.to ? this.#plan.to.checkpoint : undefined)
    return this.#report(steps, id)
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
        const resources = step.actions.map(({ resource }) => ({
          resource,
          before: findResource(plugin, step.before ?? {}, resource) ?? null,
        }))
        kept.push({ plugin: plugin.name, version: plugin.version, resources, extra })
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
    try {
      return JSON.parse(JSON.stringify(extra ?? null)) as JsonValue
    } catch (error) {
      throw failed(plugin.name, `gave a checkpoint that is no JSON: ${messageOf(error)}`, error)
    }
  }

  /** Plugin after plugin: one that fails stops no other. @throws OpDbusError CONFLICT where the first saw one, and nothing was changed */
  async #carryOut(steps: readonly Step[], signal: AbortSignal | undefined): Promise<void> {
    for (const [index, step] of steps.entries()) {
      if (signal?.aborted) {
        for (const action of step.actions) this.#know(skippedOutcome(step, action, 'the apply was aborted'))
        continue
      }
      const { outcomes, error, touched } = await carryOut(step, this.#parts, signal)
      if (index === 0 && !touched && isOpDbusError(error, 'CONFLICT')) throw error
      for (const outcome of outcomes) this.#know(outcome)
      if (error !== undefined && !signal?.aborted) this.#trouble[step.goal.registered.plugin.name] = troubleOf(error)
    }
  }

  /** Whether it is applied, or feels it. */
  readonly #concerned = ({ plugin: { name } }: Registered): boolean =>
    this.#goals.some(({ registered: { plugin } }) => plugin.name === name || plugin.affects?.includes(name))

  async #invalidate(): Promise<void> {
    const { all, states } = this.#parts
    await Promise.all(all.filter(this.#concerned).map(one => states.invalidate(one)))
  }

  async #writeCurrent(): Promise<void> {
    try {
      await writeCurrent(this.#parts.all, this.#concerned, this.#parts)
    } catch (error) {
      // What was done is done, and has to be told.
      this.#parts.warn(`the state after the apply was not written down: ${messageOf(error)}`, error)
    }
  }

  #know(outcome: ResourceOutcome): void {
    this.#outcomes.set(`${outcome.plugin} ${resourceKey(outcome.resource)}`, outcome)
    this.#tell(outcome)
  }

  /** In the order of plugins and their actions, whenever each was known. */
  #report(steps: readonly Step[], checkpoint: string | undefined): ApplyReport {
    const outcomes = steps.flatMap(step => step.due.flatMap(action => this.#outcomes.get(keyOf(step, action)) ?? []))
    const success = outcomes.every(({ status }) => status === 'done') && Object.keys(this.#trouble).length === 0
    return { success, outcomes, ...(checkpoint !== undefined && { checkpoint }), trouble: this.#trouble }
  }
}

function isRefused(action: StateAction): boolean {
  return action.kind !== 'none' && action.refused !== undefined
}

function keyOf({ goal }: Step, { resource }: Pick<StateAction, 'resource'>): string {
  return `${goal.registered.plugin.name} ${resourceKey(resource)}`
}

/** The resources for which the plan says something else than what is to be done now. */
function movedSince(plugin: StatePlugin, planned: readonly StateAction[], now: readonly StateAction[]): string[] {
  const byKey = (actions: readonly StateAction[]) => new Map(actions.map(one => [resourceKey(one.resource), one]))
  const [before, after] = [byKey(planned), byKey(now)]
  const keys = new Set([...before.keys(), ...after.keys()])
  return [...keys].filter(key => !isAsPlanned(plugin, before.get(key), after.get(key)))
}

/** Of volatile fields only the goal counts, and one that has reached it by itself is no move. */
function isAsPlanned(
  { resources }: StatePlugin,
  planned: StateAction | undefined,
  now: StateAction | undefined,
): boolean {
  if (planned === undefined || now === undefined) return false
  const volatile = resources[now.resource.collection]?.volatile ?? []
  if (volatile.length === 0 || planned.kind !== 'modify') return canonicalJson(planned) === canonicalJson(now)
  if (now.kind !== 'modify' && now.kind !== 'none') return false
  const isVolatile = ({ path }: Change) => volatile.includes(stepsOf(path)?.[0] ?? '')
  const nowChanges = now.kind === 'modify' ? now.changes : []
  const others = (changes: readonly Change[]) => canonicalJson(changes.filter(change => !isVolatile(change)))
  const goals = (changes: readonly Change[]) =>
    changes.filter(isVolatile).map(change => canonicalJson({ path: change.path, new: change.new }))
  const plannedGoals = goals(planned.changes)
  return (
    planned.refused === (now.kind === 'modify' ? now.refused : undefined) &&
    others(planned.changes) === others(nowChanges) &&
    goals(nowChanges).every(goal => plannedGoals.includes(goal))
  )
}

function conflict(moved: readonly string[]): OpDbusError {
  const some = `${moved.slice(0, 5).join(', ')}${moved.length > 5 ? ` and ${moved.length - 5} more` : ''}`
  return new OpDbusError(
    'CONFLICT',
    `the state has moved since the plan was made: ${some}\nnothing was changed; make a new plan`,
    { details: { resources: moved } },
  )
}
