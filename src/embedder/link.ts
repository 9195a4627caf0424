// The link between two threads: calls with their answers, and what the other side sends unasked, over a worker's messages.
// Starts no worker and knows nothing of what crosses. Whatever waits for a worker that is gone is rejected here, and only here.

import { abortError, asFailure, ERROR_CODES, isOpDbusError, messageOf, OpDbusError } from '../errors.js'
import type { CallOptions, WorkerEndpoint, WorkerHandle } from '../ports.js'

/** An OpDbusError as plain data: of an error, structured cloning keeps little more than the message. */
export interface WireError {
  readonly code: string
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

export function toWire(error: unknown): WireError {
  if (!isOpDbusError(error)) return { code: 'EMBEDDER_FAILED', message: messageOf(error), details: {} }
  return { code: error.code, message: error.message, details: error.details }
}

export function fromWire({ code, message, details }: WireError): OpDbusError {
  return new OpDbusError(ERROR_CODES.find(known => known === code) ?? 'EMBEDDER_FAILED', message, { details })
}

/** An answer whose buffers move to the other side; without it they are copied. */
export class Moved<T> {
  constructor(
    readonly value: T,
    readonly transfer: ArrayBufferLike[],
  ) {}
}

/** What crosses. The mark tells these from what else a worker says (`READY`, a page's notices). */
type Message =
  /** Without an id nobody waits for the answer, and none is sent. */
  | { readonly opDbus: 'call'; readonly id?: number; readonly name: string; readonly argument: unknown }
  | { readonly opDbus: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly opDbus: 'failure'; readonly id?: number; readonly error: WireError }
  | { readonly opDbus: 'push'; readonly value: unknown }

// biome-ignore lint/suspicious/noExplicitAny: only `any` matches functions of every argument.
type Method = (argument: any) => unknown
type Argument<F> = F extends Method ? Parameters<F>[0] : never
type Answer<F> = F extends Method
  ? Awaited<ReturnType<F>> extends infer A
    ? A extends Moved<infer T>
      ? T
      : A
    : never
  : never

export interface LinkOptions<Pushed> {
  /** What calls are rejected with when the worker is gone; `why` is for people. */
  lost(why: string, cause?: unknown): OpDbusError
  /** The worker sent this unasked. */
  onPush?(value: Pushed): void
  /** Called once, when the link ends for whatever reason, before the calls that wait are rejected with the same error. */
  onEnd?(error: OpDbusError): void
}

export interface LinkCall extends CallOptions {
  /** What of the argument moves to the other side instead of being copied. */
  readonly transfer?: ArrayBufferLike[]
}

interface PendingCall {
  resolve(value: unknown): void
  reject(error: OpDbusError): void
}

/**
 * The side that started the worker. `Calls` is what the worker serves: methods of one argument; `Pushed` is what it sends
 * unasked.
 */
export class Link<Calls extends object, Pushed = never> {
  readonly #handle: WorkerHandle
  readonly #options: LinkOptions<Pushed>
  readonly #pending = new Map<number, PendingCall>()
  #nextId = 1
  #held = false
  /** Why it has ended. */
  #ended: OpDbusError | undefined
  #gone: Promise<void> = Promise.resolve()

