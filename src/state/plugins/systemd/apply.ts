// Enables, masks, starts and stops units, and says of each how it went. What systemd was asked and has not done when the time is over is
// `pending`: it goes on with it.
import { setTimeout as wait } from 'node:timers/promises'
import { abortError, messageOf } from '../../../errors.js'
import type { JsonObject, JsonValue } from '../../../json/json.js'
import type { ApplyCall, Outcome, StateAction } from '../../plugin.js'
import { conflict } from '../errors.js'
import { type Bus, isAnswered } from './bus.js'
import { Jobs } from './jobs.js'
import { typeOf } from './names.js'
import { NO_SUCH_UNIT, type Systemd } from './systemd1.js'
import { fileState, isActive, pathOf, queryUnits, type Unit } from './units.js'

/** A service that is wrongly configured ends within so long. */
const SETTLE_MS = 200
/** Types of services that are started as soon as their program is: systemd.service(5). */
const UNREADY = new Set(['simple', 'exec', 'idle'])

/** What is to be so of one unit; absent: as it is. */
interface UnitGoal {
  readonly name: string
  readonly action: StateAction
  readonly active?: boolean
  readonly enabled?: boolean
  readonly masked?: boolean
  /** Until the next boot only. */
  readonly runtime: boolean
  /** The active state that was there before a rollback, where it is none that can be asked for. */
  readonly beyond?: string
}

/** @throws OpDbusError CONFLICT where a unit is not what the actions say that it was; nothing is done then */
export async function applyUnits(
  systemd: Systemd,
  actions: readonly StateAction[],
  call: ApplyCall,
  settleMs = SETTLE_MS,
): Promise<void> {
  const jobs = await Jobs.listen(systemd)
  const { units } = await queryUnits(systemd)
  for (const action of actions) mustBeUnmoved(action, units)

  const outcomes = new Outcomes(call, systemd.bus)
  const goals = actions.map(goalOf)
  const stopTelling = outcomes.pendingAt(call.signal)
  try {
    const ready = await changeFiles(systemd, goals, units, outcomes)
    await Promise.all(ready.map(goal => changeActive(systemd, jobs, goal, units[goal.name], { outcomes, settleMs })))
  } finally {
    stopTelling()
  }
  if (call.signal.aborted) throw abortError(call.signal)
}

function mustBeUnmoved(action: StateAction, units: Readonly<Record<string, Unit>>): void {
  const { name } = action.resource
  const unit: JsonObject | undefined = Object.hasOwn(units, name) ? units[name] : undefined
  const expected: readonly (readonly [string, JsonValue | undefined])[] =
    action.kind === 'modify'
      ? action.changes.map(({ path, old }) => [path.slice(1), old] as const)
      : action.kind === 'delete'
        ? Object.entries(action.old)
        : []
  const isThere = action.kind !== 'create'
  const moved = (what: string) => conflict(`${name} ${what}`, { plugin: 'systemd', unit: name })
  if ((unit !== undefined) !== isThere) throw moved(isThere ? 'is gone' : 'is there by now')
  for (const [field, old] of expected) {
    // Starting and stopping lead to what is wanted from any active state.
    if (field === 'active_state') continue
    if (unit?.[field] !== old) throw moved(`has ${field} ${unit?.[field]}, and ${old} was seen`)
  }
}

function goalOf(action: StateAction): UnitGoal {
  const { name } = action.resource
  if (action.kind === 'delete') return { name, action, active: false, enabled: false, runtime: false }
  const wanted: Readonly<Record<string, JsonValue | undefined>> =
    action.kind === 'create'
      ? action.new
      : Object.fromEntries(
          action.kind === 'modify' ? action.changes.map(change => [change.path.slice(1), change.new]) : [],
        )
  const { active_state: state, enabled, masked, unit_file_state: file } = wanted
  const active = state === undefined ? undefined : state === 'active' || state === 'activating'
  return {
    name,
    action,
    runtime: typeof file === 'string' && file.endsWith('-runtime'),
    ...(active !== undefined && { active }),
    ...(typeof enabled === 'boolean' && { enabled }),
    ...(typeof masked === 'boolean' && { masked }),
    ...(typeof state === 'string' && !/^(in)?active$/.test(state) && { beyond: state }),
  }
}

