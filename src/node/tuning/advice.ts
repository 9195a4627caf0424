// Advice on the caches of a folder from what was traced there: worked out in a thread of its own, and kept until the trace has grown.
import { pathToFileURL } from 'node:url'
import { abortError, ERROR_CODES, type ErrorCode, messageOf, OpDbusError, throwIfAborted } from '../../errors.js'
import type { AdviceReport, NoAdvice } from '../../tuning/report.js'
import { ownFile } from '../own-files.js'
import type { AdviceJob, AdviceMessage, Advised } from './advice-worker.js'
import { readSwitch, traceFiles, traceFolder } from './trace-folder.js'

/** 34 bytes each, and as much again while they are looked at. */
const MOST_RECORDS = 4_000_000
/** A trace that has grown by less than that says what it said before. */
const GROWN_PART = 0.1

export interface AdviceOptions {
  /** Part of the keys, above 0; 1: everything is simulated in full. Absent: as many as take about a second. */
  readonly rate?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Told now and then: simulations that are done, of about how many. */
  readonly onProgress?: (done: number, all: number) => void
}

interface Kept {
  /** Bytes of each file of the trace when it was read. */
  readonly files: ReadonlyMap<string, number>
  readonly advised: Promise<Advised>
  /** Ends the work. */
  readonly stop: () => void
  waiting: number
}

const kept = new Map<string, Kept>()

/**
 * What the trace in the cache folder `dir` says of sizes and policies. The event loop goes on meanwhile. One answer is kept for each folder
 * until a tenth of the trace is new, and many calls at once are one piece of work, which
 * ends when all of them are aborted.
 * @throws OpDbusError ABORTED where `signal` fires; STORE where the trace cannot be read
 */
export async function adviseFrom(
  dir: string,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<AdviceReport | NoAdvice> {
  if (signal?.aborted) throw abortError(signal)
  const files = new Map(traceFiles(traceFolder(dir)).map(({ path, bytes }) => [path, bytes]))
  if (files.size === 0) {
    kept.delete(dir)
    return { available: false, reason: reasonFor(dir) }
  }
  let current = kept.get(dir)
  if (current === undefined || isGrown(current.files, files)) {
    const ending = new AbortController()
    const advised = adviseTraces([traceFolder(dir)], { signal: ending.signal })
    const fresh: Kept = { files, advised, stop: () => ending.abort(), waiting: 0 }
    kept.set(dir, fresh)
    current = fresh
    advised.catch(() => {
      if (kept.get(dir) === fresh) kept.delete(dir)
    })
  }
  const { report } = await unlessAborted(current, signal)
  return report ?? { available: false, reason: reasonFor(dir) }
}

function reasonFor(dir: string): string {
  return readSwitch(dir, Date.now()) === undefined
    ? 'nothing was traced here; `op-dbus cache trace on` begins it'
    : 'nothing was asked for since the trace is on'
}

/** Whether enough is new, or what was read has gone. */
function isGrown(before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>): boolean {
  let old = 0
  let fresh = 0
  for (const bytes of before.values()) old += bytes
  for (const [path, bytes] of now) fresh += Math.max(0, bytes - (before.get(path) ?? 0))
  return fresh > GROWN_PART * old || ![...before.keys()].some(path => now.has(path))
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

/** Who leaves ends the work only where nobody else waits for it. */
async function unlessAborted(work: Kept, signal: AbortSignal | undefined): Promise<Advised> {
  let leave = () => {}
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(abortError(signal!))
  })
  signal?.addEventListener('abort', leave, { once: true })
  work.waiting++
  try {
    return await Promise.race([work.advised, left])
  } finally {
    signal?.removeEventListener('abort', leave)
    // Of no use once it is done.
    if (--work.waiting === 0) work.stop()
  }
}
