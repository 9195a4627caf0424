// What a metric is: a name, what it means, and how its series are made while somebody asks.
import type { TuningState } from '../tuning/report.js'
import type { ModelInfo } from './api.js'
import type { ServerContext } from './context.js'

export type Labels = Readonly<Record<string, string>>
/** `suffix`: what a histogram's series are called beyond its name. */
export type Row = readonly [labels: Labels, value: number, suffix?: string]

/** One metric: its series are made while somebody asks. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  rows(now: Snapshot): Iterable<Row>
}

/** One look at all that has to be asked for. */
export interface Snapshot {
  readonly context: Pick<ServerContext, 'version' | 'started' | 'meters'>
  readonly models: readonly ModelInfo[]
  readonly stats: Awaited<ReturnType<ServerContext['caches']['stats']>>
  /** Of the first model's caches. */
  readonly tuning: TuningState | undefined
  readonly chain: { readonly blocks?: number; readonly damaged: boolean } | undefined
}

/** A metric of one series without labels; of none where there is no value. */
export function one(
  name: string,
  type: Family['type'],
  help: string,
  of: (now: Snapshot) => number | undefined,
): Family {
  return {
    name,
    type,
    help,
    *rows(now) {
      const value = of(now)
      if (value !== undefined) yield [{}, value]
    },
  }
}
