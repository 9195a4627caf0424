// `op-dbus apply|rollback`: shows what will be done, asks, does it, and tells what became of each resource.
import { isOpDbusError, OpDbusError } from '../../errors.js'
import { visibleJson } from '../../format.js'
import { outcomesText } from '../../state/diff-words.js'
import type { ApplyReport, Plan } from '../../state/reports.js'
import { planText, type State } from '../../state.js'
import { canAsk, saysYes } from '../ask.js'
import type { CommandCall } from '../command.js'
import { APPLY_FAILED, NO_ANSWER, UNREMEMBERED } from '../exit-codes.js'
import { writeOutput } from '../output.js'
import { argumentsOf } from '../settings.js'
import { checkpointsText, outcomeText } from '../state-text.js'
import type { Terminal } from '../terminal.js'
import { planAgain, readPlanFile } from './plan-files.js'
import { callOf, desiredIn, diffAndSummary, fileOf, type StateValues, tellTrouble, withState } from './state.js'
import { jsonText, lookOf, wantsJson } from './telling.js'

type Values = StateValues & {
  readonly 'dry-run'?: boolean
  readonly yes?: boolean
  readonly plan?: string
}
type RollbackValues = Values & { readonly list?: boolean }

export async function apply({ values, args, terminal }: CommandCall<Values>): Promise<number> {
  const { plan: planFile } = values
  // A format that there is not is told before anything is asked.
  wantsJson(values, terminal)
  if (args.length === 0 && planFile === undefined) {
    throw new OpDbusError('INVALID_INPUT', '"apply" takes a desired file, - for standard input, or --plan FILE')
  }
  if (args.length === 0) return applyPlan(planFile!, values, terminal)
  const path = fileOf(args, 'apply')
  if (planFile === undefined) refuseUnasked(values, path === '-')
  else if (values.yes)
    throw new OpDbusError('INVALID_INPUT', '--plan with a desired file changes nothing: leave out --yes')
  return withState(values, terminal, async state => {
    const call = callOf(values, terminal)
    const plan = await state.plan(await desiredIn(path, state, terminal), call)
    if (planFile === undefined) return carryOut(state, plan, values, terminal)
    if (planFile !== '-') await show(plan, values, terminal)
    tellTrouble(plan.trouble ?? {}, terminal)
    if (plan.trouble) throw new OpDbusError('PLUGIN_UNAVAILABLE', 'no plan was written: see above')
    await writeOutput(planFile, visibleJson(planText(plan)), terminal)
    if (planFile !== '-' && !values.quiet) {
      terminal.say(`op-dbus: nothing was changed; to carry out the plan: op-dbus apply --plan ${quoted(planFile)}`)
    }
    return 0
  })
}

async function applyPlan(path: string, values: Values, terminal: Terminal): Promise<number> {
  if (values.plugin !== undefined) {
    throw new OpDbusError('INVALID_INPUT', '--plugin goes with a desired file: a plan is carried out whole')
  }
  refuseUnasked(values, path === '-')
  return withState(values, terminal, async state => {
    const plan = await readPlanFile(path, state, terminal)
    // An apply looks by itself whether the system has moved; who only wants to see is told as well.
    if (values['dry-run']) await planAgain(state, plan, terminal)
    return carryOut(state, plan, values, terminal)
  })
}

export async function rollback({ values, args, terminal }: CommandCall<RollbackValues>): Promise<number> {
  const [id, ...more] = args
  if (more.length > 0) throw new OpDbusError('INVALID_INPUT', '"rollback" takes one checkpoint')
  if (values.list) {
    if (id !== undefined) throw new OpDbusError('INVALID_INPUT', '--list takes no checkpoint: it lists all')
    return withState(values, terminal, async state => {
      const checkpoints = await state.checkpoints()
      const json = wantsJson(values, terminal)
      await terminal.out(json ? jsonText({ checkpoints }) : checkpointsText(checkpoints, Date.now()))
      return 0
    })
  }
  refuseUnasked(values, false)
  return withState(values, terminal, async state =>
    carryOut(state, await state.planRollback(id, { signal: terminal.signal }), values, terminal),
  )
}

