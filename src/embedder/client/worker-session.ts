// One worker, a process or a thread, from spawn to end: opens the model, hands texts over, settles whoever waits. Never restarts itself.

import { asFailure, isOpDbusError, messageOf, OpDbusError } from '../../errors.js'
import type { CallOptions, WorkerHandle } from '../../ports.js'
import { type DevicePlan, type Opened, unavailable } from '../devices/order.js'
import { fromWire, Link } from '../link.js'
import type { BatchResult, BudgetChoice, EmbedWorker, WorkerConfig } from '../protocol.js'
import type { EmbedRequest } from './embed-request.js'

export interface SessionConfig extends Omit<WorkerConfig, keyof DevicePlan> {
  /** Which devices to open; asked while the worker starts. `signal` fires when the session ends before. */
  plan(call: Required<CallOptions>): Promise<DevicePlan>
}

export interface SessionEvents {
  /** The model is open, or another device has taken over. */
  opened(opened: Opened): void
  /** The device's token budget was found. */
  chosen(choice: BudgetChoice): void
  /** So many texts got their outcome. */
  settled(texts: number): void
  /** The session is over, for this reason; whoever waits for it is settled next. Called once. */
  ended(error: OpDbusError): void
}

/** The worker is kept running, and the process with it, while texts are in hand; what it finishes comes unasked. */
export class WorkerSession {
  readonly #config: SessionConfig
  readonly #events: SessionEvents
  readonly #link: Link<EmbedWorker, readonly BatchResult[]>
  readonly #pending = new Map<number, EmbedRequest>()
  readonly #idOf = new Map<EmbedRequest, number>()
  #outbox: number[] = []
  #dropped: number[] = []
  #opened: Opened | undefined
  #sending = false
  #held = false
  #nextId = 1
  readonly #ended = new AbortController()

  /** Throws WORKER_LOST when the worker cannot be started, or as `spawn` does where that says more. */
  constructor(spawn: () => WorkerHandle, config: SessionConfig, events: SessionEvents) {
    this.#config = config
    this.#events = events
    this.#link = new Link(started(spawn), {
      lost,
      onPush: results => this.#take(results),
      onEnd: error => this.#over(error),
    })
    void this.#open()
  }

  /** Texts in hand. */
  get size(): number {
    return this.#pending.size
  }

  /** Undefined until the model is open. */
  get opened(): Opened | undefined {
    return this.#opened
  }

  /** Only once the model is open. */
  add(request: EmbedRequest): void {
    const id = this.#nextId++
    this.#pending.set(id, request)
    this.#idOf.set(request, id)
    this.#outbox.push(id)
    this.#keepAlive()
    this.#sendSoon()
  }

  /** The request is settled already; the worker need not compute its text any more. False: it is not here. */
  remove(request: EmbedRequest): boolean {
    const id = this.#idOf.get(request)
    if (id === undefined) return false
    this.#forget(id, request)
    this.#dropped.push(id)
    this.#sendSoon()
    this.#keepAlive()
    return true
  }

  /** Keeps the process alive also without texts in hand: somebody waits for the model to be open. */
  hold(held: boolean): void {
    this.#held = held
    this.#keepAlive()
  }

  /** Rejects everyone with `error` and ends the worker; resolves when it is gone. */
  end(error: OpDbusError): Promise<void> {
    return this.#link.end(error)
  }

  #over(error: OpDbusError): void {
    this.#ended.abort()
    const requests = [...this.#pending.values()]
    this.#pending.clear()
    this.#idOf.clear()
    this.#events.ended(error)
    for (const request of requests) request.reject(error)
  }

  async #open(): Promise<void> {
    const { signal } = this.#ended
    try {
      const { plan, ...config } = this.#config
      const devices = await plan({ signal })
      // Known before the worker loads a model.
      if (devices.devices.length === 0) throw unavailable(devices.refused ?? [])
      const opened = await this.#link.call('open', { ...config, ...devices })
      if (signal.aborted) return
      this.#opened = opened
      this.#events.opened(opened)
    } catch (error) {
      await this.end(asFailure(error))
    }
  }

  /** What one turn brings crosses in one message. */
  #sendSoon(): void {
    if (this.#sending) return
    this.#sending = true
    queueMicrotask(() => {
      this.#sending = false
      this.#send()
    })
  }

  #send(): void {
    const ids = this.#outbox.filter(id => this.#pending.has(id))
    const texts = ids.map(id => this.#pending.get(id)!.text)
    const dropped = this.#dropped
    this.#outbox = []
    this.#dropped = []
    if (ids.length > 0 || dropped.length > 0) this.#link.tell('submit', { ids, texts, dropped })
  }

  #take(results: readonly BatchResult[]): void {
    const before = this.#pending.size
    for (const result of results) this.#settle(result)
    this.#keepAlive()
    this.#events.settled(before - this.#pending.size)
  }

  #settle(result: BatchResult): void {
    const { dims } = this.#config.spec
    const { device, opened, chosen } = result
    if (opened) {
      this.#opened = opened
      this.#events.opened(opened)
    }
    if (chosen) this.#events.chosen(chosen)
    for (const [row, id] of result.ids.entries()) {
      const request = this.#pending.get(id)
      if (!request) continue
      this.#forget(id, request)
      // A copy, so that keeping one vector does not keep the whole batch in memory.
      const vector = result.matrix.slice(row * dims, (row + 1) * dims)
      request.resolve({ vector, tokens: result.tokens[row]!, truncated: result.truncated[row]!, device })
    }
    for (const { id, error } of result.failed) {
      const request = this.#pending.get(id)
      if (!request) continue
      this.#forget(id, request)
      request.reject(fromWire(error))
    }
  }

  #forget(id: number, request: EmbedRequest): void {
    this.#pending.delete(id)
    this.#idOf.delete(request)
  }

  #keepAlive(): void {
    this.#link.hold(this.#held || this.#pending.size > 0)
  }
}

function started(spawn: () => WorkerHandle): WorkerHandle {
  try {
    return spawn()
  } catch (error) {
    throw isOpDbusError(error) ? error : lost(messageOf(error), error)
  }
}

function lost(why: string, cause?: unknown): OpDbusError {
  return new OpDbusError('WORKER_LOST', `the embedding worker is gone: ${why}`, { cause })
}
