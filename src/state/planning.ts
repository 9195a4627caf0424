// From desired states, plans and checkpoints to goals, and from goals to diffs and plans. Changes nothing.
import { OpDbusError } from '../errors.js'
import type { Clock, Source } from '../ports.js'
import { refuseStrangers } from './checkpoints.js'
import { checkDesired, type DesiredInput, desiredFile } from './desired.js'
import { isPlan } from './formats.js'
import { checkpointGoals, type Diffs, desiredGoals, type Goal } from './goals.js'
import { asPluginError, troubleOf } from './plugin-calls.js'
import { choose, type Registered, strangerTo } from './registry.js'
import type { Checkpoint, Desired, DiffReport, Plan, PluginDiff, PluginTrouble, StateQuery } from './reports.js'
import type { States } from './states.js'

/** The part of a desired state that is about `names`, and what it leads to. */
export function goalsOf(
  input: DesiredInput,
  all: readonly Registered[],
  names: readonly string[] | undefined,
): { desired: Desired; goals: Goal[] } {
  const desired = checkDesired(
    input,
    all.map(({ plugin }) => plugin),
  )
  const chosen = choose(all, names)
  const unsaid = names && chosen.find(({ plugin }) => !Object.hasOwn(desired.plugins, plugin.name))
  if (unsaid) {
    const said = Object.keys(desired.plugins).join(', ') || 'none'
    throw new OpDbusError(
      'INVALID_INPUT',
      `the desired state says nothing of plugin "${unsaid.plugin.name}"; it is about: ${said}`,
    )
  }
  const goals = desiredGoals(desired, chosen)
  const plugins = Object.fromEntries(
    goals.map(({ registered: { plugin } }) => [plugin.name, desired.plugins[plugin.name]!]),
  )
  return { desired: { version: 1, plugins }, goals }
}

/** What a plan leads to, of the plugins that it has diffs of. @throws OpDbusError INVALID_INPUT, CONFLICT */
export async function goalsOfPlan(
  plan: Plan,
  all: readonly Registered[],
  machine: string | undefined,
  checkpoint: (id: string) => Promise<Checkpoint>,
): Promise<readonly Goal[]> {
  if (!isPlan(plan)) {
    throw noPlan('it has not the form of one')
  }
  const goals =
    'desired' in plan.to
      ? goalsOf(desiredFile(plan.to.desired), all, undefined).goals
      : checkpointGoals(await checkpoint(plan.to.checkpoint), all)
  if (machine !== undefined && plan.machine === undefined) {
    throw new OpDbusError(
      'CONFLICT',
      'the plan does not say which machine it was made on\nnothing was changed; make a new plan here',
    )
  }
  refuseStrangers('plan', plan.machine, machine)
  const names = plan.diffs.map(({ plugin }) => plugin)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw noPlan(`it has two diffs of plugin "${twice}"`)
  const unsaid = goals.find(
    ({ registered: { plugin } }) => ![...names, ...Object.keys(plan.trouble ?? {})].includes(plugin.name),
  )
  if (unsaid) throw noPlan(`it has no diff of plugin "${unsaid.registered.plugin.name}", which it leads to`)
  return plan.diffs.map(diff => {
    const registered = all.find(({ plugin }) => plugin.name === diff.plugin)
    const why = strangerTo(diff, registered)
    if (why !== undefined) throw new OpDbusError('CONFLICT', `the plan ${why}\nnothing was changed; make a new plan`)
    const goal = goals.find(one => one.registered === registered)
    if (goal === undefined) throw noPlan(`it has a diff of plugin "${diff.plugin}", which it does not lead to`)
    return goal
  })
}

function noPlan(why: string): OpDbusError {
  return new OpDbusError('INVALID_INPUT', `this is no plan: ${why}\ntake what plan() or planRollback() answers`)
}

export interface ComparingParts {
  readonly clock: Clock
  /** A digest of the machine's id; undefined where it has none. */
  readonly machine: string | undefined
}

export class Comparing {
  readonly #states: States
  readonly #diffs: Diffs
  readonly #clock: Clock
  readonly #machine: string | undefined

  constructor(states: States, diffs: Diffs, { clock, machine }: ComparingParts) {
    this.#states = states
    this.#diffs = diffs
    this.#clock = clock
    this.#machine = machine
  }

  /** Diffs of these goals, of all plugins that answer. */
  async compare(goals: readonly Goal[], call: StateQuery): Promise<DiffReport> {
    const asked = await this.#states.ask(
      goals.map(({ registered }) => registered),
      call,
    )
    const trouble: Record<string, PluginTrouble> = { ...asked.trouble }
    const diffs: PluginDiff[] = []
    const sources: Record<string, Source> = {}
    const stateSources: Record<string, Source> = {}
    for (const goal of goals) {
      const { name } = goal.registered.plugin
      const current = asked.plugins[name]
      if (current === undefined) continue
      try {
        const { diff, source } = await this.#diffs.of(goal, current)
        diffs.push(diff)
        sources[name] = source
        stateSources[name] = asked.sources[name]!
      } catch (error) {
        trouble[name] = troubleOf(asPluginError(name, error), call.signal)
      }
    }
    const same =
      Object.keys(trouble).length === 0 && diffs.every(({ actions }) => actions.every(({ kind }) => kind === 'none'))
    return { same, diffs, sources, stateSources, trouble }
  }

  /** A plan out of what was compared. */
  plan(to: Plan['to'], { diffs, trouble }: DiffReport): Plan {
    const created = new Date(this.#clock.now()).toISOString()
    const troubled = Object.keys(trouble).length > 0
    const machine = this.#machine
    return {
      ...{ 'op-dbus': 'plan', version: 1, created },
      ...(machine !== undefined && { machine }),
      ...{ to, diffs },
      ...(troubled && { trouble }),
    } as const
  }
}
