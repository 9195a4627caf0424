// Carries actions out in Open vSwitch: one transact, which happens wholly or not at all, and then the wait for ovs-vswitchd.
import { abortError, messageOf, type OpDbusError, throwIfAborted } from '../../../errors.js'
import type { JsonValue } from '../../../json/json.js'
import type { ApplyCall, Outcome, StateAction } from '../../plugin.js'
import { pluginFailed } from '../errors.js'
import { existingOf, savedRowsIn } from './checkpoint.js'
import { mayHaveHappened, type OvsdbClient, type OvsdbOperation, type TransactReply } from './client.js'
import { KERNEL_FIELDS } from './fields.js'
import { moved, type NetGoal, netGoalOf } from './goal.js'
import { transactionFor } from './operations.js'
import { elements, type Row, uuidOf, uuidRef } from './rows.js'
import { readSnapshot, type Snapshot } from './snapshot.js'

export interface ApplyContext {
  client(): Promise<OvsdbClient>
  /** So long ovs-vswitchd may take to configure what was committed. */
  readonly configureMs: number
}

/**
 * Does all of `actions`, or nothing. `extra`: what a checkpoint saved, where they lead back to it.
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
  const goal = netGoalOf(snapshot, actions)
  const saved = savedRowsIn(extra)
  const { waits, changes } = transactionFor(snapshot, goal, saved, await existingOf(client, saved, signal))
  let configured: Configured = { complaints: new Map() }
  if (snapshot.root && changes.length > 0) {
    const operations = [...waits, ...changes, ...nextConfiguration(snapshot.root)]
    const reply = await commit(client, operations, actions, call)
    if (reply.failure) throw refused(reply.failure, waits)
    // From within the signal's own event: who waits for it may hear nothing later.
    const tellCommitted = () => {
      const outcome: Outcome = { status: 'pending', message: 'committed; ovs-vswitchd had not configured it in time' }
      for (const { resource } of actions) call.report(resource, outcome)
    }
    signal.addEventListener('abort', tellCommitted, { once: true })
    if (signal.aborted) tellCommitted()
    try {
      configured = await waitUntilConfigured(client, snapshot.root, reply, context.configureMs, signal)
    } finally {
      signal.removeEventListener('abort', tellCommitted)
    }
    if (signal.aborted) throw abortError(signal)
  }
  const about = complaintsOf(configured.complaints, goal, snapshot)
  for (const action of actions)
    call.report(action.resource, outcomeOf(action, configured.pending ?? about.get(action.resource.name)))
}

/**
 * Sent, it is waited for whatever the signal says: the database may carry it out later, and until then nobody may take this for over.
 * @throws OpDbusError ABORTED: it was not sent; PLUGIN_FAILED
 */
async function commit(
  client: OvsdbClient,
  operations: readonly OvsdbOperation[],
  actions: readonly StateAction[],
  { signal, report }: ApplyCall,
): Promise<TransactReply> {
  throwIfAborted(signal)
  try {
    return await client.transact(operations, new AbortController().signal)
  } catch (error) {
    if (mayHaveHappened(error)) {
      const message = `sent, and whether the database did it is not known: ${messageOf(error)}`
      for (const { resource } of actions) report(resource, { status: 'pending', message })
    }
    throw error
  }
}

/** As `ovs-vsctl` does it: ovs-vswitchd writes into `cur_cfg` the number of the configuration that it has carried out. */
function nextConfiguration(root: Row): OvsdbOperation[] {
  const where = [['_uuid', '==', uuidRef(uuidOf(root))]]
  return [
    { op: 'mutate', table: 'Open_vSwitch', where, mutations: [['next_cfg', '+=', 1]] },
    { op: 'select', table: 'Open_vSwitch', where, columns: ['next_cfg'] },
  ]
}

