// The worker's side of the protocol, without its runtime: opens a model once, feeds the pipeline, hands out batches.

import { isOpDbusError, OpDbusError } from '../../errors.js'
import type { Backend, BackendFactory, Clock, WorkerHandle } from '../../ports.js'
import { openWithFailover } from '../devices/failover.js'
import { isGpu, type Opened } from '../devices/order.js'
import { checkDevice } from '../devices/self-check.js'
import type { Push } from '../link.js'
import type { ModelFile } from '../model/folder.js'
import type { BatchResult, EmbedWorker, Work, WorkerConfig } from '../protocol.js'
import { type Tokenize, tokenizerOf } from '../tokenizer/load-tokenizer.js'
import { BatchBudget } from './batch-budget.js'
import { Pipeline } from './pipeline.js'
import { Stopwatch } from './stopwatch.js'
import { TokenizerPool } from './tokenizer-pool.js'

/** What the runtime lends the worker. */
export interface WorkerHost {
  readonly backends: readonly BackendFactory[]
  /** The text of a small file. */
  readText(file: ModelFile): Promise<string>
  /** Whether the file still holds the bytes that its digest says. */
  isUnchanged(file: ModelFile): Promise<boolean>
  /** One turn of the event loop. */
  yieldToEventLoop(): Promise<void>
  readonly clock: Pick<Clock, 'monotonic'>
  /** Starts a thread running node/tokenizer.ts (or its sibling for browsers). */
  readonly spawnTokenizer?: () => WorkerHandle
}

/** What a worker serves; `push` sends finished batches. */
export function embedWorker(host: WorkerHost, push: Push<readonly BatchResult[]>): EmbedWorker {
  let pipeline: Pipeline | undefined
  let finished: BatchResult[] = []
  let stopwatch: Stopwatch | undefined

  /** What comes at once crosses in one message: a thousand texts that fail are a thousand results. */
  function emit(result: BatchResult): void {
    if (finished.push(result) === 1) queueMicrotask(flush)
  }

  function flush(): void {
    const results = finished
    finished = []
    const buffers = results.map(({ matrix }) => matrix.buffer)
    if (stopwatch) stopwatch.during('answering', () => push(results, buffers))
    else push(results, buffers)
  }

  function submit({ numbers, texts, dropped }: Work): void {
    if (!pipeline) throw new OpDbusError('CLOSED', 'no model is open')
    pipeline.drop(dropped)
    pipeline.submit(numbers, texts)
  }

  async function open(config: WorkerConfig): Promise<Opened> {
    const { spec, devices, threads, gpuDevice, tokenizers, maxBatchTokens, batchTokens, refused } = config
    try {
      const { model, tokenizer, tokenizerConfig } = spec.files
      const files = [model, tokenizer, ...(tokenizerConfig ? [tokenizerConfig] : [])]
      await Promise.all(files.map(mustBeUnchanged))
      const factories = devices.flatMap(device => host.backends.filter(backend => backend.device === device))
      const tokenizing = tokenizerOf(spec, host.readText)
      // Both are read at the same time; an error of this one must not go unheard while the other is awaited.
      tokenizing.catch(() => undefined)
      let change: Opened | undefined
      const { backend, opened } = await openWithFailover({
        model: model.path,
        factories,
        options: { threads, gpuDevice },
        pooling: spec.pooling,
        refused,
        check: async open => prove(open, config, await tokenizing),
        changed: now => {
          change = now
        },
      }).catch(async (error: unknown) => {
        // Where texts cannot be tokenised no device is to blame.
        await tokenizing
        throw error
      })
      const spawn = host.spawnTokenizer
      stopwatch = config.timed ? new Stopwatch(host.clock) : undefined
      pipeline = new Pipeline({
        spec,
        tokenize: await tokenizing,
        elsewhere: spawn && tokenizers > 0 ? new TokenizerPool({ spec, threads: tokenizers, spawn }) : undefined,
        backend,
        budget: new BatchBudget({ fixed: maxBatchTokens, known: batchTokens }),
        clock: host.clock,
        stopwatch,
        yieldToEventLoop: host.yieldToEventLoop,
        emit(result) {
          emit(change ? { ...result, opened: change } : result)
          change = undefined
        },
      })
      return opened
    } catch (error) {
      throw withFile(error, spec.files.model)
    }
  }

  /** The space was computed from these files: another content under the same space would poison the cache. */
  async function mustBeUnchanged(file: ModelFile): Promise<void> {
    if (await host.isUnchanged(file)) return
    throw new OpDbusError('UNSUPPORTED_MODEL', `${file.path} has changed since its space was computed: start again`, {
      details: { file: file.path },
    })
  }

  return { open, submit }
}

/** What a runtime refused in the graph is told with the graph's file. */
function withFile(error: unknown, { path }: ModelFile): unknown {
  if (!isOpDbusError(error, 'UNSUPPORTED_MODEL') || error.details.file !== undefined) return error
  return new OpDbusError(error.code, `${path}: ${error.message}`, { details: { ...error.details, file: path } })
}

/** Lets a device serve that has proved itself before, or does so now; a GPU that nothing can be compared with must not. */
async function prove(backend: Backend, { spec, proven, reference }: WorkerConfig, tokenize: Tokenize): Promise<void> {
  if (proven?.includes(backend.device)) return
  if (reference) await checkDevice(backend, spec, tokenize, reference)
  else if (isGpu(backend.device))
    throw new OpDbusError('DEVICE_UNAVAILABLE', 'not checked: there are no reference vectors to compare with')
}