/** Shows the plan, asks where that is wanted, and does it. */
async function carryOut(state: State, plan: Plan, values: Values, terminal: Terminal): Promise<number> {
  const json = wantsJson(values, terminal)
  tellTrouble(plan.trouble ?? {}, terminal)
  const code = plan.trouble ? NO_ANSWER : 0
  if (values['dry-run']) {
    await show(plan, values, terminal)
    return code
  }
  const asks = !values.yes && canDo(plan)
  if (!json) await show(plan, values, terminal)
  // The question stands on the other terminal, and so does what it is about.
  else if (asks) terminal.say(diffAndSummary(plan, terminal).trimEnd())
  if (asks && !(await saysYes('Apply this?', terminal))) {
    terminal.say('op-dbus: nothing was changed')
    if (json)
      await terminal.out(jsonText({ success: false, outcomes: [], trouble: plan.trouble ?? {} } satisfies ApplyReport))
    return APPLY_FAILED
  }
  const report = await follow(state, plan, json, values, terminal)
  // Somebody who has ended an apply half-way has to learn all the more what was done.
  await terminal.last(json ? jsonText(report) : `${outcomesText(report)}\n`)
  const fresh = Object.entries(report.trouble).filter(([plugin]) => plan.trouble?.[plugin] === undefined)
  tellTrouble(Object.fromEntries(fresh), terminal)
  if (report.blocks !== undefined && !values.quiet) {
    const [one, ...more] = report.blocks
    terminal.say(`op-dbus: remembered as ${more.length === 0 ? `block ${one}` : `blocks ${report.blocks.join(', ')}`}`)
  }
  if (report.checkpoint !== undefined && !values.quiet) {
    const flags = argumentsOf(values).map(flag => ` ${quoted(flag)}`)
    terminal.say(`op-dbus: to undo it: op-dbus rollback ${report.checkpoint}${flags.join('')}`)
  }
  if (report.outcomes.some(({ status }) => status !== 'done')) return APPLY_FAILED
  if (Object.keys(report.trouble).length > 0) return NO_ANSWER
  if (!report.success) return APPLY_FAILED
  return report.unremembered === undefined ? 0 : UNREMEMBERED
}

/** Something is to be done that no plugin refuses. */
function canDo({ diffs }: Plan): boolean {
  return diffs.some(({ actions }) => actions.some(action => action.kind !== 'none' && action.refused === undefined))
}

/** Applies, and tells each outcome as soon as it is known: to the terminal, and beside JSON on stderr. */
async function follow(
  state: State,
  plan: Plan,
  json: boolean,
  values: Values,
  terminal: Terminal,
): Promise<ApplyReport> {
  let told: Promise<unknown> = Promise.resolve()
  const applying = state.apply(plan, {
    signal: terminal.signal,
    onOutcome(outcome) {
      const line = outcomeText(outcome, json ? { ...lookOf(terminal), color: false } : lookOf(terminal))
      // What keeps it from being written is remembered by the terminal, and told at the end.
      if (!json) told = told.then(() => terminal.last(`${line}\n`)).catch(() => {})
      else if (!values.quiet) terminal.say(line)
    },
    onWait: who => terminal.say(`op-dbus: another apply is under way (${who}); waiting for it`),
  })
  const report = await applying.catch((error: unknown) => {
    // Ended before anything was changed: also that is something to be told.
    if (!isOpDbusError(error, 'ABORTED') || terminal.closed) throw error
    terminal.say('op-dbus: nothing was changed')
    return { success: false, outcomes: [], trouble: plan.trouble ?? {} } satisfies ApplyReport
  })
  await told
  return report
}

async function show(plan: Plan, values: Values, terminal: Terminal): Promise<void> {
  await terminal.out(wantsJson(values, terminal) ? jsonText(plan) : diffAndSummary(plan, terminal))
}

/** Before anything is asked: where nobody can say yes, nothing is begun. `taken`: standard input is read for something else. */
function refuseUnasked(values: Values, taken: boolean): void {
  if (values.yes || values['dry-run'] || (!taken && canAsk())) return
  const why = taken ? 'standard input is the file, and cannot answer as well' : 'there is no terminal to ask on'
  throw new OpDbusError(
    'INVALID_INPUT',
    `nothing was changed: ${why}\n--yes applies without asking, --dry-run only shows`,
  )
}

/** As one word of a shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
