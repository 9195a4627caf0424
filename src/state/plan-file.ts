// Plans as files: text and back. Opens no file.
import * as v from 'valibot'
import { OpDbusError } from '../errors.js'
import type { JsonObject, JsonValue } from './json.js'
import { Problems, readJson } from './json-text.js'
import { deepFreeze, isObject, MAX_BYTES, MAX_DEPTH, plainJson } from './plain.js'
import { pointerTo } from './pointer.js'
import type { Plan } from './reports.js'

/** A plan says what is there as well as what is desired, and nests both a little deeper. */
const LIMITS = { maxBytes: 4 * MAX_BYTES, maxDepth: MAX_DEPTH + 16 }

const AGAIN = 'make it again: op-dbus apply FILE --dry-run --plan OUT'

const json = v.custom<JsonValue>(() => true)
const object = v.custom<JsonObject>(value => isObject(value as JsonValue), 'is not an object')
const text = v.string('is not a text')
const hash = v.pipe(text, v.regex(/^[0-9a-f]{64}$/, 'is no SHA-256 in hexadecimal'))
const refused = v.optional(text)
const resource = v.strictObject({ collection: text, name: text })

const change = v.pipe(
  v.strictObject({
    path: v.pipe(text, v.regex(/^(\/|$)/, 'is no path')),
    old: v.optional(json),
    new: v.optional(json),
  }),
  v.check(one => one.old !== undefined || one.new !== undefined, 'has neither old nor new'),
)

const action = v.variant(
  'kind',
  [
    v.strictObject({ kind: v.literal('create'), resource, new: object, refused }),
    v.strictObject({ kind: v.literal('modify'), resource, changes: v.array(change, 'is not a list'), refused }),
    v.strictObject({ kind: v.literal('delete'), resource, old: object, refused }),
    v.strictObject({ kind: v.literal('none'), resource }),
  ],
  'is none of create, modify, delete and none',
)

const desired = v.strictObject({
  version: v.literal(1, 'is not 1'),
  plugins: v.record(text, v.strictObject({ prune: v.boolean('is neither true nor false'), state: object })),
})

const diff = v.strictObject({
  plugin: text,
  version: text,
  currentHash: hash,
  desiredHash: hash,
  actions: v.array(action, 'is not a list'),
})

const plan = v.strictObject({
  'op-dbus': v.literal('plan'),
  version: v.literal(1),
  created: v.pipe(text, v.isoTimestamp('is no time of ISO 8601')),
  to: v.union(
    [v.strictObject({ desired }), v.strictObject({ checkpoint: text })],
    'is neither a desired state nor a checkpoint',
  ),
  diffs: v.array(diff, 'is not a list'),
  trouble: v.optional(
    v.record(
      text,
      v.strictObject({
        kind: v.picklist(['unavailable', 'failed'], 'is neither unavailable nor failed'),
        message: text,
      }),
    ),
  ),
})

/**
 * A plan as the text of a file.
 * @throws OpDbusError INVALID_INPUT for one that would be too long to be read again
 */
export function planText(plan: Plan): string {
  const text = `${JSON.stringify(plan, null, 2)}\n`
  if (text.length <= LIMITS.maxBytes) return text
  const most = LIMITS.maxBytes / 1024 / 1024
  throw new OpDbusError('INVALID_INPUT', `the plan is over ${most} MiB of text: apply one plugin at a time, with -p`)
}

/**
 * The plan in the text of a file; `file` names it in messages. What it leads to is what the file says: {@link desiredFile} and
 * {@link checkDesired} tell whether the plugins know it.
 * @throws OpDbusError INVALID_INPUT, a line `file:line:column path: message` for each problem
 */
export function readPlan(text: string | Uint8Array, file: string): Plan {
  const source = readJson(text, file, LIMITS)
  const problems = new Problems()
  const fault = (path: string, message: string) => {
    problems.add(path, message)
    return null
  }
  const value = plainJson(source.value, { fault, unsafe: 'fault', ...LIMITS })
  problems.throwIfAny(source)
  checkKind(value, problems)
  problems.throwIfAny(source)
  const read = v.safeParse(plan, value)
  for (const { path, message } of read.issues ?? []) {
    problems.add(pointerTo((path ?? []).map(item => String(item.key))), said(message))
  }
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

/** What valibot says of members that are missing or unknown, in the words of the other messages. */
function said(message: string): string {
  if (/Expected never/.test(message)) return 'is no member of a plan'
  return message.startsWith('Invalid') ? 'is missing or not what a plan has here' : message
}
