// The forms of what is kept in files and read again: plans and checkpoints. The one place that says them. Opens no file.
import * as v from 'valibot'
import type { JsonObject, JsonValue } from '../json/json.js'
import { isObject } from '../json/plain.js'
import { pointerTo } from '../json/pointer.js'
import type { Problem } from './plugin.js'
import type { Checkpoint, Plan } from './reports.js'

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

const taken = v.optional(v.array(v.strictObject({ resource, old: object }), 'is not a list'))

const action = v.variant(
  'kind',
  [
    v.strictObject({ kind: v.literal('create'), resource, new: object, refused }),
    v.strictObject({ kind: v.literal('modify'), resource, changes: v.array(change, 'is not a list'), refused }),
    v.strictObject({ kind: v.literal('delete'), resource, old: object, with: taken, refused }),
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
  scope: v.optional(text),
  currentHash: hash,
  desiredHash: hash,
  actions: v.array(action, 'is not a list'),
})

const plan = v.strictObject({
  'op-dbus': v.literal('plan'),
  version: v.literal(1),
  created: v.pipe(text, v.isoTimestamp('is no time of ISO 8601')),
  machine: v.optional(text),
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

/** What later versions may say besides is nobody's here. */
const checkpoint = v.object({
  'op-dbus': v.literal('checkpoint'),
  version: v.literal(1),
  id: text,
  created: text,
  machine: v.optional(text),
  plugins: v.array(
    v.object({
      plugin: text,
      version: text,
      scope: v.optional(text),
      resources: v.array(v.object({ resource, before: v.nullable(object), changes: v.optional(v.array(change)) })),
      extra: json,
    }),
  ),
  sha256: hash,
})

/** Whether it has the form of a plan: what its diffs say is compared with the state anyway. */
export function isPlan(value: unknown): value is Plan {
  return v.is(plan, value)
}

export function isCheckpoint(value: unknown): value is Checkpoint {
  return v.is(checkpoint, value)
}

/** What keeps it from being a plan, and where. */
export function planProblems(value: JsonValue): Problem[] {
  const { issues = [] } = v.safeParse(plan, value)
  return issues.map(({ path = [], message }) => ({
    path: pointerTo((path as { key: unknown }[]).map(({ key }) => String(key))),
    message: said(message),
  }))
}

/** What valibot says of members that are missing or unknown, in the words of the other messages. */
function said(message: string): string {
  if (/Expected never/.test(message)) return 'is no member of a plan'
  return message.startsWith('Invalid') ? 'is missing or not what a plan has here' : message
}
