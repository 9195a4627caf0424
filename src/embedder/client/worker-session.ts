// One worker, a process or a thread, from spawn to end: opens the model, hands texts over, passes on what comes back. Never restarts itself.

import { asFailure, isOpDbusError, messageOf, OpDbusError } from '../../errors.js'
import type { CallOptions, WorkerHandle } from '../../ports.js'
import { type DevicePlan, type Opened, unavailable } from '../devices/order.js'
import { fromWire, Link } from '../link.js'
import type { BatchResult, BudgetChoice, EmbedWorker, WorkerConfig, WorkTimes } from '../protocol.js'
import type { RowsInHand } from './rows-in-hand.js'

export interface SessionConfig extends Omit<WorkerConfig, keyof DevicePlan> {
  /** Which devices to open; asked while the worker starts. `signal` fires when the session ends before. */
  plan(call: Required<CallOptions>): Promise<DevicePlan>
}

export interface SessionEvents {
  /** The model is open, or another device has taken over. */
  opened(opened: Opened): void
  /** The device's token budget was found. */
  chosen(choice: BudgetChoice): void
  /** Where the worker's time went since it opened its model, where that is measured. */
  measured(times: WorkTimes): void
  /** A batch was computed, which is told next. */
  ran(batch: BatchResult): void
  /** So many texts got their outcome. */
  settled(texts: number): void
  /** The session is over, for this reason; what it had in hand is its owner's. Called once. */
  ended(error: OpDbusError): void
}

/** The worker is kept running, and the process with it, while texts are in hand; what it finishes comes unasked. */
export class WorkerSession {
  /** By which {@link RowsInHand} knows what this session has. */
  readonly holder: number
  readonly #config: SessionConfig
  readonly #events: SessionEvents
  readonly #rows: RowsInHand
  readonly #link: Link<EmbedWorker, readonly BatchResult[]>
  #dropped: number[] = []
  #opened: Opened | undefined
  #held = false
  readonly #ended = new AbortController()

  /** Throws WORKER_LOST when the worker cannot be started, or as `spawn` does where that says more. */
  constructor(
    spawn: () => WorkerHandle,
    config: SessionConfig,
    { rows, holder, ...events }: SessionEvents & { readonly rows: RowsInHand; readonly holder: number },
  ) {
    this.holder = holder
    this.#config = config
    this.#events = events
    this.#rows = rows
    this.#link = new Link(started(spawn), {
      lost,
      onPush: results => this.#take(results),
      onEnd: error => this.#over(error),
    })
    void this.#open()
  }

  /** Texts in hand. */
  get size(): number {
    return this.#rows.of(this.holder)
  }

  /** Undefined until the model is open. */
  get opened(): Opened | undefined {
    return this.#opened
  }

  /** Takes the oldest texts that wait, `most` at most, and sends them. Only once the model is open. */
  send(most: number): void {
    const { numbers, texts } = this.#rows.take(this.holder, most)
    this.#keepAlive()
    this.#link.tell('submit', { numbers, texts, dropped: [] })
  }

  /** Nobody waits for these any more; the worker need not compute them. */
  drop(numbers: readonly number[]): void {
    this.#keepAlive()
    // What one turn brings crosses in one message.
    if (this.#dropped.length === 0) queueMicrotask(() => this.#sendDropped())
    for (const number of numbers) this.#dropped.push(number)
  }

  /** Keeps the process alive also without texts in hand: somebody waits for the model to be open. */
  hold(held: boolean): void {
    this.#held = held
    this.#keepAlive()
  }

  /** Fails all that is in hand with `error` and ends the worker; resolves when it is gone. */
  end(error: OpDbusError): Promise<void> {
    return this.#link.end(error)
  }

  #over(error: OpDbusError): void {
    this.#ended.abort()
    this.#events.ended(error)
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

  #sendDropped(): void {
    const dropped = this.#dropped
    this.#dropped = []
    this.#link.tell('submit', { numbers: [], texts: [], dropped })
  }

  #take(results: readonly BatchResult[]): void {
    let told = 0
    for (const result of results) {
      const { opened, chosen, times, failed, ...finished } = result
      if (opened) {
        this.#opened = opened
        this.#events.opened(opened)
      }
      if (chosen) this.#events.chosen(chosen)
      if (times) this.#events.measured(times)
      this.#events.ran(result)
      told += this.#rows.tell(finished)
      for (const { numbers, error } of failed) told += this.#rows.fail(numbers, fromWire(error))
    }
    this.#keepAlive()
    this.#events.settled(told)
  }

  #keepAlive(): void {
    this.#link.hold(this.#held || this.size > 0)
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
