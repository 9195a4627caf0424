// One caller of embed(): a promise that settles once, and the link to its signal. Knows nothing of who computes.

import { abortError } from '../errors.js'
import type { Call, Embedding } from '../ports.js'

export class Waiter {
  readonly promise: Promise<Embedding>
  readonly #signal: AbortSignal | undefined
  readonly #onAbort: () => void
  #resolve!: (embedding: Embedding) => void
  #reject!: (error: unknown) => void

  /** `leave` is called when the caller's signal fires before the waiter settled; the promise is rejected already. */
  constructor(
    readonly text: string,
    call: Call | undefined,
    leave: (waiter: Waiter) => void,
  ) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const signal = call?.signal
    this.#signal = signal
    this.#onAbort = () => {
      this.reject(abortError(signal!))
      leave(this)
    }
    signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** The first of resolve and reject counts. */
  resolve(embedding: Embedding): void {
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#resolve(embedding)
  }

  reject(error: unknown): void {
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#reject(error)
  }
}
