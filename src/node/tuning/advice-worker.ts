// Root of the thread that works advice out: reads traces, tells how far it is, answers once. Held by advice.ts; touches nothing else.
import { parentPort, workerData } from 'node:worker_threads'
import { isOpDbusError, messageOf } from '../../errors.js'
import { advise } from '../../tuning/advise.js'
import type { AdviceReport } from '../../tuning/report.js'
import { readTracesOf } from './trace-paths.js'

/** What is to be read, and how closely it is looked at. */
export interface AdviceJob {
  /** Files and folders. */
  readonly paths: readonly string[]
  /** Part of the keys; absent: as many as take about a second. */
  readonly rate?: number | undefined
  readonly maxRecords: number
}

export interface Advised {
  /** Undefined where there is no request in what was read. */
  readonly report: AdviceReport | undefined
  /** What was not read, and why. */
  readonly notes: readonly string[]
}

export type AdviceMessage =
  | { readonly done: number; readonly all: number }
  | { readonly advised: Advised }
  | { readonly failed: { readonly code: string; readonly message: string } }

if (!parentPort) throw new Error('node-advice runs as a worker thread only')
const port = parentPort
const tell = (message: AdviceMessage) => port.postMessage(message)

async function advised({ paths, rate, maxRecords }: AdviceJob): Promise<Advised> {
  const { traces, notes } = await readTracesOf(paths, { maxRecords })
  if (traces.length === 0) return { report: undefined, notes }
  return { report: advise(traces, { rate, onStep: (done, all) => tell({ done, all }) }), notes }
}

advised(workerData as AdviceJob).then(
  found => tell({ advised: found }),
  (error: unknown) => {
    tell({ failed: { code: isOpDbusError(error) ? error.code : 'STORE', message: messageOf(error) } })
  },
)
