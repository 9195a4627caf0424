// Plans as files: text and back. Opens no file.
import type { Plan } from './reports.js'

export function planText(plan: Plan): string {
  return `${JSON.stringify(plan, null, 2)}\n`
}

/**
 * The plan in the text of a file; `file` names it in messages.
 * @throws OpDbusError INVALID_INPUT, a line `file:line:column path: message` for each problem
 */
export function readPlan(_text: string | Uint8Array, _file: string): Plan {
  throw new Error('being written')
}
