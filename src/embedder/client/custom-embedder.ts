// An embedder of the user's own (perhaps a paid API) behind the Embedder port: batched, checked, never asked twice.

import { AbortListeners } from '../../abort-listeners.js'
import { abortError, messageOf, OpDbusError } from '../../errors.js'
import type { CallOptions, Embedder, Embedding, EmbedJob, Space } from '../../ports.js'
import { isFloat32Array, ownFloats } from '../../realms.js'
import { Batcher } from '../batcher.js'
import { EmbedRequest } from './embed-request.js'
import { embedText } from './embed-text.js'
import { TextJobs } from './text-jobs.js'

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
  /** Texts waiting or in work before `embed` answers OVERLOADED. */
  readonly maxQueue: number
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
  readonly #maxQueue: number
  readonly #batcher: Batcher<EmbedRequest>
  readonly #requests = new Set<EmbedRequest>()
  readonly #listeners = new AbortListeners()
  readonly #jobs = new TextJobs((text, call) => this.#embed(text, call))
  #closed = false

  constructor(user: UserEmbedder, { maxQueue }: CustomOptions) {
    if (typeof user?.embed !== 'function') throw invalid('embedder.embed must be a function')
    if (typeof user.space !== 'string' || user.space === '') throw invalid('embedder.space must be a name')
    this.#user = user
    this.dims = count('embedder.dims', user.dims)
    this.#maxQueue = maxQueue
    this.space = JSON.stringify({ v: 1, custom: user.space, dims: user.dims }) as Space
    this.description = Object.freeze({ custom: user.space, dims: user.dims })
    this.#batcher = new Batcher<EmbedRequest>({
      budget: count('maxBatch', user.maxBatch ?? 128),
      lanes: count('concurrency', user.concurrency ?? 1),
      halve: false,
      cost: () => 1,
      run: (requests, signal) => this.#run(requests, signal),
      fail: (request, error) => this.#settle(request, error),
    })
  }

  get room(): number {
    return Math.max(0, this.#maxQueue - this.#requests.size)
  }

  submit(job: EmbedJob): void {
    if (this.#closed) throw new OpDbusError('CLOSED', 'the embedder is closed')
    if (job.texts.length > this.room) throw overloaded(this.#maxQueue)
    this.#jobs.submit(job)
  }

  drop(job: EmbedJob, rows: readonly number[]): void {
    this.#jobs.drop(job, rows)
  }

  embed(text: string, call?: CallOptions): Promise<Embedding> {
    return embedText(this, text, call)
  }

  #embed(text: string, call?: CallOptions): Promise<Embedding> {
    if (this.#closed) return Promise.reject(new OpDbusError('CLOSED', 'the embedder is closed'))
    if (call?.signal?.aborted) return Promise.reject(abortError(call.signal))
    const request = new EmbedRequest(text, call, this.#listeners, left => {
      this.#requests.delete(left)
      this.#batcher.drop(left)
    })
    this.#requests.add(request)
    this.#batcher.add(request)
    return request.promise
  }

  /** Rejects what is in hand with CLOSED and fires the signal of running calls; does not wait for them. */
  async close(): Promise<void> {
    this.#closed = true
    for (const request of [...this.#requests]) {
      this.#batcher.drop(request)
      this.#settle(request, new OpDbusError('CLOSED', 'the embedder was closed'))
    }
  }

  async #run(requests: readonly EmbedRequest[], signal: AbortSignal): Promise<void> {
    const matrix = await this.#ask(
      requests.map(request => request.text),
      signal,
    )
    for (const [row, request] of requests.entries()) {
      const vector = matrix.slice(row * this.dims, (row + 1) * this.dims)
      if (vector.every(Number.isFinite))
        this.#settle(request, { vector, tokens: 0, truncated: false, device: 'custom' })
      else this.#settle(request, failed(`it returned NaN or Infinity for text ${row} of ${requests.length}`))
    }
  }

  async #ask(texts: string[], signal: AbortSignal): Promise<Float32Array> {
    const rows = texts.length
    let matrix: unknown
    try {
      matrix = await this.#user.embed(texts, { signal })
    } catch (cause) {
      throw failed(messageOf(cause), cause)
    }
    if (!isFloat32Array(matrix)) throw failed(`it must return a Float32Array, not ${kindOf(matrix)}`)
    if (matrix.length !== rows * this.dims)
      throw failed(`it returned ${matrix.length} numbers for ${rows} texts of ${this.dims} dims`)
    return ownFloats(matrix)
  }

  #settle(request: EmbedRequest, outcome: Embedding | OpDbusError): void {
    this.#requests.delete(request)
    if (outcome instanceof OpDbusError) request.reject(outcome)
    else request.resolve(outcome)
  }
}

function overloaded(maxQueue: number): OpDbusError {
  return new OpDbusError('OVERLOADED', `${maxQueue} texts are waiting already`, { details: { maxQueue } })
}

function failed(why: string, cause?: unknown): OpDbusError {
  return new OpDbusError('EMBEDDER_FAILED', `the embedder failed: ${why}`, { cause })
}

function invalid(why: string): OpDbusError {
  return new OpDbusError('INVALID_INPUT', why)
}

function count(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw invalid(`${name} must be a whole number of at least 1, not ${value}`)
}

function kindOf(value: unknown): string {
  return (typeof value === 'object' && value?.constructor?.name) || typeof value
}
