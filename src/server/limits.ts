// The requests in hand: how many, how long, and the signal of each. What it refuses it says with the time after which to try again.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { HttpProblem } from './http-errors.js'

/** One request, from its headers to the end of its answer. */
export interface Work {
  /** Monotonic ms. */
  readonly started: number
  readonly response: ServerResponse
  readonly streams: boolean
  /** Bytes of its body, as far as they are known. */
  readonly bytes: number
  controller: AbortController | undefined
  /** It has begun something that must not stop half-way: it takes what it takes, and is answered then. */
  carriedThrough: boolean
}

export interface LimitsOptions {
  readonly queue: number
  readonly bodyBytes: number
  readonly requestTimeoutMs: number
  readonly monotonic: () => number
  /** Told of each that comes in hand, and each that leaves. */
  readonly onChange: (change: 1 | -1) => void
}

const SWEEP_MS = 250
/** How long past its time a caller may take to read its answer. */
const GRACE_MS = 30_000
/** How long those whose work was ended have to hear of it. */
const LAST_WORDS_MS = 1_000
/** Bodies in hand together may be this many times as large as one. */
const BODIES = 16
/** Callers that listen, such as pages with live figures. */
const MOST_STREAMS = 256

export class Limits {
  readonly #options: LimitsOptions
  readonly #inHand = new Set<Work>()
  readonly #streams = new Set<Work>()
  readonly #stopping = new AbortController()
  #bytes = 0
  #stops = false
  #idle: (() => void) | undefined
  #sweep: NodeJS.Timeout | undefined

  constructor(options: LimitsOptions) {
    this.#options = options
  }

  /** Fires when a stop begins. */
  get stopping(): AbortSignal {
    return this.#stopping.signal
  }

  /** Whether a stop has begun. */
  get stops(): boolean {
    return this.#stops
  }

  /**
   * `started`: monotonic ms.
   * @throws HttpProblem 429 where there is no room, 413 for a body that says to be too large
   */
  enter(request: IncomingMessage, response: ServerResponse, streams: boolean, started: number): Work {
    const { queue, bodyBytes } = this.#options
    const bytes = bytesOf(request, bodyBytes)
    if (bytes > bodyBytes) {
      throw new HttpProblem(
        413,
        'TOO_LARGE',
        `the body is larger than the ${bodyBytes} bytes that this server takes: send it in parts`,
      )
    }
    const full = streams
      ? this.#streams.size >= MOST_STREAMS
      : this.#inHand.size >= queue || (bytes > 0 && this.#inHand.size > 0 && this.#bytes + bytes > BODIES * bodyBytes)
    if (full) {
      throw new HttpProblem(429, 'OVERLOADED', 'too many requests are in hand: try again in a second', {
        retryAfter: 1,
      })
    }
    const work: Work = { started, response, streams, bytes, controller: undefined, carriedThrough: false }
    ;(streams ? this.#streams : this.#inHand).add(work)
    this.#bytes += bytes
    if (!streams) this.#options.onChange(1)
    this.#sweep ??= setInterval(() => this.#endLate(), SWEEP_MS).unref()
    return work
  }

  /** Its answer has been sent, or its caller has gone. */
  leave(work: Work): void {
    if (!(work.streams ? this.#streams : this.#inHand).delete(work)) return
    this.#bytes -= work.bytes
    if (!work.streams) this.#options.onChange(-1)
    if (!work.response.writableFinished) work.controller?.abort(new HttpProblem(499, 'ABORTED', 'the caller has gone'))
    if (this.#inHand.size === 0) this.#idle?.()
  }

  signalOf(work: Work): AbortSignal {
    work.controller ??= new AbortController()
    const { signal } = work.controller
    if (work.streams && this.stopping.aborted) work.controller.abort(stopped())
    if (work.response.destroyed) work.controller.abort(new HttpProblem(499, 'ABORTED', 'the caller has gone'))
    return signal
  }

  /** Ends what streams, and waits until what is in hand is answered; after `ms` that is ended as well. */
  async stop(ms: number): Promise<void> {
    this.#stops = true
    this.#stopping.abort(stopped())
    for (const work of this.#streams) {
      work.controller?.abort(stopped())
      work.response.end()
    }
    await this.#empty(ms)
    for (const work of this.#inHand) work.controller?.abort(stopped())
    // Those have to be told so.
    await this.#empty(LAST_WORDS_MS)
    clearInterval(this.#sweep)
  }

  /** Resolves when nothing is in hand, and after `ms` anyway. */
  #empty(ms: number): Promise<void> {
    if (this.#inHand.size === 0) return Promise.resolve()
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms)
      this.#idle = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #endLate(): void {
    const now = this.#options.monotonic()
    for (const work of this.#inHand) {
      const late = now - work.started - this.#options.requestTimeoutMs
      if (late < 0 || work.carriedThrough) continue
      work.controller?.abort(
        new HttpProblem(504, 'TIMEOUT', 'this took longer than a request may: send less at once, or raise the limit'),
      )
      if (late > GRACE_MS) work.response.destroy()
    }
  }
}

function stopped(): HttpProblem {
  return new HttpProblem(503, 'CLOSED', 'the server is stopping: try again', { retryAfter: 1 })
}

/** What a chunked body comes to is known when it has come, within the few seconds that it may take: until then it counts for this much. */
const CHUNKED_BYTES = 2 ** 20

function bytesOf({ headers }: IncomingMessage, most: number): number {
  if (headers['transfer-encoding'] !== undefined) return Math.min(CHUNKED_BYTES, most)
  return Number(headers['content-length'] ?? 0)
}
