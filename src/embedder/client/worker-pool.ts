// The workers of one model: when another starts, and which of them gets a text. What they compute is their business.

import { asFailure, messageOf, OpDbusError } from '../../errors.js'
import type { BatchListener, Device, EmbedJob, WorkerHandle } from '../../ports.js'
import { isGpu, type Opened } from '../devices/order.js'
import type { BatchResult, BudgetChoice, WorkTimes } from '../protocol.js'
import { RowsInHand, WAITING } from './rows-in-hand.js'
import { type SessionConfig, WorkerSession } from './worker-session.js'

/**
 * Texts that one of several workers has in hand: enough to sort by length, few enough that some are left for the others.
 * A worker that cannot have others gets all there are.
 */
const WINDOW = 256
/**
 * Another worker starts once so many texts were `finished` while there was more than the open ones can do: so many `waiting` for a
 * worker, so many `inHand` of all of them.
 */
const GROW = {
  /**
   * To open a model takes about as long as to embed some hundred texts, whatever the model: when that much was done and there
   * is still more, a start has paid for itself.
   */
  cpu: { finished: 512, waiting: 128, inHand: 0 },
  /** A session opens in a second or two, and does thousands of texts in one. While it runs its thread waits: the other packs. */
  cuda: { finished: 16_384, waiting: 0, inHand: 2048 },
} as const
/** Sessions on CUDA: two keep it busy. */
const MOST_ON_CUDA = 2

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
  /** Most workers on a CPU. CUDA has two at most, another GPU one. */
  readonly most: number
  /** A worker's model is open, or another device has taken over. */
  opened(opened: Opened): void
  /** Where a worker's time went, with every batch, where the configuration asks for that. */
  measured?(times: WorkTimes): void
  /** Nobody waits any more. */
  idle(): void
  readonly batches?: BatchListener | undefined
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

/** The first worker starts with the first job; all of them end together. */
export class WorkerPool {
  readonly #options: PoolOptions
  readonly #rows: RowsInHand
  readonly #sessions = new Set<WorkerSession>()
  readonly #chosen: Partial<Record<Device, number>> = {}
  #finished = 0
  #scheduled = false
  /** Why another worker could not be started; no more is tried before all of them have ended. */
  #refused: string | undefined

  constructor(options: PoolOptions) {
    this.#options = options
    const { batches, config } = options
    this.#rows = new RowsInHand(config.spec.dims, batches && (() => batches.clock.monotonic()))
  }

