// The schemas of what `/api` says of caches, models and look-ups.
import type { SpaceInfo } from '../api.js'
import { type Builder, CLOSED, type Parts, type TSchema } from './parts.js'
import { tuningState } from './tuning.js'

/** As the documentation of the embeddings API has it. */
export const MOST_TEXTS = 2048
/** Neighbours that a look-up may ask for. */
export const MOST_NEIGHBOURS = 50

export function cacheSchemas(T: Builder, parts: Parts) {
  const { text, flag, number, count, bound, source, cache, device, bySource, texts } = parts
  const O = T.Optional
  const counts = { hits: count, misses: count, evictions: count }
  const tier = {
    ...counts,
    size: count,
    capacity: bound,
    bytes: number,
    capacityBytes: bound,
    hitRate: number,
    utilization: number,
  }
  const storeTier = T.Object({ ...tier, skipped: count, damaged: count, dropped: count })
  const saved = { computeSeconds: number, diskSeconds: number, spentSeconds: number }
  const size = { entries: count, bytes: number }
  const patternCounts = { templates: count, hits: count }
  const refused = T.Array(
    T.Object({ device, reason: text, kind: T.Enum(['absent', 'slower', 'failed']) }, { description: 'And why.' }),
  )
  const one = T.Object({
    memory: T.Object(tier),
    disk: O(storeTier),
    shared: O(storeTier),
    hits: count,
    misses: count,
    hitRate: number,
    lifetime: T.Object({ ...counts, hitRate: number, ...saved }),
    worth: T.Object({ ...saved, memoryBytes: number, diskBytes: number }),
    onDisk: O(T.Object(size)),
    ttl: O(number),
    patterns: O(T.Object({ ...patternCounts, mode: T.Enum(['off', 'template']), lifetime: T.Object(patternCounts) })),
    model: O(T.Object({ asked: text, serves: text, gaveWay: T.Array(T.Object({ name: text, reason: text })) })),
    running: O(
      T.Object(
        {
          // Undefined, and so left out of JSON, until a model was opened.
          device: T.Unsafe<'cuda' | 'webgpu' | 'cpu' | 'wasm' | 'custom' | undefined>(device),
          workers: count,
          threads: count,
          batchTokens: T.Unsafe<number | undefined>(count),
          refused: O(refused),
        },
        { required: ['workers', 'threads'] },
      ),
    ),
  })
  const stats = T.Object({
    embeddings: one,
    blocks: one,
    queries: one,
    diffs: one,
    dir: O(text),
    storage: O(
      T.Object({
        database: text,
        problem: O(text),
        problemKind: O(T.Enum(['missing', 'denied', 'silent', 'full', 'closed', 'newer', 'foreign', 'failed'])),
        usageBytes: O(number),
        quotaBytes: O(number),
        persisted: O(flag),
      }),
    ),
  })
  const model = T.Object({
    name: text,
    serves: O(text),
    space: O(text),
    description: O(text),
    dims: O(count),
    state: T.Enum(['unopened', 'opening', 'ready', 'failed']),
    problem: O(text),
    device: O(device),
    workers: O(count),
    threads: O(count),
    refused,
    cache: one,
  })
  const latency = T.Object({ count, p50: number, p99: number })
  const daemonStats = T.Object({
    now: number,
    started: number,
    pid: count,
    node: text,
    rss: number,
    caches: stats,
    models: T.Array(model),
    rows: bySource(count),
    rowsPerSecond: number,
    latency: bySource(latency),
    requests: T.Object({ total: count, refused: count, turnedAway: count, failed: count, inHand: count }),
    savedSeconds: number,
    shared: O(T.Object({ at: text, state: T.Enum(['serving', 'connecting', 'left-alone']), problem: O(text) })),
    tuning: O(tuningState(T, parts).state),
  })
  const visit = T.Object({
    tier: T.Enum(['disk', 'shared']),
    kind: T.Enum(['hit', 'miss', 'skipped']),
    why: O(T.Enum(['timeout', 'breaker', 'error'])),
    micros: number,
  })
  const asked = <S extends TSchema>(one: S) => T.Array(one, { minItems: 1, maxItems: MOST_TEXTS })
  return {
    DaemonStats: daemonStats,
    ModelInfo: model,
    SpaceInfo: T.Object({
      ...size,
      space: T.String({ description: '32 hex digits.' }),
      description: T.Unsafe<SpaceInfo['description']>({
        type: 'object',
        additionalProperties: { type: ['string', 'number', 'boolean'] },
      }),
      dims: count,
      oldest: number,
      newest: number,
      usedBy: texts,
    }),
    LookupCall: T.Object(
      {
        text: T.String({ minLength: 1 }),
        model: O(text),
        compute: O(flag),
        neighbours: O(T.Integer({ minimum: 0, maximum: MOST_NEIGHBOURS })),
      },
      CLOSED,
    ),
    LookupReport: T.Object({
      source: O(source),
      micros: number,
      tiers: T.Array(visit),
      vector: O(T.String({ description: '`dims` floats, little-endian, as base64.' })),
      dims: count,
      tokens: O(count),
      truncated: O(flag),
      device: O(device),
      template: O(text),
      neighbours: O(T.Array(T.Object({ text, score: number }))),
    }),
    ClearCall: T.Object(
      { caches: O(T.Array(cache, { minItems: 1 })), space: O(text), shared: O(flag), preview: O(flag) },
      CLOSED,
    ),
    ClearReport: T.Object({
      gone: T.Array(
        T.Object({
          cache,
          tier: T.Enum(['memory', 'disk', 'shared']),
          space: O(text),
          entries: O(count),
          bytes: O(number),
        }),
      ),
      preview: flag,
      sharedStays: flag,
    }),
    WarmCall: T.Object(
      {
        texts: O(asked(T.String({ minLength: 1 }))),
        keys: O(asked(T.String({ pattern: '^[0-9a-f]{64}$' }))),
        embed: O(flag),
        model: O(text),
        space: O(text),
      },
      CLOSED,
    ),
    WarmReport: T.Object({ texts: count, rows: bySource(count), absent: count, noRoom: count, micros: number }),
    RowsCall: T.Object({ texts: asked(text), space: text }, CLOSED),
    RowsReport: T.Object({
      space: text,
      dims: count,
      vectors: T.String({
        description: 'texts x dims floats, row-major, little-endian, as base64. Rows of texts that failed are zeros.',
      }),
      sources: T.Array(source),
      devices: T.Array(device),
      tokens: T.Array(count),
      truncated: T.Array(flag),
      templates: O(texts),
      failed: T.Array(T.Object({ index: count, code: text, message: text })),
    }),
  }
}
