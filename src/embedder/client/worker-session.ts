// One worker, a process or a thread, from spawn to end: opens the model, hands texts over, settles whoever waits. Never restarts itself.

import { type Remote, wrap } from 'comlink'
import { asFailure, isOpDbusError, messageOf, OpDbusError } from '../../errors.js'
import type { Call, WorkerHandle } from '../../ports.js'
import type { DevicePlan, Opened } from '../devices/order.js'
import { unavailable } from '../devices/order.js'
import type { BudgetChoice } from '../protocol.js'
import { type EmbedWorker, fromWire, type Part, type WorkerConfig } from '../protocol.js'
import type { EmbedRequest } from './embed-request.js'

export interface SessionConfig extends Omit<WorkerConfig, keyof DevicePlan> {
  /** Which devices to open; asked while the worker starts. `signal` fires when the session ends before. */
  plan(call: Required<Call>): Promise<DevicePlan>
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

/** comlink alone does not do: a call pending when the worker dies would never settle. So `pending` is ours. */
export class WorkerSession {
  readonly #config: SessionConfig
  readonly #events: SessionEvents
  readonly #handle: WorkerHandle
  readonly #remote: Remote<EmbedWorker>
  readonly #pending = new Map<number, EmbedRequest>()
  readonly #idOf = new Map<EmbedRequest, number>()
  #outbox: number[] = []
  #dropped: number[] = []
  #opened: Opened | undefined
  #sending = false
  #held = false
  #nextId = 1
  #calls = 0
  #over = false
  readonly #ended = new AbortController()
  #gone: Promise<void> = Promise.resolve()

  /** Throws WORKER_LOST when the worker cannot be started, or as `spawn` does where that says more. */
  constructor(spawn: () => WorkerHandle, config: SessionConfig, events: SessionEvents) {
    this.#config = config
    this.#events = events
    try {
      this.#handle = spawn()
    } catch (error) {
      throw isOpDbusError(error) ? error : lost(messageOf(error), error)
    }
    this.#handle.onExit((why, error) => void this.end(isOpDbusError(error) ? error : lost(why, error)))
    this.#remote = wrap<EmbedWorker>(this.#handle.endpoint)
    // wrap() listens on the port, which keeps the process alive whatever was said before.
    this.#handle.unref()
    void this.#serve()
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
    if (this.#pending.size === 1) this.#handle.ref()
    this.#sendSoon()
  }

  /** The request is settled already; the worker need not compute its text any more. False: it is not here. */
  remove(request: EmbedRequest): boolean {
    const id = this.#idOf.get(request)
    if (id === undefined) return false
    this.#forget(id, request)
    this.#dropped.push(id)
    this.#sendSoon()
    this.#restIfEmpty()
    return true
  }

  /** Keeps the process alive also without texts in hand: somebody waits for the model to be open. */
  hold(held: boolean): void {
    if (held === this.#held || this.#over) return
    this.#held = held
    if (held) this.#handle.ref()
    else this.#restIfEmpty()
  }

  /** Rejects everyone with `error` and ends the worker; resolves when it is gone. */
  end(error: OpDbusError): Promise<void> {
    if (this.#over) return this.#gone
    this.#over = true
    this.#ended.abort()
    const requests = [...this.#pending.values()]
    this.#pending.clear()
    this.#idOf.clear()
    this.#handle.unref()
    this.#events.ended(error)
    for (const request of requests) request.reject(error)
    this.#gone = this.#handle.terminate()
    return this.#gone
  }

  async #serve(): Promise<void> {
    try {
      const { plan, ...config } = this.#config
      const devices = await plan({ signal: this.#ended.signal })
      if (this.#over) return
      // Known before the worker loads a model.
      if (devices.devices.length === 0) throw unavailable(devices.refused ?? [])
      const reply = await this.#remote.open({ ...config, ...devices })
      if (this.#over) return
      if ('error' in reply) throw fromWire(reply.error)
      this.#opened = reply.opened
      this.#events.opened(reply.opened)
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
      void this.#send()
    })
  }

  async #send(): Promise<void> {
    if (this.#over || (this.#pending.size === 0 && this.#dropped.length === 0)) return
    const ids = this.#outbox.filter(id => this.#pending.has(id))
    const texts = ids.map(id => this.#pending.get(id)!.text)
    const work = { ids, texts, dropped: this.#dropped }
    this.#outbox = []
    this.#dropped = []
    const call = ++this.#calls
    try {
      const parts = await this.#remote.exchange(work)
      if (this.#over) return
      const before = this.#pending.size
      for (const part of parts) this.#settle(part)
      this.#restIfEmpty()
      this.#events.settled(before - this.#pending.size)
      // Only the newest call is held by the worker; the others come home empty and are not renewed.
      if (call === this.#calls && this.#pending.size > 0) this.#sendSoon()
    } catch (error) {
      await this.end(asFailure(error))
    }
  }

  #settle(part: Part): void {
    const { dims } = this.#config.spec
    const { device, opened, chosen } = part
    if (opened) {
      this.#opened = opened
      this.#events.opened(opened)
    }
    if (chosen) this.#events.chosen(chosen)
    for (const [row, id] of part.ids.entries()) {
      const request = this.#pending.get(id)
      if (!request) continue
      this.#forget(id, request)
      // A copy, so that keeping one vector does not keep the whole batch in memory.
      const vector = part.matrix.slice(row * dims, (row + 1) * dims)
      request.resolve({ vector, tokens: part.tokens[row]!, truncated: part.truncated[row]!, device })
    }
    for (const { id, error } of part.failed) {
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

  #restIfEmpty(): void {
    if (this.#pending.size === 0 && !this.#held && !this.#over) this.#handle.unref()
  }
}

function lost(why: string, cause?: unknown): OpDbusError {
  return new OpDbusError('WORKER_LOST', `the embedding worker is gone: ${why}`, { cause })
}
