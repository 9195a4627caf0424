// The requests in hand: how many, how long, and the signal of each. What it refuses it says with the time after which to try again.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { HttpProblem } from './http-errors.js'

/** One request, from its headers to the end of its answer. */
export interface Work {
  /** Monotonic ms. */
  readonly started: number
  readonly response: ServerResponse
  readonly streams: boolean
  /** Bytes that its body may have. */
  readonly mostBytes: number
  /** Bytes of its body, as far as they are known. */
  bytes: number
  /** Bytes of its answer, where it is a large one. */
  answer: number
  /** Monotonic ms: when its answer was ended, as far as the sweep saw. */
  ended: number | undefined
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
/** How long past its time a request may take to end, and how long its caller to read a small answer. */
const GRACE_MS = 30_000
/** Bytes in a millisecond of who reads a large answer as slowly as he may. */
const SLOWEST = 1_000
/** Bytes of answers that are no matter: as many as there may be requests in hand. */
const SMALL_ANSWER = 2 ** 16
/** Bytes of answers that are in memory until they are read, together. One alone may be larger. */
const MOST_ANSWERS = 2 ** 28
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
  #answers = 0
  #stops = false
  #idle: (() => void) | undefined
  #sweep: NodeJS.Timeout | undefined

  constructor(options: LimitsOptions) {
    this.#options = options
  }

  get inHand(): number {
    return this.#inHand.size
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
   * `started`: monotonic ms. `mostBytes`: of a body.
   * @throws HttpProblem 429 where there is no room, 413 for a body that says to be too large
   */
  enter(
    { headers }: IncomingMessage,
    response: ServerResponse,
    { streams, mostBytes }: { readonly streams: boolean; readonly mostBytes: number },
    started: number,
  ): Work {
    // What a chunked body comes to is counted while it comes.
    const bytes = Number(headers['content-length'] ?? 0)
    if (bytes > mostBytes) throw tooLarge(mostBytes)
    const full = streams
      ? this.#streams.size >= MOST_STREAMS
      : this.#inHand.size >= this.#options.queue || !this.#hasRoom(bytes, this.#inHand.size)
    if (full) throw overloaded('too many requests are in hand: try again in a second')
    const work: Work = {
      started,
      response,
      streams,
      mostBytes,
      bytes,
      answer: 0,
      ended: undefined,
      controller: undefined,
      carriedThrough: false,
    }
    ;(streams ? this.#streams : this.#inHand).add(work)
    this.#bytes += bytes
    if (!streams) this.#options.onChange(1)
    this.#sweep ??= setInterval(() => this.#endLate(), SWEEP_MS).unref()
    return work
  }

  /** More of its body has arrived than it said. @throws HttpProblem 429 where bodies in hand are too large together */
  grow(work: Work, bytes: number): void {
    const fits = this.#hasRoom(bytes, this.#inHand.size - 1)
    this.#bytes += bytes
    work.bytes += bytes
    if (!fits) throw overloaded('bodies in hand are too large together: try again in a second')
  }

  /**
   * It is about to have an answer of so many bytes, of which some or all are in memory until its caller has read them.
   * @throws HttpProblem 429 where callers leave too much unread
   */
  answers(work: Work, bytes: number): void {
    if (bytes < SMALL_ANSWER) return
    if (this.#answers > 0 && this.#answers + bytes > MOST_ANSWERS) {
      throw overloaded('answers that nobody has read yet are too large together: try again in a second')
    }
    this.#answers += bytes
    work.answer += bytes
  }

  #hasRoom(bytes: number, others: number): boolean {
    return bytes === 0 || others === 0 || this.#bytes + bytes <= BODIES * this.#options.bodyBytes
  }

  /** Its answer has been sent, or its caller has gone. */
  leave(work: Work): void {
    if (!(work.streams ? this.#streams : this.#inHand).delete(work)) return
    this.#bytes -= work.bytes
    this.#answers -= work.answer
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
      const { response } = work
      // Nobody works on it any more: it is its caller's turn.
      if (response.writableEnded) {
        work.ended ??= now
        if (now - work.ended > GRACE_MS + work.answer / SLOWEST) this.#drop(work)
        continue
      }
      // A large answer is made as it is read.
      const late = now - work.started - this.#options.requestTimeoutMs - work.answer / SLOWEST
      if (late < 0 || work.carriedThrough) continue
      work.controller?.abort(
        new HttpProblem(504, 'TIMEOUT', 'this took longer than a request may: send less at once, or raise the limit'),
      )
      if (late > GRACE_MS) this.#drop(work)
    }
  }

  /** Its place is free now, whatever becomes of its connection. */
  #drop(work: Work): void {
    work.response.destroy()
    this.leave(work)
  }
}

function overloaded(message: string): HttpProblem {
  return new HttpProblem(429, 'OVERLOADED', message, { retryAfter: 1 })
}

function stopped(): HttpProblem {
  return new HttpProblem(503, 'CLOSED', 'the server is stopping: try again', { retryAfter: 1 })
}

export function tooLarge(most: number): HttpProblem {
  const message = `the body is larger than the ${most} bytes that this server takes here: send it in parts`
  return new HttpProblem(413, 'TOO_LARGE', message)
}
