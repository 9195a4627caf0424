// What `/api` answers of plugins: their state, what differs from a desired one, plans, applies, and the way back.
import { invalid, OpDbusError } from '../../errors.js'
import { differencesText } from '../../state/diff-text.js'
import { summaryOf } from '../../state/diff-words.js'
import type { DesiredInput, State } from '../../state.js'
import type {
  ApplyCallBody,
  DesiredCall,
  Plan,
  PlanCall,
  PlanReport,
  QueryCallBody,
  QueryInfo,
  RollbackCall,
} from '../api.js'
import type { Routes } from '../context.js'
import { AS_JSON, described } from '../schemas.js'

/** Bytes of a body that holds a desired state, or a plan. */
const MOST_STATE = 2 ** 22

const PLAIN = { color: false, columns: 120 } as const

export const stateRoutes: Routes = (app, { state, signalOf, carryThrough }) => {
  const read = { ...AS_JSON, config: { access: 'read', bodyBytes: MOST_STATE } } as const
  const write = { ...AS_JSON, config: { access: 'write', bodyBytes: MOST_STATE } } as const

  app.get(
    '/api/plugins',
    { ...read, schema: described('The plugins that there are', { list: 'PluginInfo' }) },
    request => state.plugins({ signal: signalOf(request) }),
  )
  app.get(
    '/api/queries',
    { ...read, schema: described('What is known of each plugin’s answer', { list: 'QueryInfo' }) },
    async (request): Promise<readonly QueryInfo[]> => {
      const infos = await state.plugins({ signal: signalOf(request) })
      const cached = await state.cached()
      return infos.map(info => ({ ...info, ...(cached[info.name] && { cached: cached[info.name]! }) }))
    },
  )
  app.get(
    '/api/checkpoints',
    { ...read, schema: described('What rollbacks lead to', { list: 'CheckpointInfo' }) },
    () => state.checkpoints(),
  )
  app.post<{ Body: QueryCallBody }>(
    '/api/query',
    { ...read, schema: described('The state now', { body: 'QueryCallBody', answer: 'QueryReport' }) },
    async request => {
      const { plugins, fresh = false, keys } = request.body
      if (keys !== undefined) await mustBeThese(state, plugins, keys)
      return state.query(plugins, { fresh, signal: signalOf(request) })
    },
  )
  app.post<{ Body: DesiredCall }>(
    '/api/diff',
    {
      ...read,
      schema: described('What separates the state from a desired one', { body: 'DiffCall', answer: 'DiffReport' }),
    },
    async request => {
      const { desired, plugins, fresh = false } = request.body
      return state.diff(await desiredIn(state, desired), { plugins, fresh, signal: signalOf(request) })
    },
  )
  app.post<{ Body: PlanCall }>(
    '/api/plan',
    {
      ...read,
      schema: described('What an apply would do now', { body: 'PlanCall', answer: 'PlanReport' }),
    },
    async request => {
      const { desired, plugins } = request.body
      return told(await state.plan(await desiredIn(state, desired), { plugins, signal: signalOf(request) }))
    },
  )
  app.post<{ Body: RollbackCall }>(
    '/api/rollback',
    { ...read, schema: described('A plan that leads back', { body: 'RollbackCall', answer: 'PlanReport' }) },
    async request => {
      const { id } = request.body
      if (id !== undefined && typeof id !== 'string')
        throw invalid('id is that of a checkpoint, or the beginning of it')
      return told(await state.planRollback(id, { signal: signalOf(request) }))
    },
  )
  app.post<{ Body: ApplyCallBody }>(
    '/api/apply',
    {
      ...write,
      schema: described('Does what a plan says', { body: 'ApplyCallBody', answer: 'ApplyReport' }),
    },
    async request => {
      const plan = await planIn(state, request.body.plan)
      signalOf(request).throwIfAborted()
      // It begins: neither a caller who leaves nor a limit of time must leave a system half-way, or without its report.
      carryThrough(request)
      return state.apply(plan)
    },
  )
}

/** As a file is read: everything that is wrong is told with its line and column. */
async function desiredIn(state: State, text: unknown): Promise<DesiredInput> {
  if (typeof text !== 'string') throw invalid('desired is the text of a desired file')
  checkCount(text, MOST_VALUES, 'the desired state')
  return state.readDesired(text, 'desired')
}

/** A plan of others is looked at from its text on, as one in a file. */
async function planIn(state: State, plan: unknown): Promise<Plan> {
  let text: string
  try {
    text = JSON.stringify(plan) ?? ''
  } catch {
    throw invalid('the plan is nested too deep')
  }
  checkCount(text, 4 * MOST_VALUES, 'the plan')
  return state.readPlan(text, 'plan')
}

/** What a desired state may hold, in values: reading and comparing it keeps everybody waiting. A plan says each several times. */
const MOST_VALUES = 50_000

/** Counts what a JSON text separates, before anybody reads it. @throws OpDbusError INVALID_INPUT */
function checkCount(json: string, most: number, what: string): void {
  let values = 0
  for (let at = 0; at < json.length; at++) {
    const unit = json.charCodeAt(at)
    if (unit === QUOTE) {
      for (at++; at < json.length && json.charCodeAt(at) !== QUOTE; at++) if (json.charCodeAt(at) === BACKSLASH) at++
    } else if (unit === COMMA || unit === COLON) values++
  }
  if (values <= most) return
  throw invalid(
    `${what} holds more values than the daemon takes (${most}): send a part, or use op-dbus on the machine itself`,
  )
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a]

function told(plan: Plan): PlanReport {
  const differences = differencesText(plan.diffs, PLAIN)
  const summary = summaryOf(plan.diffs, plan.trouble)
  return { plan, text: `${differences}${differences === '' ? '' : '\n'}${summary}\n` }
}

/** Who asks knows the plugins as they are in his process: another system's answer must not stand for his. */
async function mustBeThese(
  state: State,
  names: readonly string[] | undefined,
  keys: Readonly<Record<string, string>>,
): Promise<void> {
  const own = await state.keys()
  const asked = names ?? [...new Set([...Object.keys(own), ...Object.keys(keys)])]
  const other = asked.find(name => !Object.hasOwn(own, name) || !Object.hasOwn(keys, name) || own[name] !== keys[name])
  if (other === undefined) return
  throw new OpDbusError('CONFLICT', 'the daemon asks other plugins, or another system, than you do')
}
