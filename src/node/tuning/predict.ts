// Prediction in a process: puts the predictors that are switched on beside the caches that they watch. Touches no file.

import type { CacheSet } from '../../caches/cache-set.js'
import type { Config } from '../../config.js'
import type { Diagnostics } from '../../diagnostics.js'
import type { CacheName, Clock } from '../../ports.js'
import { Budget } from '../../tuning/predict/budget.js'
import { type FetchOutcome, Predictor } from '../../tuning/predict/predictor.js'
import { QueryForesight } from '../../tuning/predict/queries.js'
import { TextForesight } from '../../tuning/predict/texts.js'
import type { PredictorName, PredictorState } from '../../tuning/report.js'
import { timer } from '../runtime.js'

export interface PredictionCall {
  readonly set: Pick<CacheSet, 'queries' | 'embeddings' | 'blocks'>
  readonly config: Pick<Config, 'predict'>
  readonly clock: Clock
  readonly diagnostics: Diagnostics
}

/** As a `TuningPart`. */
export interface Prediction {
  state(): readonly PredictorState[]
  close(): Promise<void>
}

/** Begins what `predict` says; the blocks' read-ahead is theirs, and only told here. */
export function beginPrediction({ set, config, clock, diagnostics }: PredictionCall): Prediction {
  const { queries, embeddings, blocks } = set
  const eager = config.predict === 'eager'
  const predictors: Predictor[] = []
  const closing: (() => void)[] = []
  const worth: Partial<Record<CacheName, (use: boolean, micros: number) => void>> = {
    queries: (use, micros) => queries.endedAhead(use, micros),
    embeddings: (use, micros) => embeddings.ahead.ended(use, micros),
  }
  const make = (name: PredictorName, cache: CacheName, budget: Budget, usedIsOwed = false) => {
    // Who came to wait for it spent it.
    const ended = (outcome: FetchOutcome, micros: number) => {
      if (outcome !== 'late') worth[cache]?.(outcome === 'useful', micros)
    }
    const predictor = new Predictor({ name, cache, budget, usedIsOwed, clock, diagnostics, ended })
    predictors.push(predictor)
    return predictor
  }
  // Without a life there is nothing to refresh.
  if (queries.ttlMs > 0) {
    const budget = new Budget()
    const foresight = new QueryForesight({
      clock,
      timer,
      budget,
      refresh: make('refresh-ahead', 'queries', budget),
      successors: eager ? make('query-successors', 'queries', budget) : undefined,
      leftMs: id => queries.leftMs(id),
    })
    queries.observe(foresight)
    closing.push(() => {
      queries.observe(undefined)
      foresight.close()
    })
  }
  if (eager) {
    const budget = new Budget()
    const predictor = make('text-successors', 'embeddings', budget, true)
    const foresight = new TextForesight({ clock, timer, budget, predictor, ahead: embeddings.ahead })
    embeddings.ahead.observer = foresight
    closing.push(() => {
      embeddings.ahead.observer = undefined
      foresight.close()
    })
  }
  return {
    state: () => [...blocks.readAhead, ...predictors.map(predictor => predictor.state())],
    close: async () => {
      for (const close of closing) close()
    },
  }
}
