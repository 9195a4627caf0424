// What the schemas of `/api` are made of. The builder is handed in: whoever serves nothing loads no package for it.
import type { Static, TSchema, Type } from '../http.js'

/** TypeBox's builder of JSON schemas. */
export type Builder = typeof Type

export const SOURCES = ['memory', 'disk', 'shared', 'pattern', 'computed'] as const
export const CACHES = ['embeddings', 'blocks', 'queries', 'diffs'] as const
export const DEVICES = ['cuda', 'webgpu', 'cpu', 'wasm', 'custom'] as const

/** What several schemas have. */
export function partsOf(T: Builder) {
  const text = T.String()
  const flag = T.Boolean()
  const number = T.Number()
  const count = T.Integer({ minimum: 0 })
  /** What has no bound is null. */
  const bound = T.Unsafe<number>({ type: ['number', 'null'] })
  const source = T.Enum([...SOURCES])
  const cache = T.Enum([...CACHES])
  const device = T.Enum([...DEVICES])
  const bySource = <S extends TSchema>(value: S) =>
    T.Object({ memory: value, disk: value, shared: value, pattern: value, computed: value })
  const texts = T.Array(text)
  const hash = T.String({ pattern: '^[0-9a-f]{64}$' })
  const trouble = T.Record(T.String(), T.Object({ kind: T.Enum(['unavailable', 'failed']), message: text }))
  const sourceByName = T.Record(T.String(), source)
  /** An object of JSON whose members are not ours to say. */
  const object = <V>(description: string) => T.Unsafe<V>({ type: 'object', description })
  return {
    text,
    flag,
    number,
    count,
    bound,
    source,
    cache,
    device,
    bySource,
    texts,
    hash,
    trouble,
    sourceByName,
    object,
  }
}

export type Parts = ReturnType<typeof partsOf>

/** Bodies: a member that is not known was meant for something, and is refused. */
export const CLOSED = { additionalProperties: false } as const

export type { Static, TSchema }