  /** Texts waiting or in work. */
  get size(): number {
    return this.#rows.size
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

  /** Where no worker can be started the job fails with WORKER_LOST. */
  add(job: EmbedJob): void {
    this.#rows.add(job)
    const error = this.#startFirst()
    if (error) queueMicrotask(() => this.#rows.failAll(error, WAITING))
    else this.#shareSoon()
  }

  drop(job: EmbedJob, rows: readonly number[]): void {
    const taken = this.#rows.drop(job, rows)
    for (const session of this.#sessions) {
      const numbers = taken.get(session.holder)
      if (numbers) session.drop(numbers)
    }
    this.#shareSoon()
    if (this.size === 0) this.#options.idle()
  }

  /** Fails all there is with `error` and ends all workers; resolves when they are gone. The next job starts anew. */
  async end(error: OpDbusError): Promise<void> {
    this.#rows.failAll(error)
    await Promise.all([...this.#sessions].map(session => session.end(error)))
  }

  /** `only`: on another device it is of no use. */
  #start(plan: SessionConfig['plan'], only?: Device): void {
    const { spawn, config, opened, measured } = this.#options
    const session = new WorkerSession(
      spawn,
      { ...config, plan, batchTokens: { ...this.#chosen } },
      {
        rows: this.#rows,
        holder: this.#freeHolder(),
        opened: now => {
          if (only !== undefined && now.device !== only && session.size === 0) {
            const why = now.tried.find(({ device }) => device === only)?.reason ?? `it opened on ${now.device}`
            void session.end(new OpDbusError('DEVICE_UNAVAILABLE', why))
            this.#refused = why
            return
          }
          opened(now)
          this.#share()
        },
        chosen: ({ device, tokens }: BudgetChoice) => {
          this.#chosen[device] = tokens
        },
        measured: times => measured?.(times),
        ran: batch => this.#ran(batch),
        settled: texts => this.#settled(texts),
        ended: error => this.#ended(session, error),
      },
    )
    this.#sessions.add(session)
  }

  /** Where there is none yet; answers what keeps it from starting. */
  #startFirst(): OpDbusError | undefined {
    if (this.#sessions.size > 0) return undefined
    try {
      this.#start(this.#options.config.plan)
    } catch (error) {
      return asFailure(error)
    }
    return undefined
  }

  #freeHolder(): number {
    const used = new Set([...this.#sessions].map(({ holder }) => holder))
    let holder = 1
    while (used.has(holder)) holder++
    return holder
  }

  #ran({ ms, numbers, tokens, device }: BatchResult): void {
    const { batches } = this.#options
    if (batches === undefined || ms === undefined || numbers.length === 0) return
    const now = batches.clock.monotonic()
    const came = this.#rows.cameAt(numbers.reduce((one, other) => Math.min(one, other))) ?? now - ms
    batches.ran({
      device,
      rows: numbers.length,
      tokens: tokens.reduce((sum, count) => sum + count, 0),
      micros: 1000 * ms,
      waited: 1000 * Math.max(0, now - came - ms),
    })
  }

  #settled(texts: number): void {
    const device = this.#growsOn()
    if (device !== undefined) {
      const { finished, waiting, inHand } = GROW[device === 'cuda' ? 'cuda' : 'cpu']
      if (this.#rows.waiting >= waiting && this.size >= inHand) this.#finished += texts
      if (this.#finished >= finished) this.#grow(device)
    }
    this.#share()
    if (texts > 0 && this.size === 0) this.#options.idle()
  }

  /** What the first worker computes on, where there may be another. */
  #growsOn(): Device | undefined {
    const [first] = this.#sessions
    const device = first?.opened?.device
    if (device === undefined || this.#refused !== undefined || this.workers.starting > 0) return undefined
    const { most } = this.#options
    const limit = device === 'cuda' ? Math.min(most, MOST_ON_CUDA) : isGpu(device) ? 1 : most
    return this.#sessions.size < limit ? device : undefined
  }

  #grow(device: Device): void {
    const { config } = this.#options
    this.#finished = 0
    try {
      this.#start(async call => {
        const plan = await config.plan(call)
        // All compute on the device that serves. What a plan has after a GPU stands by, should that be lost.
        return { ...plan, devices: isGpu(device) ? from(device, plan.devices) : [device] }
      }, device)
    } catch (error) {
      this.#refused = messageOf(error)
    }
  }

  #ended(session: WorkerSession, error: OpDbusError): void {
    this.#sessions.delete(session)
    this.#finished = 0
    if (this.#sessions.size === 0) this.#refused = undefined
    else if (!session.opened) this.#refused = error.message
    this.#rows.failAll(error, session.holder)
    // What did not open would not open for those that wait either; what the lost worker did not have in hand another can do.
    if (this.#sessions.size === 0 && !session.opened) this.#rows.failAll(error, WAITING)
    this.#share()
    if (this.#sessions.size > 0 && this.size === 0) this.#options.idle()
  }

  /** What one turn brings is shared out as one. */
  #shareSoon(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#share()
    })
  }

  /** Hands out what waits, oldest first, so that the workers have as many as one another in hand. */
  #share(): void {
    const error = this.#rows.waiting > 0 ? this.#startFirst() : undefined
    if (error) this.#rows.failAll(error, WAITING)
    const open = [...this.#sessions].filter(session => session.opened).sort((a, b) => a.size - b.size)
    for (const [index, session] of open.entries()) {
      const fair = levelOf(
        open.slice(index).map(({ size }) => size),
        this.#rows.waiting,
      )
      const most = Math.min(fair, this.#window(session)) - session.size
      if (most > 0) session.send(most)
    }
    for (const session of this.#sessions) session.hold(!session.opened && this.#rows.waiting > 0)
  }

  /** Texts that a session may have in hand. */
  #window({ opened }: WorkerSession): number {
    return this.#options.most === 1 || isGpu(opened!.device) ? Infinity : WINDOW
  }
}

function from(device: Device, devices: readonly Device[]): readonly Device[] {
  const at = devices.indexOf(device)
  return at < 0 ? [device] : devices.slice(at)
}

/** How many each has when `waiting` more are given to those of the ascending `sizes` that have the fewest. */
function levelOf(sizes: readonly number[], waiting: number): number {
  let total = waiting
  let level = 0
  for (const [index, size] of sizes.entries()) {
    total += size
    level = Math.ceil(total / (index + 1))
    if (level <= (sizes[index + 1] ?? Infinity)) break
  }
  return level
}
