// One file over the network: goes on where a connection is cut, for some time. Believes nothing, keeps nothing; whoever
// asks checks the bytes. Part of the web root.

import { abortError, messageOf, OpDbusError } from '../errors.js'
import type { CallOptions, Timer } from '../ports.js'

/** A file and what is known of it before it is read. */
export interface FileRef {
  /** Absolute. */
  readonly url: string
  /** 64 hex digits of SHA-256, or 40 of Git; undefined where nothing states it: then it is neither checked nor kept. */
  readonly digest: string | undefined
  /** Where stated. */
  readonly bytes?: number
  /** What to do where the server lacks the file or has another one; ends the error's message. */
  readonly advice?: string
}

export interface FetchCall extends CallOptions {
  readonly timer: Timer
  readonly onBytes?: (done: number, total: number) => void
}

/** A download that was cut is tried again after these pauses, in ms; the last time from the start. */
const PAUSES_MS = [500, 2_000, 5_000] as const

/** Rejects with DOWNLOAD (`details.why`: 'unreachable', also for what broke off; 'refused', 'integrity') or ABORTED. */
export async function fetchFile(file: FileRef, cache: RequestCache, call: FetchCall): Promise<Uint8Array<ArrayBuffer>> {
  const { signal, timer } = call
  const body = new Body(file, call)
  for (let cuts = 0; ; ) {
    try {
      await body.receive(cache, cuts < PAUSES_MS.length)
      return body.joined()
    } catch (error) {
      if (signal?.aborted) throw abortError(signal)
      if (error instanceof OpDbusError) throw error
      // Where no answer began nothing was cut.
      if (!body.begun) throw unreachable(file.url, error)
      const pause = PAUSES_MS[cuts++]
      if (pause === undefined) throw cutOff(file, body.most, cuts, error)
      await paused(pause, timer, signal)
    }
  }
}

/** The bytes of a file as far as they are here, over one or more answers. */
class Body {
  readonly #file: FileRef
  readonly #call: FetchCall
  #chunks: Uint8Array[] = []
  #done = 0
  #resumable = false
  /** The most bytes that ever were here. */
  most = 0
  /** A server has begun to hand out the file; its bytes may be lost with the connection. */
  begun = false

  constructor(file: FileRef, call: FetchCall) {
    this.#file = file
    this.#call = call
  }

  /** Resolves at the file's end. `resume`: ask only for what is missing. */
  async receive(cache: RequestCache, resume: boolean): Promise<void> {
    const { url, bytes, digest } = this.#file
    const { signal, onBytes } = this.#call
    const from = resume && this.#resumable ? this.#done : 0
    // Where the size is known beforehand, it belongs to what is still to come, also while the server is silent.
    if (bytes !== undefined) onBytes?.(from, bytes)
    const response = await fetch(url, {
      cache,
      signal,
      ...(from > 0 && { headers: { Range: `bytes=${from}-` } }),
    })
    if (!(from > 0 && continues(response, from))) this.#restart()
    const { status, headers } = response
    // Not told at once where it is the answer to a part: the whole may be had.
    if (!response.ok && from > 0) throw new Error(`the server answers ${status}`)
    if (!response.ok) throw failure(url, 'refused', `the server answers ${status}`, { status })
    this.begun = true
    const packed = headers.has('content-encoding')
    // Parts are put together only where a digest tells whether they fit.
    this.#resumable = digest !== undefined && !packed
    // A packed body is longer than its header says.
    const total = bytes ?? (packed ? 0 : this.#done + Number(headers.get('content-length') ?? 0))
    for await (const chunk of chunksOf(response)) {
      this.#add(chunk)
      if (bytes !== undefined && this.#done > bytes) {
        throw failure(url, 'integrity', `it is longer than the ${bytes} bytes stated`)
      }
      onBytes?.(this.#done, Math.max(total, this.#done))
    }
  }

  joined(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.#done)
    let at = 0
    for (const chunk of this.#chunks) {
      all.set(chunk, at)
      at += chunk.length
    }
    return all
  }

  #add(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#done += chunk.length
    this.most = Math.max(this.most, this.#done)
  }

  #restart(): void {
    this.#chunks = []
    this.#done = 0
  }
}

/** Whether the answer is the rest that was asked for. Of another origin the header may not be readable: the digest tells. */
function continues({ status, headers }: Response, from: number): boolean {
  const range = headers.get('content-range')
  return status === 206 && (range === null || range.startsWith(`bytes ${from}-`))
}

async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  try {
    for (;;) {
      const next = await reader?.read()
      if (!next || next.done) return
      yield next.value
    }
  } finally {
    await reader?.cancel().catch(() => undefined)
  }
}

function paused(ms: number, timer: Timer, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = timer(ms, () => {
      signal?.removeEventListener('abort', leave)
      resolve()
    })
    const leave = () => {
      cancel()
      reject(abortError(signal!))
    }
    signal?.addEventListener('abort', leave, { once: true })
  })
}

function cutOff({ url, bytes }: FileRef, received: number, times: number, cause: unknown): OpDbusError {
  const whole = bytes === undefined ? '' : ` of ${bytes}`
  const what = `the connection was cut after ${received}${whole} bytes, ${times} times`
  return failure(url, 'unreachable', what, { received }, cause)
}

/**
 * What `fetch` itself rejected with. A browser does not say whether nobody answered or whether the answer may not be read:
 * of another origin both are told, and `details.crossOrigin` is true.
 */
export function unreachable(url: string, error: unknown, details: Readonly<Record<string, unknown>> = {}): OpDbusError {
  const [theirs, ours] = [new URL(url).origin, globalThis.location?.origin]
  const crossOrigin = theirs !== ours
  const advice = crossOrigin
    ? `\n${theirs} cannot be reached, or does not let pages of ${ours} read from it (CORS)`
    : ''
  return failure(url, 'unreachable', `${messageOf(error)}${advice}`, { ...details, crossOrigin }, error)
}

/** DOWNLOAD with the address that was tried. */
export function failure(
  url: string,
  why: 'unreachable' | 'refused' | 'integrity',
  what: string,
  details: Readonly<Record<string, unknown>> = {},
  cause?: unknown,
): OpDbusError {
  return new OpDbusError('DOWNLOAD', `cannot fetch ${url}: ${what}`, { cause, details: { ...details, url, why } })
}
