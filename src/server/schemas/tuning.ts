// The schemas of what `/api` says of tuning: advice, what the tuner did, what is fetched ahead, warmed and traced.
import { POLICY_CHOICES } from '../../options.js'
import { type Builder, CLOSED, type Parts } from './parts.js'

const PREDICTORS = ['refresh-ahead', 'read-ahead', 'query-successors', 'text-successors'] as const

export function tuningSchemas(T: Builder, parts: Parts) {
  const { text, flag, number, count, cache, texts } = parts
  const O = T.Optional
  const policy = T.Enum([...POLICY_CHOICES])
  const rate = T.Number({ description: '0 to 1.' })
  const point = { capacity: number, bytes: number, hitRate: rate, savedRate: rate, savedSeconds: number }
  const ofCache = T.Object({
    cache,
    saves: T.Enum(['reading', 'computing']),
    requests: number,
    keys: number,
    firstSeen: number,
    curves: T.Array(T.Object({ policy, points: T.Array(T.Object(point)) })),
    now: O(T.Object({ policy, capacity: number, bytes: number, hitRate: rate })),
    best: T.Object({ ...point, policy }),
    targets: T.Array(T.Object({ hitRate: rate, capacity: O(number), bytes: O(number) })),
    more: T.Object({ bytes: number, savedSeconds: number }),
    shared: O(T.Object({ computations: number, savedSeconds: number })),
    advice: texts,
  })
  const advice = T.Object({
    available: T.Literal(true),
    traces: count,
    requests: number,
    spanSeconds: number,
    sampled: rate,
    caches: T.Array(ofCache),
  })
  const noAdvice = T.Object({ available: T.Literal(false), reason: text })
  const { state, trace } = tuningState(T, parts)
  return {
    TuningReport: T.Object({ advice: T.Union([advice, noAdvice]), state }),
    TraceCall: T.Object({ on: flag, seconds: O(T.Number({ exclusiveMinimum: 0 })) }, CLOSED),
    TraceState: trace,
  }
}

/** What a process knows of its own tuning, and what of it is recorded. */
export function tuningState(T: Builder, { text, flag, number, count, cache }: Parts) {
  const O = T.Optional
  const policy = T.Enum([...POLICY_CHOICES])
  const rate = T.Number({ description: '0 to 1.' })
  const change = T.Object({
    at: number,
    cache,
    what: T.Enum(['capacity', 'policy']),
    from: text,
    to: text,
    why: text,
    undone: flag,
  })
  const share = T.Object({ bytes: number, policy })
  const auto = T.Object({
    on: flag,
    failed: O(text),
    budgetBytes: number,
    usedBytes: number,
    shares: T.Object({ embeddings: O(share), queries: O(share), diffs: O(share), blocks: O(share) }),
    changes: T.Array(change),
  })
  const predictor = T.Object({
    name: T.Enum([...PREDICTORS]),
    cache,
    state: T.Enum(['on', 'paused', 'off']),
    useful: count,
    useless: count,
    late: count,
    waiting: count,
    micros: number,
  })
  const stoppedBy = T.Enum(['bytes', 'time', 'clear', 'close', 'error'])
  const warm = T.Object({
    loaded: count,
    bytes: number,
    ms: number,
    gone: count,
    used: count,
    stoppedBy: O(stoppedBy),
    savedAt: O(number),
    saved: O(count),
  })
  const trace = T.Object({
    on: flag,
    files: count,
    bytes: number,
    maxBytes: number,
    requests: number,
    rate,
    dropped: number,
  })
  const state = T.Object({
    policies: T.Object({ embeddings: policy, queries: policy, diffs: policy, blocks: policy }),
    auto,
    predictors: T.Array(predictor),
    warm: O(warm),
    trace: O(trace),
  })
  return { state, trace }
}
