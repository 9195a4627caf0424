// What tunes the caches of this process: the trace, the warm start, the tuner, prediction. Each is a part of its own, loaded where it is on;
// this file only begins and ends them.
import type { CacheSet } from '../caches/cache-set.js'
import type { Config } from '../config.js'
import type { Diagnostics } from '../diagnostics.js'
import type { Clock } from '../ports.js'
import type { TuningState } from '../tuning/report.js'

export interface TuningCall {
  readonly set: CacheSet
  readonly config: Config
  /** The cache folder; undefined where nothing is kept on disk. */
  readonly dir: string | undefined
  readonly clock: Clock
  readonly diagnostics: Diagnostics
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
export async function beginTuning({ config }: TuningCall): Promise<Tuning> {
  const parts: TuningPart<unknown>[] = []
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
    }),
    close: async () => {
      await Promise.allSettled(parts.map(part => part.close()))
    },
  }
}
