// Plans out of the text of files; plan-text.ts is the way there. Opens no file.

import type { JsonValue } from '../json/json.js'
import { Problems, readJson } from '../json/json-text.js'
import { deepFreeze, isObject, plainJson } from '../json/plain.js'
import { planProblems } from './formats.js'
import { PLAN_LIMITS } from './plan-text.js'
import type { Plan } from './reports.js'

const AGAIN = 'make it again: op-dbus apply FILE --plan OUT'

/**
 * The plan in the text of a file; `file` names it in messages. What it leads to is what the file says: {@link desiredFile} and
 * {@link checkDesired} tell whether the plugins know it.
 * @throws OpDbusError INVALID_INPUT, a line `file:line:column path: message` for each problem
 */
export function readPlan(text: string | Uint8Array, file: string): Plan {
  const source = readJson(text, file, PLAN_LIMITS)
  const problems = new Problems()
  const fault = (path: string, message: string) => {
    problems.add(path, message)
    return null
  }
  const value = plainJson(source.value, { fault, unsafe: 'fault', ...PLAN_LIMITS })
  problems.throwIfAny(source)
  checkKind(value, problems)
  problems.throwIfAny(source)
  for (const { path, message } of planProblems(value)) problems.add(path, message)
  problems.throwIfAny(source)
  return deepFreeze(value) as unknown as Plan
}

/** What is another kind of file, or another version's, is told as that, and not by what it lacks. */
function checkKind(value: JsonValue, problems: Problems): void {
  if (!isObject(value) || value['op-dbus'] !== 'plan') {
    problems.add('', `is no plan; ${AGAIN.replace('make it again', 'one is made by')}`)
  } else if (value.version !== 1) {
    const version = JSON.stringify(value.version) ?? 'missing'
    problems.add('/version', `is ${version}, and this op-dbus reads plans of version 1; ${AGAIN}`)
  }
}
