// Plans in files, as `op-dbus apply --plan` writes and reads them.
import { isDeepStrictEqual } from 'node:util'
import { OpDbusError } from '../../errors.js'
import { desiredFile } from '../../state/desired.js'
import { PLAN_LIMITS } from '../../state/plan-text.js'
import type { Plan } from '../../state/reports.js'
import type { State } from '../../state.js'
import { readWhole } from '../input.js'
import type { Terminal } from '../terminal.js'
import { told } from './telling.js'

/** @throws OpDbusError INVALID_INPUT */
export async function readPlanFile(path: string, state: State, terminal: Terminal): Promise<Plan> {
  const name = path === '-' ? 'standard input' : path
  const bytes = await readWhole(path, PLAN_LIMITS.maxBytes, terminal.signal)
  return told(name, terminal, () => state.readPlan(bytes, name))
}

/**
 * Plans anew what `plan` leads to.
 * @throws OpDbusError CONFLICT where that is another plan by now
 */
export async function planAgain(state: State, plan: Plan, terminal: Terminal): Promise<void> {
  const { to } = plan
  const call = { signal: terminal.signal, plugins: plan.diffs.map(({ plugin }) => plugin) }
  const now =
    'desired' in to ? await state.plan(desiredFile(to.desired), call) : await state.planRollback(to.checkpoint, call)
  const what = ({ diffs }: Plan) => diffs.map(({ plugin, actions }) => ({ plugin, actions }))
  if (isDeepStrictEqual(what(now), what(plan))) return
  throw new OpDbusError(
    'CONFLICT',
    'the system is not what the plan saw: an apply of it would be refused\nmake a new plan',
  )
}
