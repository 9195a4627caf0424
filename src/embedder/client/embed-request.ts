// One caller of embed(): a promise that settles once, and the link to its signal. Knows nothing of who computes.

import type { AbortListeners } from '../../abort-listeners.js'
import { abortError } from '../../errors.js'
import type { CallOptions, Embedding } from '../../ports.js'

export class EmbedRequest {
  readonly promise: Promise<Embedding>
  readonly #unlisten: (() => void) | undefined
  #resolve!: (embedding: Embedding) => void
  #reject!: (error: unknown) => void

  /** `leave` is called when the caller's signal fires before the request settled; the promise is rejected already. */
  constructor(
    readonly text: string,
    call: CallOptions | undefined,
    listeners: AbortListeners,
    leave: (request: EmbedRequest) => void,
  ) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const signal = call?.signal
    this.#unlisten =
      signal &&
      listeners.add(signal, () => {
        this.reject(abortError(signal))
        leave(this)
      })
  }

  /** The first of resolve and reject counts. */
  resolve(embedding: Embedding): void {
    this.#unlisten?.()
    this.#resolve(embedding)
  }

  reject(error: unknown): void {
    this.#unlisten?.()
    this.#reject(error)
  }
}
