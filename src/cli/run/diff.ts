// `op-dbus diff|verify`: what separates the system from a desired file.
import { OpDbusError } from '../../errors.js'
import { plural } from '../../format.js'
import type { Operation } from '../../state/json-patch.js'
import type { DiffReport } from '../../state/reports.js'
import type { State } from '../../state.js'
import type { CommandCall } from '../command.js'
import { DIFFERS, NO_ANSWER } from '../exit-codes.js'
import { diffText, summaryOf } from '../state-text.js'
import type { Terminal } from '../terminal.js'
import {
  callOf,
  desiredIn,
  differs,
  fileOf,
  jsonText,
  lookOf,
  type StateValues,
  tellTrouble,
  wantsJson,
  withState,
} from './state.js'

export type DiffValues = StateValues & {
  readonly format?: string
  readonly fresh?: boolean
  readonly 'exit-code'?: boolean
}

const FORMATS = ['text', 'json', 'json-patch'] as const
export type DiffFormat = (typeof FORMATS)[number]

export async function diff({ values, args, terminal }: CommandCall<DiffValues>): Promise<number> {
  const path = fileOf(args, 'diff')
  const format = formatOf(values, terminal)
  return withState(values, terminal, async state => {
    const desired = await desiredIn(path, values, state, terminal)
    const report = await state.diff(desired, { ...callOf(values, terminal), fresh: values.fresh })
    tellTrouble(report.trouble, terminal)
    await terminal.out(await reportText(state, report, format, terminal))
    return codeOf(report, values['exit-code'] === true)
  })
}

export async function verify({ values, args, terminal }: CommandCall<StateValues>): Promise<number> {
  const path = fileOf(args, 'verify')
  return withState(values, terminal, async state => {
    const desired = await desiredIn(path, values, state, terminal)
    const report = await state.verify(desired, callOf(values, terminal))
    tellTrouble(report.trouble, terminal)
    const resources = report.diffs.reduce((sum, { actions }) => sum + actions.length, 0)
    const equal = report.same
      ? `equal: ${plural(resources, 'resource is', 'resources are')} as ${path} says\n`
      : undefined
    await terminal.out(
      wantsJson(values, terminal) ? jsonText(report) : (equal ?? (await reportText(state, report, 'text', terminal))),
    )
    return codeOf(report, true)
  })
}

/** `line`: of several reports, each on a line of its own. */
export async function reportText(
  state: State,
  report: DiffReport,
  format: DiffFormat,
  terminal: Terminal,
  line?: 'line',
): Promise<string> {
  if (format === 'json') return jsonText(report, line)
  if (format === 'json-patch') return jsonText(await patchOf(state, report, terminal), line)
  const text = diffText(report.diffs, lookOf(terminal))
  return `${text}${text === '' ? '' : '\n'}${summaryOf(report.diffs)}\n`
}

/** From the state that was compared, which the cache still has, or from one like it: the patch's own tests say so where it is another. */
async function patchOf(state: State, { diffs }: DiffReport, terminal: Terminal): Promise<readonly Operation[]> {
  const call = { signal: terminal.signal }
  const current = await state.query(
    diffs.map(({ plugin }) => plugin),
    call,
  )
  const { jsonPatch } = await import('../../state/json-patch.js')
  return jsonPatch(current, diffs, await state.plugins(call))
}

/** What did not answer may differ as well: that is told first. */
function codeOf({ diffs, trouble }: DiffReport, asked: boolean): number {
  if (Object.keys(trouble).length > 0) return NO_ANSWER
  return asked && differs(diffs) ? DIFFERS : 0
}

export function formatOf(values: DiffValues, terminal: Terminal): DiffFormat {
  const given = values.format ?? (values.json ? 'json' : terminal.outTty ? 'text' : 'json')
  const format = FORMATS.find(known => known === given)
  if (format === undefined) {
    throw new OpDbusError('INVALID_INPUT', `unknown format "${given}"; there are: ${FORMATS.join(', ')}`)
  }
  if (values.json && format !== 'json') throw new OpDbusError('INVALID_INPUT', `--json and --format ${format} differ`)
  return format
}
