// What tunes the caches of this process: the trace, the warm start, the tuner, prediction. Each is a part of its own, loaded where it is on;
// this file only begins and ends them.
import type { CacheSet, LoadedAhead } from '../caches/cache-set.js'
import type { Config } from '../config.js'
import type { CacheName, Key } from '../ports.js'
import type { TuningState } from '../tuning/report.js'
import type { TracedCache } from '../tuning/trace-format.js'
import { timer } from './runtime.js'
import type { TuningCall, TuningPart } from './tuning/part.js'
import { TraceSwitchWatch } from './tuning/trace-switch.js'

export interface Tuning {
  state(): TuningState
  /** See {@link CacheSet.loadAhead}. Throws STORE. */
  loadAhead(keys: readonly Key[], signal?: AbortSignal): Promise<LoadedAhead | undefined>
  close(): Promise<void>
}

/** Begins what is on. Touches no cache file, and only asks whether there is the switch of the trace. */
export async function beginTuning(call: TuningCall): Promise<Tuning> {
  const { set, config, dir, clock, diagnostics } = call
  const parts: TuningPart<unknown>[] = []
  const trace =
    dir === undefined
      ? undefined
      : new TraceSwitchWatch({ dir, clock, diagnostics, caches: () => tracedCaches(set, config) })
  if (trace) parts.push(trace)
  const isPredicting = config.predict === 'conservative' || config.predict === 'eager'
  const predict = isPredicting ? (await import('./tuning/predict.js')).beginPrediction(call) : undefined
  if (predict) parts.push(predict)
  await trace?.begin()
  const auto = config.autotune
    ? new (await import('./tuning/auto.js')).AutoTuning({ set, config, clock, diagnostics, timer })
    : undefined
  if (auto) parts.push(auto)
  const isWarm = config.warmStart && config.embeddingDiskCache && dir !== undefined
  const warm = isWarm ? (await import('./tuning/warm.js')).beginWarm({ ...call, dir }) : undefined
  if (warm) parts.push(warm)
  const stateNow = (): TuningState => ({
    policies: {
      embeddings: set.embeddings.memoryInfo().policy,
      queries: set.queries.memoryInfo().policy,
      diffs: set.diffs.memoryInfo().policy,
      blocks: set.blocks.memoryInfo().policy,
    },
    auto: auto?.state() ?? { on: false, budgetBytes: 0, usedBytes: 0, shares: {}, changes: [] },
    predictors: predict?.state() ?? set.blocks.readAhead,
    ...(warm && { warm: warm.state() }),
  })
  return {
    // The trace where somebody reads it: it looks into its folder, which metrics do not ask for.
    state: () => {
      if (trace === undefined) return stateNow()
      return {
        ...stateNow(),
        get trace() {
          return trace.state()
        },
      }
    },
    loadAhead: async (keys, signal) => (await import('./tuning/load-keys.js')).loadKeys(call, keys, signal),
    close: async () => {
      await Promise.allSettled(parts.map(part => part.close()))
    },
  }
}

/** What a trace says of the caches as they are now. */
function tracedCaches(set: CacheSet, config: Config): Record<CacheName, TracedCache> {
  const of = (name: CacheName, disk: boolean): TracedCache => {
    const { policy, capacity, capacityBytes: bytes } = set[name].memoryInfo()
    return {
      disk,
      policy,
      ...(Number.isFinite(capacity) && { capacity }),
      ...(Number.isFinite(bytes) && { bytes }),
    }
  }
  return {
    embeddings: of('embeddings', config.embeddingDiskCache),
    queries: of('queries', true),
    diffs: of('diffs', false),
    // What computes a block reads it from the chain.
    blocks: of('blocks', true),
  }
}
