// The Embedder on the main thread: who may ask, and when the workers end. What they compute is their own business.

import { OpDbusError } from '../../errors.js'
import type {
  BatchListener,
  CallOptions,
  Embedder,
  EmbedJob,
  RunningEmbedder,
  Space,
  Timer,
  WorkerHandle,
} from '../../ports.js'
import type { DevicePlan, Opened } from '../devices/order.js'
import { spaceOf } from '../model/revision.js'
import type { ModelSpec } from '../model/spec.js'
import type { WorkTimes } from '../protocol.js'
import { overloaded } from './rows-in-hand.js'
import { type WorkerCount, WorkerPool } from './worker-pool.js'

/**
 * Threads that tokenise for a GPU, each with a vocabulary of its own. One does 400,000 short texts a second of MiniLM and 150,000
 * of the built-in model, several times what the fastest GPU embeds.
 */
const MOST_TOKENIZERS = 2

export interface WorkerEmbedderOptions {
  readonly spec: ModelSpec
  /** Starts a process or thread running node/worker.ts (or its sibling for browsers). */
  readonly spawn: () => WorkerHandle
  /**
   * Asked at every start of a worker. What it rejects with, the waiting texts are rejected with. `signal` fires when the
   * worker is ended before the answer is there.
   */
  readonly plan: (call: Required<CallOptions>) => Promise<DevicePlan>
  /** Threads that all sessions together may use. */
  readonly threads: number
  readonly timer: Timer
  /** Workers with a model of their own, on a CPU, while many texts wait. */
  readonly workers: number
  /** Texts waiting or in work before `submit` throws OVERLOADED. */
  readonly maxQueue: number
  /** Milliseconds without work after which the workers, with models and runtime, are let go. 0 keeps them. */
  readonly idleUnloadMs: number
  /** Padded tokens a batch may hold. Default: found for each device by measuring its first full batches. */
  readonly maxBatchTokens?: number
  /** Called at every start of a worker, once its model is open, and when another device takes over. */
  readonly onOpen?: (opened: Opened) => void
  /** Told of every batch. */
  readonly batches?: BatchListener | undefined
  /** Called with every batch: where its worker's time went so far. Without it nothing is measured. */
  readonly onTimes?: (times: WorkTimes) => void
}

/** What runs now, and what was learnt when a model was last opened; {@link RunningEmbedder} is what `stats` shows of it. */
export interface EmbedderStatus {
  readonly worker: 'off' | 'starting' | 'ready'
  /** Undefined until a model was opened once. */
  readonly opened: Opened | undefined
  readonly waiting: number
  readonly workers: WorkerCount
  /** Of each session on a CPU. */
  readonly threads: number
  /** Padded tokens in a batch on the device that serves; undefined as long as it is being found. */
  readonly batchTokens: number | undefined
}

/** A worker starts with the first text, however many callers, and starts anew after it was lost or unloaded. */
export class WorkerEmbedder implements Embedder {
  readonly space: Space
  readonly description: Embedder['description']
  readonly dims: number
  readonly #options: WorkerEmbedderOptions
  readonly #pool: WorkerPool
  /** Of one worker. */
  readonly #threads: number
  #lastOpened: Opened | undefined
  #cancelUnload: (() => void) | undefined
  /** Workers on their way out. */
  readonly #ending = new Set<Promise<void>>()
  #closed = false

  constructor(options: WorkerEmbedderOptions) {
    const { spec, spawn, plan, threads, workers, maxBatchTokens, onOpen, onTimes, batches } = options
    this.#options = options
    this.space = spec.space
    this.description = spec.description
    this.dims = spec.dims
    this.#threads = Math.max(1, Math.floor(threads / workers))
    // One core is for the thread that feeds the GPU.
    const tokenizers = Math.min(MOST_TOKENIZERS, Math.max(1, threads - 1))
    this.#pool = new WorkerPool({
      spawn,
      config: { spec, plan, threads: this.#threads, tokenizers, maxBatchTokens, ...(onTimes && { timed: true }) },
      measured: onTimes,
      most: workers,
      opened: opened => {
        this.#lastOpened = opened
        onOpen?.(opened)
      },
      idle: () => this.#unloadLater(),
      batches,
    })
  }

  spaceOf(text: string): Space {
    return spaceOf(this.#options.spec, text)
  }

  get room(): number {
    return Math.max(0, this.#options.maxQueue - this.#pool.size)
  }

  get status(): EmbedderStatus {
    const { workers } = this.#pool
    const opened = this.#lastOpened
    return {
      worker: workers.open > 0 ? 'ready' : workers.starting > 0 ? 'starting' : 'off',
      opened,
      waiting: this.#pool.size,
      workers,
      threads: this.#threads,
      batchTokens: this.#options.maxBatchTokens ?? (opened && this.#pool.batchTokens(opened.device)),
    }
  }

  get running(): RunningEmbedder {
    const { opened, workers, threads, batchTokens } = this.status
    return {
      device: opened?.device,
      workers: workers.open,
      threads,
      batchTokens,
      refused: opened?.tried,
    }
  }

  submit(job: EmbedJob): void {
    if (this.#closed) throw new OpDbusError('CLOSED', 'the embedder is closed')
    if (job.texts.length > this.room) throw overloaded(this.#options.maxQueue)
    if (job.texts.length === 0) return
    this.#stopUnload()
    this.#pool.add(job)
  }

  drop(job: EmbedJob, rows: readonly number[]): void {
    this.#pool.drop(job, rows)
  }

  /** Fails what is in hand with CLOSED; resolves when the workers are gone. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopUnload()
    this.#end(new OpDbusError('CLOSED', 'the embedder was closed'))
    await Promise.all(this.#ending)
  }

  #unloadLater(): void {
    const { idleUnloadMs, timer } = this.#options
    this.#stopUnload()
    if (idleUnloadMs === 0 || this.#closed) return
    this.#cancelUnload = timer(idleUnloadMs, () => {
      this.#cancelUnload = undefined
      this.#end(new OpDbusError('WORKER_LOST', 'the embedding worker was unloaded'))
    })
  }

  #stopUnload(): void {
    this.#cancelUnload?.()
    this.#cancelUnload = undefined
  }

  #end(error: OpDbusError): void {
    const end = this.#pool.end(error)
    this.#ending.add(end)
    void end.finally(() => this.#ending.delete(end))
  }
}
