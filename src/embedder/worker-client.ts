// The Embedder on the main thread: when the worker starts, rests and ends. What it computes is the worker's business.

import { abortError, OpDbusError } from '../errors.js'
import type { Call, Embedder, Embedding, Space, WorkerHandle } from '../ports.js'
import type { ModelSpec } from './model-spec.js'
import type { DevicePlan, Opened } from './protocol.js'
import { Signals } from './signals.js'
import { Waiter } from './waiter.js'
import { WorkerSession } from './worker-session.js'

/** Calls `run` after `ms` unless cancelled by the function it returns. Must not keep the process alive. */
export type Timer = (ms: number, run: () => void) => () => void

/** Defaults of {@link WorkerEmbedder}, with units. */
export const EMBEDDER_DEFAULTS = {
  /** Texts waiting or in work before `embed` answers OVERLOADED. */
  maxQueue: 16_384,
  /** Milliseconds without work after which the worker, with model and runtime, is let go. 0 keeps it. */
  idleUnloadMs: 5 * 60_000,
  /** Padded tokens a batch may hold. */
  maxBatchTokens: 1024,
} as const

export interface WorkerEmbedderOptions {
  readonly spec: ModelSpec
  /** Starts a worker thread running node-worker.ts (or its sibling for browsers). */
  readonly spawn: () => WorkerHandle
  /** Asked at every start of a worker. What it rejects with, the waiting texts are rejected with. */
  readonly plan: () => Promise<DevicePlan>
  /** Threads a session may use. */
  readonly threads: number
  readonly timer: Timer
  readonly maxQueue?: number | undefined
  readonly idleUnloadMs?: number | undefined
  readonly maxBatchTokens?: number | undefined
  /** Called at every start of a worker, once its model is open, and when another device takes over. */
  readonly onOpen?: ((opened: Opened) => void) | undefined
}

/** For `doctor` and `stats`: what runs now, and what was learnt when a model was last opened. */
export interface EmbedderStatus {
  readonly worker: 'off' | 'starting' | 'ready'
  /** Undefined until a model was opened once. */
  readonly opened: Opened | undefined
  readonly waiting: number
}

/** The worker starts with the first text, however many callers, and starts anew after it was lost or unloaded. */
export class WorkerEmbedder implements Embedder {
  readonly space: Space
  readonly description: Embedder['description']
  readonly dims: number
  readonly #options: WorkerEmbedderOptions & Record<keyof typeof EMBEDDER_DEFAULTS, number>
  #session: WorkerSession | undefined
  #lastOpened: Opened | undefined
  #cancelUnload: (() => void) | undefined
  /** Threads on their way out. */
  readonly #ending = new Set<Promise<void>>()
  readonly #signals = new Signals()
  #closed = false

  constructor(options: WorkerEmbedderOptions) {
    const { maxQueue, idleUnloadMs, maxBatchTokens } = options
    this.#options = {
      ...options,
      maxQueue: maxQueue ?? EMBEDDER_DEFAULTS.maxQueue,
      idleUnloadMs: idleUnloadMs ?? EMBEDDER_DEFAULTS.idleUnloadMs,
      maxBatchTokens: maxBatchTokens ?? EMBEDDER_DEFAULTS.maxBatchTokens,
    }
    this.space = options.spec.space
    this.description = options.spec.description
    this.dims = options.spec.dims
  }

  get room(): number {
    return Math.max(0, this.#options.maxQueue - (this.#session?.size ?? 0))
  }

  get status(): EmbedderStatus {
    const session = this.#session
    return {
      worker: session === undefined ? 'off' : session.opened ? 'ready' : 'starting',
      opened: session?.opened ?? this.#lastOpened,
      waiting: session?.size ?? 0,
    }
  }

  embed(text: string, call?: Call): Promise<Embedding> {
    if (this.#closed) return Promise.reject(new OpDbusError('CLOSED', 'the embedder is closed'))
    if (call?.signal?.aborted) return Promise.reject(abortError(call.signal))
    if (this.room === 0) return Promise.reject(overloaded(this.#options.maxQueue))
    try {
      const session = this.#session ?? this.#start()
      const waiter = new Waiter(text, call, this.#signals, left => session.remove(left))
      this.#stopUnload()
      session.add(waiter)
      return waiter.promise
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Rejects what is in hand with CLOSED; resolves when the thread is gone. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopUnload()
    this.#endSession(new OpDbusError('CLOSED', 'the embedder was closed'))
    await Promise.all(this.#ending)
  }

  #start(): WorkerSession {
    const { spec, spawn, plan, threads, maxBatchTokens, onOpen } = this.#options
    const session = new WorkerSession(
      spawn,
      { spec, threads, maxBatchTokens, plan },
      {
        opened: opened => {
          this.#lastOpened = opened
          onOpen?.(opened)
        },
        idle: () => this.#unloadLater(),
        ended: () => {
          if (this.#session === session) this.#session = undefined
        },
      },
    )
    this.#session = session
    return session
  }

  #unloadLater(): void {
    const { idleUnloadMs, timer } = this.#options
    this.#stopUnload()
    if (idleUnloadMs === 0 || this.#closed) return
    this.#cancelUnload = timer(idleUnloadMs, () => {
      this.#cancelUnload = undefined
      this.#endSession(new OpDbusError('WORKER_LOST', 'the embedding worker was unloaded'))
    })
  }

  #stopUnload(): void {
    this.#cancelUnload?.()
    this.#cancelUnload = undefined
  }

  #endSession(error: OpDbusError): void {
    const end = this.#session?.end(error)
    if (!end) return
    this.#ending.add(end)
    void end.finally(() => this.#ending.delete(end))
  }
}

function overloaded(maxQueue: number): OpDbusError {
  return new OpDbusError('OVERLOADED', `${maxQueue} texts are waiting already`, { details: { maxQueue } })
}