  constructor(handle: WorkerHandle, options: LinkOptions<Pushed>) {
    this.#handle = handle
    this.#options = options
    handle.onExit((why, error) => void this.end(isOpDbusError(error) ? error : options.lost(why, error)))
    handle.endpoint.onMessage(message => this.#receive(message))
    // After listening, which keeps the process alive whatever was said before.
    handle.unref()
  }

  /** Rejects with what the worker threw, with ABORTED, and when the link ends; never waits for a worker that is gone. */
  call<Name extends keyof Calls & string>(
    name: Name,
    argument: Argument<Calls[Name]>,
    { signal, transfer }: LinkCall = {},
  ): Promise<Answer<Calls[Name]>> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended)
      if (signal?.aborted) return reject(abortError(signal))
      const id = this.#nextId++
      const leave = () => {
        this.#pending.delete(id)
        reject(abortError(signal!))
      }
      const settled = () => signal?.removeEventListener('abort', leave)
      // Throws for what cannot be cloned, which rejects.
      this.#post({ opDbus: 'call', id, name, argument }, transfer)
      signal?.addEventListener('abort', leave, { once: true })
      this.#pending.set(id, {
        resolve(value) {
          settled()
          resolve(value as Answer<Calls[Name]>)
        },
        reject(error) {
          settled()
          reject(error)
        },
      })
    })
  }

  /** Calls without waiting. Where the worker throws, or the argument cannot cross, the link ends with that error. */
  tell<Name extends keyof Calls & string>(name: Name, argument: Argument<Calls[Name]>): void {
    if (this.#ended) return
    try {
      this.#post({ opDbus: 'call', name, argument })
    } catch (error) {
      void this.end(asFailure(error))
    }
  }

  /** Whether the worker keeps this process alive; at first it does not, whatever is pending. */
  hold(held: boolean): void {
    if (held === this.#held || this.#ended) return
    this.#held = held
    if (held) this.#handle.ref()
    else this.#handle.unref()
  }

  /** Rejects what waits, and all that is asked from now on, with `error`, and ends the worker; resolves when it is gone. */
  end(error: OpDbusError = new OpDbusError('CLOSED', 'the link to the worker was closed')): Promise<void> {
    if (this.#ended) return this.#gone
    this.hold(false)
    this.#ended = error
    this.#options.onEnd?.(error)
    for (const call of this.#pending.values()) call.reject(error)
    this.#pending.clear()
    this.#gone = this.#handle.terminate()
    return this.#gone
  }

  #post(message: Message, transfer?: ArrayBufferLike[]): void {
    this.#handle.endpoint.postMessage(message, transfer)
  }

  #receive(received: unknown): void {
    if (this.#ended) return
    const message = received as Message | null
    if (message?.opDbus === 'push') this.#push(message.value as Pushed)
    else if (message?.opDbus === 'answer') this.#take(message.id)?.resolve(message.value)
    else if (message?.opDbus === 'failure') {
      const error = fromWire(message.error)
      if (message.id === undefined) void this.end(error)
      else this.#take(message.id)?.reject(error)
    }
  }

  #push(value: Pushed): void {
    try {
      this.#options.onPush?.(value)
    } catch (error) {
      // What came cannot be used: whoever waits for it must not wait for ever.
      void this.end(asFailure(error))
    }
  }

  /** Undefined where the caller has left. */
  #take(id: number): PendingCall | undefined {
    const call = this.#pending.get(id)
    this.#pending.delete(id)
    return call
  }
}

/** Sends to the side that started this worker, unasked. */
export type Push<T> = (value: T, transfer?: ArrayBufferLike[]) => void

/** The worker's side: answers what comes through `endpoint` with the methods that `make` returns. */
export function serve(endpoint: WorkerEndpoint, make: (push: Push<unknown>) => object): void {
  const post = (message: Message, transfer?: ArrayBufferLike[]) => endpoint.postMessage(message, transfer)
  const push: Push<unknown> = (value, transfer) => {
    try {
      post({ opDbus: 'push', value }, transfer)
    } catch (error) {
      // Nobody here can do anything about it, and on the other side somebody waits: the link ends.
      post({ opDbus: 'failure', error: toWire(error) })
    }
  }
  const methods = make(push) as Record<string, Method>

  async function answer(id: number | undefined, name: string, argument: unknown): Promise<void> {
    try {
      const value = await methods[name]!(argument)
      if (id === undefined) return
      if (value instanceof Moved) post({ opDbus: 'answer', id, value: value.value }, value.transfer)
      else post({ opDbus: 'answer', id, value })
    } catch (error) {
      post({ opDbus: 'failure', id, error: toWire(error) })
    }
  }

  endpoint.onMessage(received => {
    const message = received as Message | null
    if (message?.opDbus === 'call') void answer(message.id, message.name, message.argument)
  })
}
