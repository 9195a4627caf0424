// What `/api/tuning` may say once everything is on: for the looks of a screen that a daemon cannot be brought to in a moment.
import type { PolicyName } from '../../src/cache/eviction.js'
import type { TuningReport } from '../../src/server/api.js'
import type { CacheAdvice, CurvePoint } from '../../src/tuning/report.js'

const POLICIES: readonly PolicyName[] = ['lru', 'sieve', 's3-fifo', 'w-tinylfu', 'gdsf', 'cost-s3-fifo']
const DAY = 86_400_000

/** A curve that rises, the faster the larger `skill`. */
function point(capacity: number, skill: number): CurvePoint {
  const hitRate = 0.9 * (1 - (1 + capacity / 900) ** -skill)
  return { capacity, bytes: 2048 * capacity, hitRate, savedRate: 0.95 * hitRate, savedSeconds: 3000 * hitRate }
}

function adviceOf(cache: CacheAdvice['cache'], keys: number): CacheAdvice {
  const sizes = Array.from({ length: 24 }, (_, i) => Math.round(20 * (keys / 20) ** (i / 23)))
  const curves = POLICIES.map((policy, i) => ({ policy, points: sizes.map(size => point(size, 0.4 + 0.07 * i)) }))
  return {
    cache,
    saves: cache === 'embeddings' ? 'reading' : 'computing',
    requests: 1_234_567,
    keys,
    firstSeen: 0.1 * keys,
    curves,
    now: { policy: 'lru', capacity: 1000, bytes: 2_048_000, hitRate: 0.24 },
    best: { policy: 'cost-s3-fifo', ...point(1000, 0.75) },
    targets: [{ hitRate: 0.8, capacity: 18_000, bytes: 36_864_000 }, { hitRate: 0.9 }, { hitRate: 0.95 }],
    more: { bytes: 10e6, savedSeconds: 420 },
    shared: { computations: 1200, savedSeconds: 96 },
    advice: [
      `${cache}: cost-aware S3-FIFO would save 18 s of computing a day more than LRU at the size that there is now.`,
      '10 MB more of memory would save 7.0 min of computing a day.',
    ],
  }
}

/** Of a daemon that has run for a while, `now` being Unix ms. */
export function tuningFixture(now: number): TuningReport {
  return {
    advice: {
      available: true,
      traces: 2,
      requests: 1_300_000,
      spanSeconds: 6 * 3600,
      sampled: 0.1,
      caches: [adviceOf('embeddings', 40_000), adviceOf('queries', 300)],
    },
    state: {
      policies: { embeddings: 'cost-s3-fifo', queries: 'lru', diffs: 'lru', blocks: 'lru' },
      auto: {
        on: true,
        budgetBytes: 30e6,
        usedBytes: 21e6,
        shares: {
          embeddings: { bytes: 18e6, policy: 'cost-s3-fifo' },
          queries: { bytes: 6e6, policy: 'lru' },
          diffs: { bytes: 2e6, policy: 'lru' },
          blocks: { bytes: 4e6, policy: 'lru' },
        },
        changes: [
          {
            at: now - 60_000,
            cache: 'blocks',
            what: 'capacity',
            from: '2000000',
            to: '4000000',
            why: 'more blocks are read again than before',
            undone: false,
          },
          {
            at: now - DAY,
            cache: 'queries',
            what: 'policy',
            from: 'sieve',
            to: 'lru',
            why: 'SIEVE answered 1.2 points less',
            undone: true,
          },
        ],
      },
      predictors: [
        {
          name: 'refresh-ahead',
          cache: 'queries',
          state: 'on',
          useful: 120,
          useless: 3,
          late: 2,
          waiting: 1,
          micros: 24e6,
        },
        {
          name: 'text-successors',
          cache: 'embeddings',
          state: 'paused',
          useful: 12,
          useless: 25,
          late: 3,
          waiting: 0,
          micros: 9e5,
        },
      ],
      warm: {
        loaded: 9_800,
        bytes: 19e6,
        ms: 41,
        used: 9_100,
        gone: 200,
        savedAt: now - 300_000,
        saved: 10_000,
      },
      trace: { on: true, files: 3, bytes: 12e6, maxBytes: 64e6, requests: 1_234_567, rate: 0.5, dropped: 1200 },
    },
  }
}
