// What each metric is called, means, and is made of. Names go by Prometheus' conventions. Labels are names out of our configuration and our own
// lists: never a text, a key or an address.
import type { OneCacheStats } from '../caches/cache-set.js'
import { savedSeconds } from './daemon-stats.js'
import type { Histogram } from './histogram.js'
import { SOURCES } from './meters.js'
import { type Family, type Labels, one, type Row, type Snapshot } from './metric-family.js'
import { TUNING } from './tuning-metrics.js'

/** Of a histogram of microseconds, in seconds; bounds are powers of two, from 16 us to 17 s. */
const secondsOf = (labels: Labels, histogram: Histogram) => histogramRows(labels, histogram, 4, 24, 1e-6)
/** Of a histogram of texts, from 1 to 2,048. */
const countOf = (labels: Labels, histogram: Histogram) => histogramRows(labels, histogram, 0, 11, 1)

function* histogramRows(labels: Labels, histogram: Histogram, from: number, to: number, unit: number): Generator<Row> {
  for (let exponent = from; exponent <= to; exponent++) {
    const le = Number((2 ** exponent * unit).toPrecision(8))
    yield [{ ...labels, le: `${le}` }, histogram.upTo(exponent), '_bucket']
  }
  yield [{ ...labels, le: '+Inf' }, histogram.count, '_bucket']
  yield [labels, histogram.sum * unit, '_sum']
  yield [labels, histogram.count, '_count']
}

const TIERS = ['memory', 'disk', 'shared'] as const

/** Each cache: embeddings by model, of the other three there is one each. */
function* caches({ models, stats }: Snapshot): Generator<[Labels, OneCacheStats]> {
  for (const { name, cache } of models) yield [{ cache: 'embeddings', model: name }, cache]
  for (const name of ['queries', 'diffs', 'blocks'] as const) yield [{ cache: name }, stats[name]]
}

function* tiers(now: Snapshot): Generator<[Labels, Tier]> {
  for (const [labels, cache] of caches(now)) {
    for (const tier of TIERS) {
      const of = cache[tier]
      if (of !== undefined) yield [{ ...labels, tier }, of]
    }
  }
}

type Tier = OneCacheStats['memory'] & Partial<NonNullable<OneCacheStats['disk']>>

function tierFamily(name: string, type: Family['type'], help: string, of: (tier: Tier) => number | undefined): Family {
  return {
    name: `opdbus_tier_${name}`,
    type,
    help,
    *rows(now) {
      for (const [labels, tier] of tiers(now)) {
        const value = of(tier)
        if (value !== undefined) yield [labels, value]
      }
    },
  }
}

const finite = (value: number) => (Number.isFinite(value) ? value : undefined)

const REQUESTS: readonly Family[] = [
  {
    name: 'opdbus_http_requests_total',
    type: 'counter',
    help: 'Requests answered, by route and class of status.',
    *rows({ context }) {
      for (const [route, { byClass }] of context.meters.counts.routes) {
        for (let digit = 1; digit <= 5; digit++) {
          if (byClass[digit]! > 0) yield [{ route, status: `${digit}xx` }, byClass[digit]!]
        }
      }
    },
  },
  {
    name: 'opdbus_http_request_duration_seconds',
    type: 'histogram',
    help: 'From the head of a request to the end of its answer, by route; of streams nothing.',
    *rows({ context }) {
      for (const [route, { micros }] of context.meters.counts.routes)
        if (micros.count > 0) yield* secondsOf({ route }, micros)
    },
  },
  one('opdbus_http_requests_in_flight', 'gauge', 'Requests in hand.', now => now.context.meters.requests.inHand),
  one(
    'opdbus_http_overloaded_total',
    'counter',
    'Requests that found no room (429): too many in hand, or too many texts waiting to be computed.',
    now => now.context.meters.counts.overloaded,
  ),
]

