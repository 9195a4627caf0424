// An embedder of the user's own (perhaps a paid API) behind the Embedder port: batched, checked, never asked twice.

import { allFinite } from '../../all-finite.js'
import { asFailure, invalid, messageOf, OpDbusError } from '../../errors.js'
import type { Clock, Embedder, EmbedJob, Space } from '../../ports.js'
import { isFloat32Array, ownFloats } from '../../realms.js'
import { MOST_HOLDERS, overloaded, RowsInHand, type Taken } from './rows-in-hand.js'

/** Texts to vectors, by whatever means. */
export interface UserEmbedder {
  /** Names everything that can change a vector, for example `my-model@1`. Another name is another cache. */
  readonly space: string
  readonly dims: number
  /** Texts in one call. Default 128. */
  readonly maxBatch?: number | undefined
  /** Calls at the same time. Default 1. */
  readonly concurrency?: number | undefined
  /**
   * The vectors of `texts` in order: `texts.length x dims` finite numbers, row-major. `signal` fires when nobody waits
   * for any of them any more. Not called again for texts it failed on: the callers get the error.
   */
  embed(texts: readonly string[], call: { readonly signal: AbortSignal }): Promise<Float32Array>
}

export interface CustomOptions {
  /** Texts waiting or in work before `submit` throws OVERLOADED. */
  readonly maxQueue: number
  /** One turn of the event loop, which is given between two calls of the embedder while more waits. */
  yieldToEventLoop?(): Promise<void>
  /** Told how long each call took that answered. */
  readonly measure?: { readonly clock: Pick<Clock, 'monotonic'>; ran(texts: number, micros: number): void }
}

/** Throws INVALID_INPUT when `user` is not what its type says. */
export function fromUserEmbedder(user: UserEmbedder, options: CustomOptions): Embedder {
  return new CustomEmbedder(user, options)
}

class CustomEmbedder implements Embedder {
  readonly space: Space
  readonly description: Embedder['description']
  readonly dims: number
  readonly #user: UserEmbedder
  readonly #options: CustomOptions
  readonly #maxBatch: number
  readonly #rows: RowsInHand
  /** Calls that run, each a holder of its rows; aborted when the last of these is dropped. */
  readonly #calls = new Map<number, AbortController>()
  /** Numbers of calls that may be made now. */
  readonly #free: number[]
  #scheduled = false
  #closed = false

  constructor(user: UserEmbedder, options: CustomOptions) {
    if (typeof user?.embed !== 'function') throw invalid('embedder.embed must be a function')
    if (typeof user.space !== 'string' || user.space === '') throw invalid('embedder.space must be a name')
    this.#user = user
    this.#options = options
    this.dims = count('embedder.dims', user.dims)
    this.space = JSON.stringify({ v: 1, custom: user.space, dims: user.dims }) as Space
    this.description = Object.freeze({ custom: user.space, dims: user.dims })
    this.#maxBatch = count('maxBatch', user.maxBatch ?? 128)
    const concurrency = Math.min(count('concurrency', user.concurrency ?? 1), MOST_HOLDERS)
    this.#free = Array.from({ length: concurrency }, (_, i) => i + 1)
    this.#rows = new RowsInHand(this.dims)
  }

  get room(): number {
    return Math.max(0, this.#options.maxQueue - this.#rows.size)
  }

  submit(job: EmbedJob): void {
    if (this.#closed) throw new OpDbusError('CLOSED', 'the embedder is closed')
    if (job.texts.length > this.room) throw overloaded(this.#options.maxQueue)
    this.#rows.add(job)
    this.#callSoon()
  }

  drop(job: EmbedJob, rows: readonly number[]): void {
    for (const call of this.#rows.drop(job, rows).keys()) this.#abandoned(call)
  }

  /** Fails what is in hand with CLOSED and fires the signal of running calls; does not wait for them. */
  async close(): Promise<void> {
    this.#closed = true
    this.#rows.failAll(new OpDbusError('CLOSED', 'the embedder was closed'))
    for (const call of this.#calls.keys()) this.#abandoned(call)
  }

  #abandoned(call: number): void {
    if (this.#rows.of(call) === 0) this.#calls.get(call)?.abort()
  }

  /** What one turn brings shares calls. */
  #callSoon(): void {
    if (this.#scheduled || this.#free.length === 0) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      while (this.#rows.waiting > 0 && this.#free.length > 0) void this.#call(this.#free.shift()!)
    })
  }

  async #call(call: number): Promise<void> {
    const controller = new AbortController()
    this.#calls.set(call, controller)
    const taken = this.#rows.take(call, this.#maxBatch)
    try {
      this.#finish(taken, await this.#ask(taken.texts, controller.signal))
    } catch (error) {
      this.#rows.fail(taken.numbers, asFailure(error))
    }
    this.#calls.delete(call)
    // An embedder that need not wait for anything would keep this thread until the queue is empty.
    if (this.#rows.waiting > 0) await this.#options.yieldToEventLoop?.()
    this.#free.push(call)
    this.#callSoon()
  }

  #finish({ numbers }: Taken, matrix: Float32Array): void {
    const { dims } = this
    const count = numbers.length
    for (let row = 0; row < count; row++)
      if (!allFinite(matrix, row * dims, dims))
        this.#rows.fail([numbers[row]!], failed(`it returned NaN or Infinity for text ${row} of ${count}`))
    // Who was told of a failure is told nothing else.
    const [tokens, truncated] = [new Uint8Array(count), new Uint8Array(count)]
    this.#rows.tell({ numbers, matrix, tokens, truncated, device: 'custom' })
  }

  async #ask(texts: readonly string[], signal: AbortSignal): Promise<Float32Array> {
    const rows = texts.length
    const { measure } = this.#options
    const began = measure?.clock.monotonic() ?? 0
    let matrix: unknown
    try {
      matrix = await this.#user.embed(texts, { signal })
    } catch (cause) {
      throw failed(messageOf(cause), cause)
    }
    measure?.ran(rows, 1000 * (measure.clock.monotonic() - began))
    if (!isFloat32Array(matrix)) throw failed(`it must return a Float32Array, not ${kindOf(matrix)}`)
    if (matrix.length !== rows * this.dims)
      throw failed(`it returned ${matrix.length} numbers for ${rows} texts of ${this.dims} dims`)
    // A copy: it may be a buffer that the next call is answered with as well.
    return ownFloats(matrix).slice()
  }
}

function failed(why: string, cause?: unknown): OpDbusError {
  return new OpDbusError('EMBEDDER_FAILED', `the embedder failed: ${why}`, { cause })
}

function count(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw invalid(`${name} must be a whole number of at least 1, not ${value}`)
}

function kindOf(value: unknown): string {
  return (typeof value === 'object' && value?.constructor?.name) || typeof value
}
