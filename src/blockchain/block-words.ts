// What is said of a block in a line, and of what a check of the chain found: words that the command line and the console share. Pure. Nothing
// here is fit for a terminal yet: what a block holds was written by others.
import { count, plural } from '../format.js'
import type { Block } from './block.js'
import { markOf } from './exchange/mark.js'
import type { VerifyReport } from './reports.js'

/** Of a text: what no line shows is not looked through, since it may be a megabyte of blanks. */
const LONGEST = 4000

/** What its text says beyond its plugin and operation, on one line; of a long text the beginning. */
export function gistOf(block: Block): string {
  const { header, body } = block
  if (body === undefined) return '(pruned)'
  const made = `plugin: ${header.plugin}\noperation: ${header.operation}\n`
  const from = body.text.startsWith(made) ? made.length : 0
  const text = body.text.slice(from, from + LONGEST)
  return `${originOf(block)}${text.trim().replace(/\s*\n\s*/g, ', ')}`
}

/** Of a block that was imported from another form: what nobody could verify is not to look like the rest. */
function originOf(block: Block): string {
  const mark = markOf(block)
  if (mark === undefined) return ''
  return mark.verified === 'none' ? '(imported, not verifiable) ' : '(imported) '
}

export interface VerifyWords {
  /** `sound: 12 blocks`, `damaged: 2 faults`. */
  readonly verdict: string
  /** What else is to be known, none of which is a fault. */
  readonly notes: readonly string[]
  /** Where vectors were computed again. What was not compared is told as well: nothing but what was is sound. */
  readonly vectors?: string
}

/** `full` and `model`: how one asks for a full check, and for another model. */
export function verifyWords(report: VerifyReport, full: string, model: string): VerifyWords {
  const { size, ok, faultCount, unannounced = 0, unverified, staleIndex = 0, head, vectors } = report
  const pruned = report.pruned - unannounced
  const notes = [
    pruned > 0 ? `${count(pruned)} without body, which was pruned` : '',
    unannounced > 0 ? `${count(unannounced)} without body, which nothing announced` : '',
    unverified > 0 ? `${count(unverified)} imported, which nobody could verify` : '',
    head && ok ? `continues the saved head of ${plural(head.size, 'block', 'blocks')}` : '',
    staleIndex > 0
      ? `${plural(staleIndex, 'place', 'places')} in the index of before, or of another copy: no fault`
      : '',
    ok && !report.full ? `bodies and the index were not looked at: ${full}` : '',
  ].filter(note => note !== '')
  const sound = report.full ? 'sound' : 'headers, links and tree are sound'
  const verdict = ok
    ? `${sound}: ${plural(size, 'block', 'blocks')}`
    : `damaged: ${plural(faultCount, 'fault', 'faults')}`
  return { verdict, notes, ...(vectors !== undefined && { vectors: vectorWords(vectors, model) }) }
}

function vectorWords({ compared, passed, missing }: NonNullable<VerifyReport['vectors']>, model: string): string {
  const notes = [
    passed > 0 ? `${count(passed)} of another model not compared: ${model} says which computes` : '',
    missing > 0 ? `${plural(missing, 'text has', 'texts have')} none` : '',
  ].filter(note => note !== '')
  return [`vectors: ${count(compared)} computed again`, ...notes].join('; ')
}
