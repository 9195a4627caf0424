// Plans as the text of files; plan-file.ts is the way back. Light: whoever makes plans has it.
import { OpDbusError } from '../errors.js'
import { MAX_BYTES, MAX_DEPTH } from '../json/plain.js'
import type { Plan } from './reports.js'

/** A plan says what is there as well as what is desired, and nests both a little deeper. */
export const PLAN_LIMITS = { maxBytes: 4 * MAX_BYTES, maxDepth: MAX_DEPTH + 16 }

/**
 * A plan as the text of a file.
 * @throws OpDbusError INVALID_INPUT for one that would be too long to be read again
 */
export function planText(plan: Plan): string {
  const text = `${JSON.stringify(plan, null, 2)}\n`
  if (text.length <= PLAN_LIMITS.maxBytes) return text
  const most = PLAN_LIMITS.maxBytes / 1024 / 1024
  throw new OpDbusError('INVALID_INPUT', `the plan is over ${most} MiB of text: apply one plugin at a time, with -p`)
}