const EMBEDDING: readonly Family[] = [
  {
    name: 'opdbus_embedding_rows_total',
    type: 'counter',
    help: 'Texts answered, by model and where the vector came from.',
    *rows({ models, context }) {
      const { counts } = context.meters
      // Also what did not happen yet, so that the first of its kind is an increase.
      for (const model of new Set([...models.map(({ name }) => name), ...counts.models.keys()])) {
        for (const source of SOURCES) yield [{ model, source }, counts.models.get(model)?.rows[source] ?? 0]
      }
    },
  },
  {
    name: 'opdbus_embedding_tokens_total',
    type: 'counter',
    help: 'Tokens of the texts answered, as their usage says, by model.',
    *rows({ context }) {
      for (const [model, { tokens }] of context.meters.counts.models) yield [{ model }, tokens]
    },
  },
  {
    name: 'opdbus_embedding_duration_seconds',
    type: 'histogram',
    help: 'Of embedding requests, by the farthest source that one of their vectors came from.',
    *rows({ context }) {
      for (const source of SOURCES) yield* secondsOf({ source }, context.meters.counts.lookups[source])
    },
  },
  {
    name: 'opdbus_embedding_request_rows',
    type: 'histogram',
    help: 'Texts in an embedding request.',
    rows: ({ context }) => countOf({}, context.meters.counts.requestRows),
  },
  {
    name: 'opdbus_batch_rows',
    type: 'histogram',
    help: 'Texts that a worker computed as one, whichever requests they came from.',
    rows: ({ context }) => countOf({}, context.meters.counts.batchRows),
  },
  {
    name: 'opdbus_batch_duration_seconds',
    type: 'histogram',
    help: 'What a batch took in the worker.',
    rows: ({ context }) => secondsOf({}, context.meters.counts.batchMicros),
  },
  {
    name: 'opdbus_queue_wait_seconds',
    type: 'histogram',
    help: 'How long the oldest text of a batch had waited before: for a worker, its model, its tokens, and other batches.',
    rows: ({ context }) => secondsOf({}, context.meters.counts.queueWait),
  },
  {
    name: 'opdbus_embedding_computed_rows_total',
    type: 'counter',
    help: 'Texts computed, by device.',
    *rows({ context }) {
      for (const [device, count] of context.meters.counts.computedBy) yield [{ device }, count]
    },
  },
  one(
    'opdbus_embedding_saved_seconds',
    'gauge',
    'Computing that answers from a cache saved: opdbus_saved_seconds_total{cache="embeddings", what="compute"} of all models.',
    now => savedSeconds(now.models),
  ),
]

const CACHES: readonly Family[] = [
  {
    name: 'opdbus_saved_seconds_total',
    type: 'counter',
    help: 'About what hits made needless: computing (compute; of queries asking plugins) by hits of any tier, reading (disk) by hits of memory.',
    *rows(now) {
      for (const [labels, { worth }] of caches(now)) {
        yield [{ ...labels, what: 'compute' }, worth.computeSeconds]
        yield [{ ...labels, what: 'disk' }, worth.diskSeconds]
      }
    },
  },
  {
    name: 'opdbus_cache_lookups_total',
    type: 'counter',
    help: 'Look-ups of a cache, whoever asked: a hit where some tier answered, else a miss.',
    *rows(now) {
      for (const [labels, { hits, misses }] of caches(now)) {
        yield [{ ...labels, result: 'hit' }, hits]
        yield [{ ...labels, result: 'miss' }, misses]
      }
    },
  },
  tierFamily('hits_total', 'counter', 'Look-ups that the tier answered.', tier => tier.hits),
  tierFamily('misses_total', 'counter', 'Look-ups that the tier could not answer.', tier => tier.misses),
  tierFamily('evictions_total', 'counter', 'Entries given up to make room.', tier => tier.evictions),
  tierFamily(
    'skipped_total',
    'counter',
    'Times a tier was not asked: too slow, failed, or left alone.',
    tier => tier.skipped,
  ),
  tierFamily(
    'damaged_total',
    'counter',
    'Values that were not what had been stored; computed anew.',
    tier => tier.damaged,
  ),
  tierFamily('dropped_total', 'counter', 'Values that a tier did not take.', tier => tier.dropped),
  tierFamily('entries', 'gauge', 'Entries held.', tier => tier.size),
  tierFamily('bytes', 'gauge', 'Bytes held.', tier => tier.bytes),
  tierFamily('capacity_bytes', 'gauge', 'Bytes that may be held.', tier => finite(tier.capacityBytes)),
  {
    name: 'opdbus_tier_faults_total',
    type: 'counter',
    help: 'Times a tier failed when it was asked, or brought back something that was not stored.',
    *rows({ context }) {
      for (const { cache, tier, why, count } of context.meters.counts.faults.values())
        yield [{ cache, tier, why }, count]
    },
  },
]

