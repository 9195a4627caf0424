// The workers of one model: when another starts, and which of them gets a text. What they compute is their business.

import { asFailure, messageOf, type OpDbusError } from '../../errors.js'
import type { Device, WorkerHandle } from '../../ports.js'
import { isGpu, type Opened } from '../devices/order.js'
import type { BudgetChoice } from '../protocol.js'
import type { EmbedRequest } from './embed-request.js'
import { type SessionConfig, WorkerSession } from './worker-session.js'

/**
 * Texts that one of several workers has in hand: enough to sort by length, few enough that some are left for the others.
 * A worker that cannot have others gets all there are.
 */
const WINDOW = 256
/**
 * Another worker starts once so many texts were `finished` while so many others were `waiting` for a worker. To open a
 * model takes about as long as to embed some hundred texts, whatever the model: when that much was done and there is
 * still more, a start has paid for itself.
 */
const GROW = { finished: 512, waiting: 128 }

/** Threads of one session beyond which a small model gains little. */
const THREADS_A_WORKER = 4
/** Each holds a model: 90 MB for MiniLM, 420 MB for MPNet. */
const MOST_WORKERS = 8

/**
 * Workers on a CPU that runs so many threads at once. Measured on two cores: two workers of one thread are as fast as one
 * of two while nothing else runs, and faster by 15 to 60 % on a busy machine; but they take twice the memory, and a text
 * that comes alone has only one thread. The gain is sure where one session cannot use all cores.
 */
export function usualWorkers(threads: number): number {
  return Math.min(MOST_WORKERS, Math.max(1, Math.floor(threads / THREADS_A_WORKER)))
}

export interface PoolOptions {
  readonly spawn: () => WorkerHandle
  readonly config: Omit<SessionConfig, 'batchTokens'>
  /** Most workers on a CPU. A GPU has one. */
  readonly most: number
  /** A worker's model is open, or another device has taken over. */
  opened(opened: Opened): void
  /** Nobody waits any more. */
  idle(): void
}

export interface WorkerCount {
  /** Their model is open. */
  readonly open: number
  readonly starting: number
  /** At the same time, on a CPU. */
  readonly most: number
  /** Why another one could not be started. */
  readonly refused: string | undefined
}

/** The first worker starts with the first text; all of them end together. */
export class WorkerPool {
  readonly #options: PoolOptions
  readonly #sessions = new Set<WorkerSession>()
  /** In order of arrival; whoever has a worker is not among them. */
  readonly #queue = new Set<EmbedRequest>()
  readonly #chosen: Partial<Record<Device, number>> = {}
  #finished = 0
  /** Why another worker could not be started; no more is tried before all of them have ended. */
  #refused: string | undefined

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** Texts waiting or in work. */
  get size(): number {
    let size = this.#queue.size
    for (const session of this.#sessions) size += session.size
    return size
  }

  get workers(): WorkerCount {
    let open = 0
    for (const session of this.#sessions) if (session.opened) open++
    return { open, starting: this.#sessions.size - open, most: this.#options.most, refused: this.#refused }
  }

  /** Padded tokens in a batch, where measuring has found them. */
  batchTokens(device: Device): number | undefined {
    return this.#chosen[device]
  }

  /** Throws WORKER_LOST when no worker can be started. */
  add(request: EmbedRequest): void {
    if (this.#sessions.size === 0) this.#start(this.#options.config.plan)
    this.#queue.add(request)
    this.#dispatch()
  }

  /** The request is settled already. */
  remove(request: EmbedRequest): void {
    if (!this.#queue.delete(request)) for (const session of this.#sessions) if (session.remove(request)) break
    this.#dispatch()
    if (this.size === 0) this.#options.idle()
  }

  /** Rejects everyone with `error` and ends all workers; resolves when they are gone. The next text starts anew. */
  async end(error: OpDbusError): Promise<void> {
    this.#rejectQueue(error)
    await Promise.all([...this.#sessions].map(session => session.end(error)))
  }

  #start(plan: SessionConfig['plan']): void {
    const { spawn, config, opened } = this.#options
    const session = new WorkerSession(
      spawn,
      { ...config, plan, batchTokens: { ...this.#chosen } },
      {
        opened: now => {
          opened(now)
          this.#dispatch()
        },
        chosen: ({ device, tokens }: BudgetChoice) => {
          this.#chosen[device] = tokens
        },
        settled: texts => this.#settled(texts),
        ended: error => this.#ended(session, error),
      },
    )
    this.#sessions.add(session)
  }

  #settled(texts: number): void {
    if (this.#queue.size >= GROW.waiting) this.#finished += texts
    if (this.#finished >= GROW.finished) this.#grow()
    this.#dispatch()
    if (texts > 0 && this.size === 0) this.#options.idle()
  }

  #grow(): void {
    const { most, config } = this.#options
    const [first] = this.#sessions
    const device = first?.opened?.device
    if (device === undefined || isGpu(device) || this.#refused !== undefined) return
    if (this.#sessions.size >= most || this.workers.starting > 0) return
    this.#finished = 0
    try {
      // All compute on the device that serves.
      this.#start(async call => ({ ...(await config.plan(call)), devices: [device] }))
    } catch (error) {
      this.#refused = messageOf(error)
    }
  }

  #ended(session: WorkerSession, error: OpDbusError): void {
    this.#sessions.delete(session)
    this.#finished = 0
    if (this.#sessions.size > 0) {
      if (!session.opened) this.#refused = error.message
      this.#dispatch()
      return
    }
    this.#refused = undefined
    if (this.#queue.size === 0) return
    try {
      // What the lost worker did not have in hand another can do; what did not open would not open for them either.
      if (!session.opened) throw error
      this.#start(this.#options.config.plan)
      this.#dispatch()
    } catch (reason) {
      this.#rejectQueue(asFailure(reason))
    }
  }

  #rejectQueue(error: OpDbusError): void {
    const requests = [...this.#queue]
    this.#queue.clear()
    for (const request of requests) request.reject(error)
  }

  /** Hands out what waits, oldest first, each to the worker with the least in hand. */
  #dispatch(): void {
    for (const request of this.#queue) {
      const session = this.#leastLoaded()
      if (!session) break
      this.#queue.delete(request)
      session.add(request)
    }
    for (const session of this.#sessions) session.hold(!session.opened && this.#queue.size > 0)
  }

  #leastLoaded(): WorkerSession | undefined {
    let least: WorkerSession | undefined
    for (const session of this.#sessions) {
      const { opened, size } = session
      if (!opened) continue
      const room = this.#options.most === 1 || isGpu(opened.device) ? Infinity : WINDOW
      if (size < room && size < (least?.size ?? Infinity)) least = session
    }
    return least
  }
}
