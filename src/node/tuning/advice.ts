// Advice on the caches of a folder from what was traced there: worked out in a thread of its own. Keeps nothing.
import { pathToFileURL } from 'node:url'
import { abortError, ERROR_CODES, type ErrorCode, messageOf, OpDbusError, throwIfAborted } from '../../errors.js'
import type { AdviceReport, NoAdvice } from '../../tuning/report.js'
import { ownFile } from '../own-files.js'
import type { AdviceJob, AdviceMessage, Advised } from './advice-worker.js'
import { readSwitch, traceFiles, traceFolder } from './trace-folder.js'

/** 34 bytes each, and as much again while they are looked at. */
const MOST_RECORDS = 4_000_000

export interface AdviceOptions {
  /** Part of the keys, above 0; 1: everything is simulated in full. Absent: as many as take about a second. */
  readonly rate?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Told now and then: simulations that are done, of about how many. */
  readonly onProgress?: (done: number, all: number) => void
}

/**
 * What the trace in the cache folder `dir` says of sizes and policies. The event loop goes on meanwhile.
 * @throws OpDbusError ABORTED where `signal` fires; STORE where the trace cannot be read
 */
export async function adviseFrom(
  dir: string,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<AdviceReport | NoAdvice> {
  throwIfAborted(signal)
  const folder = traceFolder(dir)
  const { report } = traceFiles(folder).length > 0 ? await adviseTraces([folder], { signal }) : { report: undefined }
  return report ?? { available: false, reason: reasonFor(dir) }
}

function reasonFor(dir: string): string {
  return readSwitch(dir, Date.now()) === undefined
    ? 'nothing was traced here; `op-dbus cache trace on` begins it'
    : 'nothing was asked for since the trace is on'
}

/**
 * What traces say, in files or folders of them.
 * @throws OpDbusError as readTraces does; DISABLED where no thread may be started
 */
export function adviseTraces(
  paths: readonly string[],
  { rate, signal, onProgress }: AdviceOptions = {},
): Promise<Advised> {
  throwIfAborted(signal)
  return new Promise((resolve, reject) => {
    const job: AdviceJob = { paths, rate, maxRecords: MOST_RECORDS }
    const worker = startWorker(job)
    const stop = () => end(() => reject(abortError(signal!)))
    const end = (settle: () => void) => {
      signal?.removeEventListener('abort', stop)
      worker.removeAllListeners()
      // It may still fail while it ends.
      worker.on('error', () => {})
      settle()
      void worker.terminate()
    }
    signal?.addEventListener('abort', stop, { once: true })
    worker.on('message', (message: AdviceMessage) => {
      if ('advised' in message) end(() => resolve(message.advised))
      else if ('failed' in message) end(() => reject(asError(message.failed)))
      else onProgress?.(message.done, message.all)
    })
    // Out of memory, for one.
    worker.on('error', error => {
      end(() => reject(new OpDbusError('STORE', `the trace could not be read: ${messageOf(error)}`, { cause: error })))
    })
    worker.on('exit', () => end(() => reject(new OpDbusError('STORE', 'the thread that read the trace ended early'))))
  })
}

function startWorker(job: AdviceJob) {
  try {
    // Loaded here, since few processes start it.
    const { Worker } = process.getBuiltinModule('node:worker_threads')
    return new Worker(pathToFileURL(ownFile('node-advice.js')), {
      name: 'op-dbus advice',
      workerData: job,
      execArgv: [],
    })
  } catch (error) {
    throw new OpDbusError(
      'DISABLED',
      `advice is worked out in a thread, which may not be started: ${messageOf(error)}`,
      {
        cause: error,
      },
    )
  }
}

function asError({ code, message }: { readonly code: string; readonly message: string }): OpDbusError {
  return new OpDbusError(ERROR_CODES.find((known): known is ErrorCode => known === code) ?? 'STORE', message)
}