/** What the types of browsers, which all of `src` has, leave out. */
interface NodePerformance {
  eventLoopUtilization(): { readonly active: number }
}

const STATES = ['unopened', 'opening', 'ready', 'failed'] as const

const REST: readonly Family[] = [
  {
    name: 'opdbus_model_state',
    type: 'gauge',
    help: '1 for the state that a model is in.',
    *rows({ models }) {
      for (const { name, state } of models) {
        for (const one of STATES) yield [{ model: name, state: one }, one === state ? 1 : 0]
      }
    },
  },
  {
    name: 'opdbus_model_workers',
    type: 'gauge',
    help: 'Workers that have the model open, by the device that they compute on.',
    *rows({ models }) {
      for (const { name, device, workers = 0 } of models)
        if (device !== undefined) yield [{ model: name, device }, workers]
    },
  },
  {
    name: 'opdbus_device_refused',
    type: 'gauge',
    help: '1 for each device that was to serve and does not. Kind: absent, slower, or failed.',
    *rows({ models }) {
      for (const { name, refused } of models) {
        for (const { device, kind } of refused) yield [{ model: name, device, kind }, 1]
      }
    },
  },
  one('opdbus_chain_blocks', 'gauge', 'Blocks of the chain.', now => now.chain?.blocks),
  one(
    'opdbus_chain_damaged',
    'gauge',
    '1 where the end of the chain is not what was acknowledged. Only `op-dbus blockchain verify` looks at every block.',
    now => now.chain && (now.chain.damaged ? 1 : 0),
  ),
  {
    name: 'opdbus_shared_serving',
    type: 'gauge',
    help: '1 where the shared tier serves, 0 where it is left alone; absent where there is none, or before the first text.',
    *rows({ models }) {
      for (const { name, cache } of models) {
        const status = cache.shared?.status
        if (status !== undefined) yield [{ model: name }, status.state === 'serving' ? 1 : 0]
      }
    },
  },
  one('opdbus_warnings_total', 'counter', 'Warnings told, each once.', now => now.context.meters.counts.warnings),
  {
    name: 'opdbus_build_info',
    type: 'gauge',
    help: 'Always 1.',
    *rows({ context }) {
      yield [{ version: context.version, node: process.version }, 1]
    },
  },
  one('process_start_time_seconds', 'gauge', 'When the daemon began, Unix time.', now => now.context.started / 1000),
  one('process_resident_memory_bytes', 'gauge', 'Memory of the daemon; its workers are processes of their own.', () =>
    process.memoryUsage.rss(),
  ),
  one('process_cpu_seconds_total', 'counter', 'CPU time of the daemon; its workers are processes of their own.', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  }),
  one(
    'nodejs_eventloop_busy_seconds_total',
    'counter',
    'Time in which the event loop was not idle.',
    () => (performance as unknown as NodePerformance).eventLoopUtilization().active / 1000,
  ),
]

/** In the order in which they are told. */
export const FAMILIES: readonly Family[] = [...REQUESTS, ...EMBEDDING, ...CACHES, ...TUNING, ...REST]
