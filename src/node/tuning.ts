// What tunes the caches of this process: the trace, the warm start, the tuner, prediction. Each is a part of its own, loaded where it is on;
// this file only begins and ends them.
import type { CacheSet } from '../caches/cache-set.js'
import type { Config } from '../config.js'
import type { Diagnostics } from '../diagnostics.js'
import type { Clock } from '../ports.js'
import type { SegmentStore } from '../stores/segments.js'
import type { TuningState, WarmState } from '../tuning/report.js'

export interface TuningCall {
  readonly set: CacheSet
  readonly config: Config
  /** The cache folder; undefined where nothing is kept on disk. */
  readonly dir: string | undefined
  readonly clock: Clock
  readonly diagnostics: Diagnostics
  /** Where vectors lie; undefined before it is known what computes, and where they are not kept. */
  readonly vectors: () => SegmentStore | undefined
}

/** One part: what it says of itself, and its end. `close` is called before the caches close, and has to be quick. */
export interface TuningPart<S> {
  state(): S
  close(): Promise<void>
}

export interface Tuning {
  state(): TuningState
  close(): Promise<void>
}

/** Begins what is on. Touches no cache file and waits for nothing on the disk. */
export async function beginTuning(call: TuningCall): Promise<Tuning> {
  const { config, dir } = call
  const parts: TuningPart<unknown>[] = []
  const begun = <S>(part: TuningPart<S>) => {
    parts.push(part)
    return part
  }
  let warm: TuningPart<WarmState> | undefined
  if (config.warmStart && config.embeddingDiskCache && dir !== undefined) {
    warm = begun((await import('./tuning/warm.js')).beginWarm({ ...call, dir }))
  }
  return {
    state: () => ({
      policies: {
        embeddings: config.embeddingPolicy,
        queries: config.queryPolicy,
        diffs: config.diffPolicy,
        blocks: config.blockPolicy,
      },
      auto: { on: false, budgetBytes: 0, usedBytes: 0, shares: {}, changes: [] },
      predictors: [],
      ...(warm && { warm: warm.state() }),
    }),
    close: async () => {
      await Promise.allSettled(parts.map(part => part.close()))
    },
  }
}