/** Those of `goals` whose files are now as they should be; the others have their outcome. */
async function changeFiles(
  systemd: Systemd,
  goals: readonly UnitGoal[],
  units: Readonly<Record<string, Unit>>,
  outcomes: Outcomes,
): Promise<UnitGoal[]> {
  const ready: UnitGoal[] = []
  const changed: UnitGoal[] = []
  for (const goal of goals) {
    if (goal.enabled === undefined && goal.masked === undefined) {
      ready.push(goal)
      continue
    }
    outcomes.begin(goal)
    try {
      await changeFile(systemd, goal, units[goal.name])
      changed.push(goal)
    } catch (error) {
      outcomes.fail(goal, error)
    }
  }
  if (changed.length === 0) return ready
  try {
    await systemd.reload()
    return [...ready, ...changed]
  } catch (error) {
    for (const goal of changed) outcomes.fail(goal, error, 'its files are changed, and systemd did not read them: ')
    return ready
  }
}

async function changeFile(systemd: Systemd, goal: UnitGoal, now: Unit | undefined): Promise<void> {
  const { name, enabled, masked, runtime } = goal
  if (masked === false) await systemd.unmask(name, now?.unit_file_state === 'masked-runtime')
  if (enabled === false) {
    // Under a mask it may have been enabled all the time.
    const state = masked === false ? await fileState(systemd, name) : now?.unit_file_state
    await systemd.disable(name, state === 'enabled-runtime')
  }
  if (enabled === true) {
    const { carriesInstallInfo, links } = await systemd.enable(name, runtime)
    if (!carriesInstallInfo && links === 0) throw new Error('its file has no [Install] section: it cannot be enabled')
  }
  if (masked === true) await systemd.mask(name, runtime)
}

async function changeActive(
  systemd: Systemd,
  jobs: Jobs,
  goal: UnitGoal,
  now: Unit | undefined,
  { outcomes, settleMs }: { readonly outcomes: Outcomes; readonly settleMs: number },
): Promise<void> {
  const { name, active, beyond } = goal
  if (active === undefined) return outcomes.done(goal)
  outcomes.begin(goal)
  try {
    // RefUnit fails for units that do not exist; the start job then reports that.
    if (active) await systemd.keep(name).catch(() => {})
    const result = await jobs.run(active ? 'start' : 'stop', name)
    const path = await pathOf(systemd, name)
    const look = () => lookAt(systemd, path, name)
    const found = result === 'done' && active ? await settled(look, settleMs, systemd.signal) : await look()
    const asWanted = active ? isActive(found.state) : found.state === 'inactive'
    if (!active && result === 'done' && found.state === 'failed') {
      // It is stopped: that it failed is all that keeps it from being inactive.
      await systemd.resetFailed(name)
      outcomes.done(goal, now?.active_state === 'failed' ? undefined : `it is stopped, and had failed${found.reason}`)
    } else if (result !== 'done' || !asWanted || found.restarted) {
      outcomes.tell(goal, { status: 'failed', message: whyNot(active, result, found) })
    } else if (beyond === undefined) outcomes.done(goal)
    else outcomes.done(goal, `it is ${active ? 'started' : 'stopped'}: that it was ${beyond} cannot be restored`)
  } catch (error) {
    // A unit that is gone is stopped.
    if (active === false && isAnswered(error, NO_SUCH_UNIT)) outcomes.done(goal)
    else outcomes.fail(goal, error)
  }
}

/** What the unit is after its job. */
interface Found {
  readonly state: string
  /** How often systemd has started it again by itself. */
  readonly restarts: number
  /** It is started as soon as its program is, whether that can do its work or not. */
  readonly unready: boolean
  /** What systemd keeps of how it went, to be put behind: `: result exit-code, status 1`. */
  readonly reason: string
  /** It ended, and was started again, since its start. */
  readonly restarted?: boolean
}