function refused(
  { operation, error, details }: NonNullable<TransactReply['failure']>,
  waits: readonly OvsdbOperation[],
): OpDbusError {
  const wait = waits[operation]
  if (wait) {
    const [seen] = wait.rows as Row[]
    const what = `${wait.table}, ${(wait.columns as string[]).join(', ')}`
    return moved(
      undefined,
      seen ? `in the table ${what} is not what it was` : `a row of the table ${wait.table} has that name now`,
    )
  }
  const message = `Open vSwitch refused the change, and nothing was changed: ${error}: ${details}`
  return pluginFailed(message, { plugin: 'net', error, reason: details })
}

/** An empty set. */
const NONE = ['set', []]

interface Configured {
  /** Why it is not known that ovs-vswitchd has carried it out; undefined: it has. */
  readonly pending?: string
  /** By interface or bridge, what it could not do. */
  readonly complaints: ReadonlyMap<string, string>
}

/** Waits, without asking again and again: the database answers when `cur_cfg` is what we committed, or when the time is up. */
async function waitUntilConfigured(
  client: OvsdbClient,
  root: Row,
  committed: TransactReply,
  timeout: number,
  signal: AbortSignal,
): Promise<Configured> {
  const next = rowsOf(committed.results.at(-1))[0]?.next_cfg
  const where = [
    ['_uuid', '==', uuidRef(uuidOf(root))],
    ['cur_cfg', '<', next],
  ]
  const wait = { op: 'wait', table: 'Open_vSwitch', timeout, where, columns: ['cur_cfg'], until: '==', rows: [] }
  const errors = { op: 'select', table: 'Interface', where: [['error', '!=', NONE]], columns: ['name', 'error'] }
  const unmade = { op: 'select', table: 'Bridge', where: [['datapath_id', '==', NONE]], columns: ['name'] }
  try {
    const { failure, results } = await client.transact([wait, errors, unmade], signal)
    if (failure)
      return { pending: 'committed, not yet configured by ovs-vswitchd: does it run?', complaints: new Map() }
    const why = 'it could not make the bridge; its log says why (a datapath_type that it does not have?)'
    const bridges = rowsOf(results[2]).map(({ name }) => [String(name), why] as const)
    const complaints = rowsOf(results[1]).map(({ name, error }) => [String(name), String(elements(error)[0])] as const)
    return { complaints: new Map([...bridges, ...complaints]) }
  } catch (error) {
    // It is committed, whatever happened since.
    const pending = `committed; whether ovs-vswitchd has configured it is not known: ${messageOf(error)}`
    return { pending, complaints: new Map() }
  }
}

/** By resource, what ovs-vswitchd says of its interfaces. */
function complaintsOf(complaints: Configured['complaints'], goal: NetGoal, before: Snapshot): Map<string, string> {
  const about = new Map<string, string>()
  for (const [name, error] of complaints) {
    const port = goal.portOf.get(name) ?? before.portOf.get(name) ?? name
    const bridge = goal.bridgeOf.get(port)
    // Of a port that only its bridge speaks of, the bridge has to tell.
    const resources = goal.resources.has(port) || !bridge ? [name, port] : [name, bridge]
    for (const resource of resources) about.set(resource, `committed; ovs-vswitchd says: ${error}`)
  }
  return about
}

function outcomeOf(action: StateAction, pending: string | undefined): Outcome {
  if (pending !== undefined) return { status: 'pending', message: pending }
  const unset = unsetBy(action)
  if (unset.length === 0) return { status: 'done' }
  return { status: 'done', message: `what the kernel says of a link is not set in this version: ${unset.join(', ')}` }
}

/** Fields of the kernel beside what was done. They are left as they are; the look afterwards tells whether they are right all the same. */
function unsetBy(action: StateAction): string[] {
  if (action.kind === 'create') return KERNEL_FIELDS.filter(field => action.new[field] !== undefined)
  if (action.kind !== 'modify') return []
  return KERNEL_FIELDS.filter(field => action.changes.some(({ path }) => path.split('/')[1] === field))
}

const rowsOf = (result: Readonly<Record<string, JsonValue>> | undefined) => (result?.rows ?? []) as readonly Row[]
