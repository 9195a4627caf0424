// What the schemas of `/api` are made of. The builder is handed in: whoever serves nothing loads no package for it.
import type { Static, TSchema, Type } from '../http.js'

/** TypeBox's builder of JSON schemas. */
export type Builder = typeof Type

export const SOURCES = ['memory', 'disk', 'shared', 'pattern', 'computed'] as const
export const CACHES = ['embeddings', 'blocks', 'queries', 'diffs'] as const
export const DEVICES = ['cuda', 'webgpu', 'cpu', 'wasm', 'custom'] as const

// What callers may name: a fault is told in these words.
export const PLUGIN_NAME = '^[a-z][A-Za-z0-9_-]{0,49}$'
export const CHECKPOINT_ID = '^[0-9A-Za-z.-]{1,64}$'
export const BLOCK_NAME = '^(latest|\\d{1,15}|[0-9a-f]{4,64})$'
export const WHOLE_NUMBER = '^\\d{1,15}$'

export const PATTERNS_IN_WORDS: Readonly<Record<string, string>> = {
  [PLUGIN_NAME]: 'must be the name of a plugin',
  [CHECKPOINT_ID]: 'must be the id of a checkpoint, or the beginning of it',
  [BLOCK_NAME]: 'must be the number of a block, its hash or the beginning of it (4 hex digits or more), or latest',
  [WHOLE_NUMBER]: 'must be a whole number of at most 15 digits',
}

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