async function lookAt(systemd: Systemd, path: string | undefined, name: string): Promise<Found> {
  if (path === undefined) return { state: 'inactive', restarts: 0, unready: false, reason: '' }
  const type = typeOf(name)
  const of = type.charAt(0).toUpperCase() + type.slice(1)
  const ask = <T>(from: string, property: string) =>
    systemd.property<T>(path, from, property).catch((): undefined => undefined)
  const [state, result, status, restarts, condition, kind] = await Promise.all([
    systemd.property<string>(path, 'Unit', 'ActiveState'),
    ask<string>(of, 'Result'),
    ask<number>('Service', 'ExecMainStatus'),
    ask<number>('Service', 'NRestarts'),
    ask<boolean>('Unit', 'ConditionResult'),
    ask<string>('Service', 'Type'),
  ])
  let reason = ''
  if (result !== undefined && result !== 'success') reason = `: result ${result}${status ? `, status ${status}` : ''}`
  else if (state === 'inactive' && condition === false) reason = ': a condition of its file is not met'
  else if (state === 'inactive' && kind === 'oneshot') reason = ': it ran and is over, as what is "Type=oneshot" does'
  return { state, restarts: restarts ?? 0, unready: UNREADY.has(kind ?? ''), reason }
}

/** Looks at a unit that was started, and where it does not say itself that it is ready, again `settleMs` later. */
async function settled(look: () => Promise<Found>, settleMs: number, signal: AbortSignal): Promise<Found> {
  const first = await look()
  if (!isActive(first.state) || !first.unready) return first
  await wait(settleMs, undefined, { signal })
  const second = await look()
  return { ...second, restarted: second.restarts > first.restarts }
}

/** Why the unit is not active, or not inactive, in systemd's own words. */
function whyNot(active: boolean, result: string, { state, reason, restarted }: Found): string {
  if (result !== 'done') return `its ${active ? 'start' : 'stop'} job ended with "${result}"; it is ${state}${reason}`
  if (restarted) return `it was started, ended, and was started again${reason}`
  return `it was ${active ? 'started' : 'stopped'}, and is now ${state}${reason}`
}

/** Tells the outcome of each goal once, and of those that are under way when the time is over. */
class Outcomes {
  readonly #call: ApplyCall
  readonly #bus: Bus
  readonly #begun = new Set<UnitGoal>()
  readonly #told = new Set<UnitGoal>()

  constructor(call: ApplyCall, bus: Bus) {
    this.#call = call
    this.#bus = bus
  }

  /** systemd is asked. */
  begin(goal: UnitGoal): void {
    if (!this.#bus.closed) this.#begun.add(goal)
  }

  done(goal: UnitGoal, message?: string): void {
    this.tell(goal, { status: 'done', ...(message !== undefined && { message }) })
  }

  fail(goal: UnitGoal, error: unknown, before = ''): void {
    // What was under way then is told, and what was not yet begun is not done.
    if (this.#call.signal.aborted) return
    // A bus that is lost takes the answer along, and not what was asked.
    if (this.#bus.closed && this.#begun.has(goal)) {
      const message = `systemd was asked, and whether it did it is not known: ${messageOf(error)}`
      this.tell(goal, { status: 'pending', message })
    } else this.tell(goal, { status: 'failed', message: before + messageOf(error) })
  }

  tell(goal: UnitGoal, outcome: Outcome): void {
    if (this.#told.has(goal)) return
    this.#told.add(goal)
    this.#call.report(goal.action.resource, outcome)
  }

  /** From within the signal's own event: who waits for `signal` may hear nothing later. */
  pendingAt(signal: AbortSignal): () => void {
    const onAbort = () => {
      for (const goal of this.#begun) {
        this.tell(goal, {
          status: 'pending',
          message: 'systemd was asked, and had not done it when the apply ended: it goes on with it',
        })
      }
    }
    signal.addEventListener('abort', onAbort, { once: true })
    return () => signal.removeEventListener('abort', onAbort)
  }
}
