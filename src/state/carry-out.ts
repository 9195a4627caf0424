// One plugin's share of an apply: it is asked to act, then looked at, and each resource gets the outcome that the look bears out. Keeps
// nothing.
import { isError, isOpDbusError, messageOf } from '../errors.js'
import type { JsonObject } from '../json/json.js'
import { sameJson } from '../json/plain.js'
import type { Goal } from './goals.js'
import type { Outcome, ResourceName, StateAction } from './plugin.js'
import { asPluginError, type PluginCalls } from './plugin-calls.js'
import type { ResourceOutcome } from './reports.js'
import { resourceKey } from './resources.js'
import type { States } from './states.js'

/** What an apply has to do with one plugin. */
export interface Step {
  readonly goal: Goal
  /** Its state before; undefined where it could not be asked. */
  readonly before: JsonObject | undefined
  /** Everything that separates the two, refused or not. */
  readonly due: readonly StateAction[]
  /** What it is to do of that. */
  readonly actions: readonly StateAction[]
}

export interface Carried {
  readonly outcomes: readonly ResourceOutcome[]
  /** What the plugin failed with as a whole. */
  readonly error?: unknown
  /** Whether it may have begun: false where it saw that the system has moved, and said so. */
  readonly touched: boolean
  /** Whether the system is another one than before, as far as anybody knows. */
  readonly changed: boolean
  /** Settles when a plugin ends that nobody waits for any more: until then it may change something. Undefined where it has ended. */
  readonly late?: Promise<unknown>
}

export interface CarryOutParts {
  readonly states: States
  readonly calls: PluginCalls
}

/** How the plugin's own call ended. */
interface Ending {
  readonly thrown?: unknown
}

/** It says no more than that it was told to end. */
function isAbort(thrown: unknown): boolean {
  return isOpDbusError(thrown, 'ABORTED') || (isError(thrown) && thrown.name === 'AbortError')
}

/** Never rejects. */
export async function carryOut(
  step: Step,
  { states, calls }: CarryOutParts,
  signal: AbortSignal | undefined,
): Promise<Carried> {
  const { goal, actions } = step
  const { plugin } = goal.registered
  const told = new Map<string, Outcome>()
  const asked = new Set(actions.map(({ resource }) => resourceKey(resource)))
  let open = true
  let error: unknown
  let running: Promise<void> | undefined
  let own: Ending | undefined
  const report = (resource: ResourceName, outcome: Outcome) => {
    const key = resourceKey(resource)
    // What comes after the deadline, and what nobody asked for, says nothing of what is told here.
    if (open && asked.has(key)) told.set(key, outcome)
  }
  const run = (ended: AbortSignal) => {
    running = goal.carryOut(actions, { signal: ended, report }).then(
      () => {
        own = {}
      },
      (thrown: unknown) => {
        own = { thrown }
        throw thrown
      },
    )
    return running
  }
  try {
    await calls.call(plugin, 'apply', run, { signal, timeoutMs: calls.applyTimeoutMs, patient: true })
  } catch (thrown) {
    error = asPluginError(plugin.name, thrown)
    // A plugin that heeds its deadline ends with it, and what it says itself is better than that it was late.
    await new Promise(resolve => setImmediate(resolve))
    const last = own as Ending | undefined
    if (last && !('thrown' in last)) error = undefined
    else if (last && !isAbort(last.thrown)) error = asPluginError(plugin.name, last.thrown)
  }
  open = false
  const late = own === undefined ? (running as Promise<void> | undefined)?.catch(() => {}) : undefined
  const look = await states.look(goal.registered).then(
    (state): Look => ({ left: leftOf(goal, state), changed: !sameJson(state, step.before) }),
    (cause: unknown): Look => ({ fault: messageOf(cause), changed: true }),
  )
  const outcomes = actions.map(action => {
    const { status, message } = settle(told.get(resourceKey(action.resource)), { error, look, late }, action)
    return outcomeOf(step, action, status, message)
  })
  const saidSo = [...told.values()].some(({ status }) => status === 'done' || status === 'pending')
  const changed = look.changed || saidSo || late !== undefined
  const touched = told.size > 0 || look.changed || !isOpDbusError(error, 'CONFLICT')
  return { outcomes, error, touched, changed, ...(late && { late }) }
}

/** What a look afterwards says: which resources still differ, or why nobody knows; and whether the state is another one than before. */
type Look =
  | { readonly left: ReadonlySet<string>; readonly changed: boolean; readonly fault?: undefined }
  | { readonly fault: string; readonly changed: boolean }

function leftOf(goal: Goal, state: JsonObject): ReadonlySet<string> {
  const left = goal.actionsFrom(state).filter(({ kind }) => kind !== 'none')
  return new Set(left.map(({ resource }) => resourceKey(resource)))
}

/** How the call as a whole went. */
interface Ended extends Pick<Carried, 'error' | 'late'> {
  readonly look: Look
}

function settle(
  told: Outcome | undefined,
  { error, look, late }: Ended,
  { resource }: StateAction,
): Pick<ResourceOutcome, 'status' | 'message'> {
  const confirmed = look.fault === undefined && !look.left.has(resourceKey(resource))
  const said = typeof told?.message === 'string' ? told.message : undefined
  switch (told?.status) {
    case 'done':
      if (confirmed) return { status: 'done', message: said }
      return {
        status: 'unconfirmed',
        message: `the plugin said done${said === undefined ? '' : ` (${said})`}${seen(look)}`,
      }
    case 'pending':
      return { status: 'pending', message: said }
    case 'failed':
      return { status: 'failed', message: said }
    default:
      return untold(told, confirmed, { error, look, late })
  }
}

/** Of what the plugin has said nothing that could be understood. */
function untold(
  told: Outcome | undefined,
  confirmed: boolean,
  { error, late }: Ended,
): Pick<ResourceOutcome, 'status' | 'message'> {
  if (error !== undefined) {
    const why = messageOf(error)
    if (confirmed) return { status: 'pending', message: `a look afterwards shows it, and the plugin does not: ${why}` }
    if (late) return { status: 'pending', message: `not known: ${why}, and it may still happen` }
    return { status: 'failed', message: why }
  }
  const word = told === undefined ? 'nothing' : JSON.stringify(told.status ?? null)
  if (confirmed) {
    return { status: 'done', message: 'the plugin did not say so, but a look afterwards shows it' }
  }
  return { status: 'failed', message: `the plugin said ${word} of it` }
}

const seen = ({ fault }: Look) =>
  fault === undefined ? ', and the state still differs' : `; the look afterwards failed: ${fault}`

export function refusedOutcome(step: Step, action: StateAction): ResourceOutcome {
  return outcomeOf(step, action, 'refused', 'refused' in action ? action.refused : undefined)
}

export function skippedOutcome(step: Step, action: StateAction, why: string): ResourceOutcome {
  return outcomeOf(step, action, 'skipped', why)
}

function outcomeOf(
  { goal }: Step,
  { kind, resource }: StateAction,
  status: ResourceOutcome['status'],
  message: string | undefined,
): ResourceOutcome {
  const { name } = goal.registered.plugin
  const action = kind === 'none' ? 'modify' : kind
  return { plugin: name, resource, action, status, ...(message !== undefined && { message }) }
}
