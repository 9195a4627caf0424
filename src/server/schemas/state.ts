// The schemas of what `/api` says of plugins, diffs, plans and applies.
import type { JsonObject, JsonValue, PluginInfo } from '../../state.js'
import type { Plan, QueryReport } from '../api.js'
import { type Builder, CHECKPOINT_ID, CLOSED, type Parts, PLUGIN_NAME } from './parts.js'

export function stateSchemas(T: Builder, parts: Parts) {
  const { text, flag, number, count, source, texts, hash, trouble, sourceByName, object } = parts
  const O = T.Optional
  const capabilities = T.Object({ apply: flag, atomic: flag, rollback: flag, watch: flag })
  const info = {
    name: text,
    version: text,
    scope: O(text),
    capabilities,
    resources: T.Unsafe<PluginInfo['resources']>({
      type: 'object',
      description: 'How its state is made of resources, by collection.',
      additionalProperties: { type: 'object' },
    }),
    available: flag,
    reason: O(text),
    push: T.Enum(['on', 'off', 'lost']),
  }
  const resource = T.Object({ collection: text, name: text })
  const json = T.Unsafe<JsonValue>({})
  const fields = object<JsonObject>('Its fields.')
  const kind = <K extends string>(name: K) => ({ kind: T.Literal(name), resource })
  const action = T.Union([
    T.Object({ ...kind('create'), new: fields, refused: O(text) }),
    T.Object({
      ...kind('modify'),
      changes: T.Array(T.Object({ path: text, old: O(json), new: O(json) })),
      refused: O(text),
    }),
    T.Object({
      ...kind('delete'),
      old: fields,
      with: O(T.Array(T.Object({ resource, old: fields }))),
      refused: O(text),
    }),
    T.Object(kind('none')),
  ])
  const diff = T.Object({
    plugin: text,
    version: text,
    scope: O(text),
    currentHash: hash,
    desiredHash: hash,
    actions: T.Array(action),
  })
  const plan = T.Object({
    'op-dbus': T.Literal('plan'),
    version: T.Literal(1),
    created: text,
    machine: O(text),
    to: T.Unsafe<Plan['to']>({ type: 'object', description: 'A desired state, or the id of a checkpoint.' }),
    diffs: T.Array(diff),
    trouble: O(trouble),
  })
  const outcome = T.Object({
    plugin: text,
    resource,
    action: T.Enum(['create', 'modify', 'delete']),
    status: T.Enum(['done', 'pending', 'unconfirmed', 'failed', 'refused', 'skipped']),
    message: O(text),
  })
  const name = T.String({ pattern: PLUGIN_NAME })
  const names = T.Array(name, { maxItems: 1000 })
  const desired = T.String({ description: 'The text of a desired file.' })
  const cached = T.Object({ ageMs: number, ttlMs: number, source, bytes: number })
  return {
    PluginInfo: T.Object(info),
    QueryInfo: T.Object({ ...info, cached: O(cached) }),
    QueryCallBody: T.Object(
      { plugins: O(names), fresh: O(flag), keys: O(T.Record(T.String(), T.String(), { maxProperties: 1000 })) },
      CLOSED,
    ),
    QueryReport: T.Object({
      plugins: T.Unsafe<QueryReport['plugins']>({ type: 'object', additionalProperties: { type: 'object' } }),
      sources: sourceByName,
      trouble,
    }),
    DiffCall: T.Object({ desired, plugins: O(names), fresh: O(flag) }, CLOSED),
    PlanCall: T.Object({ desired, plugins: O(names) }, CLOSED),
    DiffReport: T.Object({
      same: flag,
      diffs: T.Array(diff),
      sources: sourceByName,
      stateSources: sourceByName,
      trouble,
    }),
    PlanReport: T.Object({ plan, text }),
    RollbackCall: T.Object({ id: O(T.String({ pattern: CHECKPOINT_ID })) }, CLOSED),
    // Its parts are looked at by who reads plans, which says where each fault is.
    ApplyCallBody: T.Object({ plan: object<Plan>('What `/api/plan` or `/api/rollback` answered.') }, CLOSED),
    ApplyReport: T.Object({
      success: flag,
      outcomes: T.Array(outcome),
      checkpoint: O(text),
      trouble,
      blocks: O(T.Array(count)),
      unremembered: O(text),
    }),
    CheckpointInfo: T.Object({
      id: text,
      created: text,
      plugins: texts,
      resources: count,
      damaged: O(T.Literal(true)),
    }),
  }
}
