// `op-dbus diff|verify`: what separates the system from a desired file.
import { OpDbusError } from '../../errors.js'
import { plural } from '../../format.js'
import type { Desired, DiffReport } from '../../state/reports.js'
import { jsonPatch, type Operation, type State } from '../../state.js'
import type { CommandCall } from '../command.js'
import { DIFFERS, NO_ANSWER } from '../exit-codes.js'
import type { Terminal } from '../terminal.js'
import {
  callOf,
  desiredIn,
  diffAndSummary,
  differs,
  fileOf,
  type StateValues,
  tellTrouble,
  withState,
} from './state.js'
import { formatOf, jsonText, wantsJson } from './telling.js'

export type DiffValues = StateValues & {
  readonly fresh?: boolean
  readonly 'exit-code'?: boolean
}

const FORMATS = ['text', 'json', 'json-patch'] as const
export type DiffFormat = (typeof FORMATS)[number]

export async function diff({ values, args, terminal }: CommandCall<DiffValues>): Promise<number> {
  const path = fileOf(args, 'diff')
  const format = diffFormatOf(values, terminal)
  return withState(values, terminal, async state => {
    const call = callOf(values, terminal)
    const desired = await desiredIn(path, state, terminal)
    const report = await state.diff(desired, { ...call, fresh: values.fresh })
    tellTrouble(report.trouble, terminal)
    const compared = { state, desired, call }
    if (!values['exit-code'] || !onlyCode(values))
      await terminal.out(await reportText(report, format, terminal, compared))
    return codeOf(report, values['exit-code'] === true)
  })
}

export async function verify({ values, args, terminal }: CommandCall<StateValues>): Promise<number> {
  const path = fileOf(args, 'verify')
  const json = wantsJson(values, terminal)
  return withState(values, terminal, async state => {
    const call = callOf(values, terminal)
    const report = await state.verify(await desiredIn(path, state, terminal), call)
    tellTrouble(report.trouble, terminal)
    // It always asks: where an answer came from is no news.
    const text = report.same ? equalText(report, path) : diffAndSummary({ ...report, stateSources: {} }, terminal)
    if (!onlyCode(values)) await terminal.out(json ? jsonText(report) : text)
    return codeOf(report, true)
  })
}

function equalText({ diffs }: DiffReport, path: string): string {
  const resources = diffs.reduce((sum, { actions }) => sum + actions.length, 0)
  if (resources === 0) return `equal: ${path} declares no resource\n`
  return `equal: ${plural(resources, 'resource is', 'resources are')} as ${path} says\n`
}

/** Nothing but the exit code was asked for. */
function onlyCode({ quiet, json, format }: StateValues): boolean {
  return quiet === true && !json && format === undefined
}

/** What a report is of. */
interface Compared {
  readonly state: State
  readonly desired: Desired
  readonly call: ReturnType<typeof callOf>
}

/** `line`: of several reports, each on a line of its own. */
export async function reportText(
  report: DiffReport,
  format: DiffFormat,
  terminal: Terminal,
  compared: Compared,
  line?: 'line',
): Promise<string> {
  if (format === 'json') return jsonText(report, line)
  if (format === 'json-patch') return jsonText(await patchOf(report, compared), line)
  return diffAndSummary(report, terminal)
}

/** A patch needs the very state that was compared: between two diffs of one state that is what a query answers. */
async function patchOf(report: DiffReport, { state, desired, call }: Compared): Promise<readonly Operation[]> {
  const hashes = ({ diffs }: DiffReport) => diffs.map(({ currentHash }) => currentHash).join()
  const names = report.diffs.map(({ plugin }) => plugin)
  for (let tries = 0; tries < 5; tries++) {
    const current = await state.query(names, { signal: call.signal })
    const again = await state.diff(desired, call)
    if (hashes(report) === hashes(again) && Object.keys(current.trouble).length === 0) {
      return jsonPatch(current, report.diffs, await state.plugins({ signal: call.signal }))
    }
    report = again
  }
  throw new OpDbusError('CONFLICT', 'the system changes faster than it can be told as a patch; try again')
}

/** What did not answer may differ as well: that is told first. */
function codeOf({ diffs, trouble }: DiffReport, asked: boolean): number {
  if (Object.keys(trouble).length > 0) return NO_ANSWER
  return asked && differs(diffs) ? DIFFERS : 0
}

export function diffFormatOf(values: DiffValues, terminal: Terminal): DiffFormat {
  return formatOf(values, terminal, FORMATS)
}
