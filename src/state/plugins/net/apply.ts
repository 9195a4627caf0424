// Carries actions out in Open vSwitch: one transact, which happens wholly or not at all, and then the wait for ovs-vswitchd.
import { messageOf, OpDbusError } from '../../../errors.js'
import type { JsonObject, JsonValue } from '../../json.js'
import type { ApplyCall, Outcome, StateAction } from '../../plugin.js'
import type { Operation, OvsdbClient, TransactReply } from './client.js'
import { KERNEL_FIELDS } from './fields.js'
import { asKept, stillThere } from './kept.js'
import { operationsFor } from './operations.js'
import { elements, type Row, uuidOf, uuidRef } from './rows.js'
import { readSnapshot, type Snapshot } from './snapshot.js'
import { conflict, type Goal, goalOf } from './wanted.js'

export interface ApplyContext {
  client(): Promise<OvsdbClient>
  /** So long ovs-vswitchd may take to configure what was committed. */
  readonly configureMs: number
}

/**
 * Does all of `actions`, or nothing. `extra`: what a checkpoint kept, where they lead back to it.
 * @throws OpDbusError CONFLICT, INVALID_INPUT: nothing was changed; PLUGIN_FAILED
 */
export async function applyActions(
  context: ApplyContext,
  actions: readonly StateAction[],
  extra: JsonValue | undefined,
  call: ApplyCall,
): Promise<void> {
  const { signal } = call
  const client = await context.client()
  const snapshot = await readSnapshot(client, signal)
  const goal = goalOf(snapshot, actions)
  const kept = asKept(extra)
  const { waits, changes } = operationsFor(snapshot, goal, kept, await stillThere(client, kept, signal))
  const root = snapshot.root
  if (root && changes.length > 0) {
    const reply = await client.transact([...waits, ...changes, ...nextConfiguration(root)], signal)
    if (reply.failure) throw refused(reply.failure, waits)
    const pending = await configured(client, root, reply, context.configureMs, signal)
    const errors = pending === undefined ? await complaints(client, goal, snapshot, signal) : new Map()
    for (const action of actions) call.report(action.resource, outcomeOf(action, pending, errors))
  } else {
    for (const action of actions) call.report(action.resource, outcomeOf(action, undefined, new Map()))
  }
}

/** As `ovs-vsctl` does it: ovs-vswitchd writes into `cur_cfg` the number of the configuration that it has carried out. */
function nextConfiguration(root: Row): Operation[] {
  const where = [['_uuid', '==', uuidRef(uuidOf(root))]]
  return [
    { op: 'mutate', table: 'Open_vSwitch', where, mutations: [['next_cfg', '+=', 1]] },
    { op: 'select', table: 'Open_vSwitch', where, columns: ['next_cfg'] },
  ]
}

function refused(
  { operation, error, details }: NonNullable<TransactReply['failure']>,
  waits: readonly Operation[],
): OpDbusError {
  const wait = waits[operation]
  if (wait) {
    const [seen] = wait.rows as Row[]
    const what = `${wait.table}, ${(wait.columns as string[]).join(', ')}`
    return conflict(
      undefined,
      seen ? `in the table ${what} is not what it was` : `a row of the table ${wait.table} has that name now`,
    )
  }
  return new OpDbusError(
    'PLUGIN_FAILED',
    `Open vSwitch refused the change, and nothing was changed: ${error}: ${details}`,
    {
      details: { plugin: 'net', error, reason: details },
    },
  )
}

/** Waits, without asking again and again, until ovs-vswitchd has carried it out. Undefined: it has; else why that is not known. */
async function configured(
  client: OvsdbClient,
  root: Row,
  reply: TransactReply,
  timeout: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const next = (reply.results.at(-1)?.rows as readonly JsonObject[] | undefined)?.[0]?.next_cfg
  const where = [
    ['_uuid', '==', uuidRef(uuidOf(root))],
    ['cur_cfg', '<', next],
  ]
  try {
    const wait = { op: 'wait', table: 'Open_vSwitch', timeout, where, columns: ['cur_cfg'], until: '==', rows: [] }
    const { failure } = await client.transact([wait], signal)
    if (failure === undefined) return undefined
    return 'committed, not yet configured by ovs-vswitchd: does it run?'
  } catch (error) {
    // It is committed, whatever happened since.
    return `committed; whether ovs-vswitchd has configured it is not known: ${messageOf(error)}`
  }
}

/** By the resource that it is about: what ovs-vswitchd could not do. */
async function complaints(
  client: OvsdbClient,
  goal: Goal,
  before: Snapshot,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const errors = new Map<string, string>()
  const select = { op: 'select', table: 'Interface', where: [['error', '!=', ['set', []]]], columns: ['name', 'error'] }
  const answers = await client.read([select], signal).catch(() => [])
  for (const row of (answers[0]?.rows ?? []) as Row[]) {
    const name = String(row.name)
    const port = goal.portOf.get(name) ?? before.portOf.get(name) ?? name
    const bridge = goal.bridgeOf.get(port) ?? before.bridgeOf.get(port)
    const message = `committed; ovs-vswitchd says: ${String(elements(row.error)[0])}`
    // Of a port that only its bridge speaks of, the bridge has to tell.
    const about = goal.resources.has(port) || !bridge || !goal.bridgeOf.has(port) ? [name, port] : [name, port, bridge]
    for (const resource of about) if (goal.resources.has(resource)) errors.set(resource, message)
  }
  return errors
}

function outcomeOf(action: StateAction, pending: string | undefined, errors: ReadonlyMap<string, string>): Outcome {
  const message = pending ?? errors.get(action.resource.name)
  if (message !== undefined) return { status: 'pending', message }
  // The kernel's own fields of what was made: read and not set. The look afterwards tells whether they are so all the same.
  const unset = action.kind === 'create' ? KERNEL_FIELDS.filter(field => action.new[field] !== undefined) : []
  if (unset.length === 0) return { status: 'done' }
  return { status: 'done', message: `made; what the kernel says of it is not set in this version: ${unset.join(', ')}` }
}
