// The metrics of tuning: what the tuner changed, what was fetched ahead and of what use it was, what was warm at the start.
import { CACHE_ORDER } from '../tuning/requests.js'
import { prefetchName, tunedName } from './meters.js'
import { type Family, one } from './metric-family.js'

const OUTCOMES = ['useful', 'useless', 'late', 'cancelled', 'failed'] as const

export const TUNING: readonly Family[] = [
  {
    name: 'opdbus_tuned_total',
    type: 'counter',
    help: 'Changes that the tuner made, by cache and what it changed; undone: it took back an earlier one.',
    *rows({ context, tuning }) {
      const { tuned } = context.meters.counts
      for (const { cache, what, undone, count } of tuned.values()) yield [{ cache, what, undone: `${undone}` }, count]
      // Also what did not happen yet, so that the first of its kind is an increase.
      if (!tuning?.auto.on) return
      for (const cache of CACHE_ORDER) {
        for (const what of ['capacity', 'policy'] as const) {
          for (const undone of [false, true]) {
            if (!tuned.has(tunedName({ cache, what, undone }))) yield [{ cache, what, undone: `${undone}` }, 0]
          }
        }
      }
    },
  },
  {
    name: 'opdbus_prefetch_total',
    type: 'counter',
    help: 'Entries that were fetched before anybody asked and came to their end, by what became of them.',
    *rows({ context, tuning }) {
      const { prefetches } = context.meters.counts
      for (const { cache, predictor, outcome, count } of prefetches.values())
        yield [{ cache, predictor, outcome }, count]
      for (const { cache, name: predictor, state } of tuning?.predictors ?? []) {
        for (const outcome of state === 'off' ? [] : OUTCOMES) {
          if (!prefetches.has(prefetchName({ cache, predictor, outcome }))) yield [{ cache, predictor, outcome }, 0]
        }
      }
    },
  },
  {
    name: 'opdbus_predictor_paused',
    type: 'gauge',
    help: '1: it switched itself off, because less than half of what it fetched ahead was of use. Of what is on.',
    *rows({ tuning }) {
      for (const { cache, name: predictor, state } of tuning?.predictors ?? []) {
        if (state !== 'off') yield [{ cache, predictor }, state === 'paused' ? 1 : 0]
      }
    },
  },
  one(
    'opdbus_prefetch_seconds_total',
    'counter',
    'What fetching those entries took.',
    now => now.context.meters.counts.prefetchMicros / 1e6,
  ),
  {
    name: 'opdbus_warmed_entries_total',
    type: 'counter',
    help: 'Entries that an earlier process used, loaded into memory at the start.',
    *rows({ context, tuning }) {
      const { warmed } = context.meters.counts
      for (const [cache, entries] of warmed) yield [{ cache }, entries]
      if (tuning?.warm && warmed.size === 0) yield [{ cache: 'embeddings' }, 0]
    },
  },
  {
    name: 'opdbus_memory_budget_bytes',
    type: 'gauge',
    help: 'What a cache may hold in memory now: the tuner moves it between caches. Of the first model.',
    *rows({ stats, tuning }) {
      for (const cache of CACHE_ORDER) {
        const bytes = tuning?.auto.shares[cache]?.bytes ?? stats[cache].memory.capacityBytes
        if (Number.isFinite(bytes)) yield [{ cache }, bytes]
      }
    },
  },
  {
    name: 'opdbus_memory_policy_info',
    type: 'gauge',
    help: 'Always 1: how a cache chooses what memory gives up. Of the first model.',
    *rows({ tuning }) {
      if (tuning === undefined) return
      for (const cache of CACHE_ORDER) yield [{ cache, policy: tuning.policies[cache] }, 1]
    },
  },
]
