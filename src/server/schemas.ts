// Every body and answer of `/api` by name, as JSON schemas: what the validator and the OpenAPI document go by. They say what the types in
// api.ts say; test/server/schemas.test.ts holds the two together.
import { unbounded } from '../format.js'
import { cacheSchemas } from './schemas/caches.js'
import { chainSchemas } from './schemas/chain.js'
import { type Builder, partsOf } from './schemas/parts.js'
import { stateSchemas } from './schemas/state.js'
import { tuningSchemas } from './schemas/tuning.js'

/** By the name that they have in the document. */
export function apiSchemas(T: Builder) {
  const parts = partsOf(T)
  const { text } = parts
  return {
    ApiError: T.Object({
      error: T.Object({
        code: text,
        message: text,
        details: T.Optional(T.Unsafe<Readonly<Record<string, unknown>>>({ type: 'object' })),
      }),
    }),
    DaemonInfo: T.Object({
      name: T.Literal('op-dbus'),
      version: text,
      tokens: T.Object({ read: parts.flag, write: parts.flag }),
      may: T.Object({ read: parts.flag, write: parts.flag }),
    }),
    ...cacheSchemas(T, parts),
    ...stateSchemas(T, parts),
    ...chainSchemas(T, parts),
    ...tuningSchemas(T, parts),
  }
}

export type ApiSchemas = ReturnType<typeof apiSchemas>
export type ApiSchemaName = keyof ApiSchemas

/** Every `/api` answer may be an error. */
const ERRORS = { '4xx': { $ref: 'ApiError#' }, '5xx': { $ref: 'ApiError#' } }

/** A route's schema: what it is called, what is sent, what is answered. */
export function described(
  summary: string,
  names: { readonly body?: ApiSchemaName; readonly answer?: ApiSchemaName; readonly list?: ApiSchemaName },
) {
  const { body, answer, list } = names
  const ok = list ? { type: 'array', items: { $ref: `${list}#` } } : answer && { $ref: `${answer}#` }
  return {
    summary,
    ...(body && { body: { $ref: `${body}#` } }),
    response: { ...(ok && { 200: { description: summary, ...ok } }), ...ERRORS },
  }
}

/** An answer of ours as JSON, whole: what has no bound (a capacity) is null. */
export const AS_JSON = { serializerCompiler: () => (answer: unknown) => JSON.stringify(answer, unbounded) }
