// Signed requests to one bucket: each with a deadline for silence, tried again where that may help, and told without a secret. Knows
// no object of ours.
import { abortError, isError, isOpDbusError, messageOf, OpDbusError, throwIfAborted } from '../../errors.js'
import type { ObjectSource } from '../../ports.js'
import type { AwsClient } from '../aws4fetch.js'
import { errorCode } from './xml.js'

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

export interface S3Io {
  /** Rejects when `signal` fires. */
  sleep(ms: number, signal: AbortSignal | undefined): Promise<void>
  /** 0 to 1. */
  random(): number
}

export interface RequestsOptions {
  /** The bucket's own address, without a slash at its end. */
  readonly base: string
  readonly bucket: string
  readonly region: string
  readonly credentials: S3Credentials
  readonly io: S3Io
  /** Silence after which a connection is given up, ms. */
  readonly timeoutMs: number
  /** How often a request is begun that brings nothing. */
  readonly tries: number
}

export interface S3Request {
  readonly method: 'GET' | 'PUT'
  /** What follows the bucket's address, percent-encoded. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: ObjectSource | undefined
  /** Statuses that are answers; others are errors. */
  readonly answers: readonly number[]
  readonly signal: AbortSignal | undefined
}

/** An answer whose body is still to come. */
export interface S3Answer {
  readonly status: number
  readonly headers: Headers
  /** Rejects where the body breaks off, or nothing comes for long. */
  pieces(): AsyncGenerator<Uint8Array, void>
  /** Lets go of the connection. */
  cancel(): Promise<void>
}

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const FIRST_WAIT_MS = 200
const LONGEST_WAIT_MS = 20_000
const ERROR_BYTES = 64 * 2 ** 10

export class Requests {
  readonly #options: RequestsOptions
  #client: AwsClient | undefined

  constructor(options: RequestsOptions) {
    this.#options = options
  }

  /** Runs `act` until it succeeds, fails for good, or failed too often in a row without `progress()` having grown. */
  async retrying<T>(signal: AbortSignal | undefined, act: () => Promise<T>, progress = () => 0): Promise<T> {
    const { io, tries } = this.#options
    let failures = 0
    let mark = progress()
    for (;;) {
      try {
        return await act()
      } catch (error) {
        const reached = progress()
        if (reached > mark) failures = 0
        mark = reached
        if (!isOpDbusError(error) || error.details.retry !== true || ++failures >= tries) throw error
        const { afterMs } = error.details
        const backOff = FIRST_WAIT_MS * 2 ** (failures - 1) * (0.5 + io.random() / 2)
        await io
          .sleep(Math.min(typeof afterMs === 'number' ? afterMs : backOff, LONGEST_WAIT_MS), signal)
          .catch(thrown => {
            throw signal?.aborted ? abortError(signal) : thrown
          })
      }
    }
  }

  /** One request. Rejects with STORE, `details.retry` where another may succeed, or with ABORTED. */
  async send({ method, path, headers = {}, body, answers, signal }: S3Request): Promise<S3Answer> {
    throwIfAborted(signal)
    const url = `${this.#options.base}${path}`
    const watch = this.#watch(signal)
    let response: Response
    try {
      const signed = await (await this.#signer()).sign(url, {
        method,
        headers: { ...headers, 'x-amz-content-sha256': body?.sha256 ?? EMPTY_SHA256 },
        aws: { service: 's3', region: this.#options.region },
      })
      const all = new Headers(signed.headers)
      // Not signed: `fetch` says so itself for a range, and then it would be there twice.
      if (!all.has('range')) all.set('accept-encoding', 'identity')
      if (body) all.set('content-length', String(body.bytes))
      watch.begin()
      response = await fetch(url, {
        method,
        headers: all,
        ...(body && { body: streamOf(body, watch.begin), duplex: 'half' }),
        redirect: 'manual',
        signal: watch.signal,
      } as RequestInit)
      watch.rest()
    } catch (error) {
      watch.done()
      throw this.#unreachable(error, signal)
    }
    const answer = this.#answer(response, watch, signal)
    if (answers.includes(response.status)) return answer
    throw await this.#refused(answer)
  }

  #answer(response: Response, watch: Watch, signal: AbortSignal | undefined): S3Answer {
    const unreachable = (error: unknown) => this.#unreachable(error, signal)
    const cancel = async () => {
      await response.body?.cancel().catch(() => {})
      watch.done()
    }
    async function* pieces(): AsyncGenerator<Uint8Array, void> {
      const reader = response.body?.getReader()
      try {
        for (;;) {
          watch.begin()
          const read = await reader?.read()
          watch.rest()
          if (read === undefined || read.done) return
          yield read.value
        }
      } catch (error) {
        throw unreachable(error)
      } finally {
        await reader?.cancel().catch(() => {})
        watch.done()
      }
    }
    return { status: response.status, headers: response.headers, pieces, cancel }
  }

  async #signer(): Promise<AwsClient> {
    if (this.#client === undefined) {
      const { AwsClient } = await import('../aws4fetch.js')
      const { accessKeyId, secretAccessKey, sessionToken } = this.#options.credentials
      this.#client = new AwsClient({ accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }), retries: 0 })
    }
    return this.#client
  }

  /** The caller's signal and a clock against silence as one signal. */
  #watch(signal: AbortSignal | undefined): Watch {
    const { timeoutMs } = this.#options
    const controller = new AbortController()
    const abort = () => controller.abort(signal?.reason)
    let timer: NodeJS.Timeout | undefined
    const rest = () => clearTimeout(timer)
    signal?.addEventListener('abort', abort, { once: true })
    return {
      signal: controller.signal,
      rest,
      begin() {
        rest()
        timer = setTimeout(() => controller.abort(new Error(`no byte in ${timeoutMs / 1000} s`)), timeoutMs)
      },
      done() {
        rest()
        signal?.removeEventListener('abort', abort)
      },
    }
  }

  #unreachable(error: unknown, signal: AbortSignal | undefined): OpDbusError {
    if (signal?.aborted) return abortError(signal)
    if (error instanceof OpDbusError) return error
    const cause = isError(error) && isError(error.cause) ? error.cause : error
    const code = (cause as { code?: unknown } | null)?.code
    const reason = typeof code === 'string' ? `${messageOf(cause) || 'failed'} (${code})` : messageOf(cause)
    return this.#error(`cannot reach ${new URL(this.#options.base).host}: ${reason}`, {
      why: 'unreachable',
      retry: true,
    })
  }

  async #refused(answer: S3Answer): Promise<OpDbusError> {
    const { status, headers } = answer
    const code = errorCode(await textOf(answer, ERROR_BYTES).catch(() => ''))
    const said = `${new URL(this.#options.base).host} answers ${status}${code ? ` (${code})` : ''} for bucket ${this.#options.bucket}`
    const details = { status, ...(code && { code }) }
    const after = Number(headers.get('retry-after') ?? Number.NaN)
    const retry = status === 408 || status === 409 || status === 429 || status >= 500
    if (retry) {
      return this.#error(said, { ...details, why: 'unreachable', retry, ...(after >= 0 && { afterMs: 1000 * after }) })
    }
    if (status === 404 && code !== 'NoSuchBucket')
      return this.#error(`${said}: no such object`, { ...details, why: 'absent' })
    const region = headers.get('x-amz-bucket-region')
    return this.#error(`${said}\n${adviceFor(status, code, region)}`, { ...details, why: 'refused' })
  }

  #error(message: string, details: Readonly<Record<string, unknown>>): OpDbusError {
    return new OpDbusError('STORE', message, { details: { at: `s3://${this.#options.bucket}`, ...details } })
  }
}

interface Watch {
  readonly signal: AbortSignal
  begin(): void
  rest(): void
  done(): void
}

/** The whole of a small answer. Rejects where it is over `most` bytes. */
export async function textOf(answer: S3Answer, most: number): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of answer.pieces()) {
    bytes += piece.length
    if (bytes > most) throw new OpDbusError('STORE', `the answer is over ${most} bytes, which is none of S3`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

function adviceFor(status: number, code: string | undefined, region: string | null): string {
  if (code === 'NoSuchBucket') return 'there is no such bucket there: make it, or correct its name'
  if (region !== null && /^[a-z0-9-]{1,40}$/.test(region))
    return `the bucket is in another region: set AWS_REGION to ${region}`
  if (status >= 300 && status < 400) {
    return 'it sends us to another address, which is not followed: check AWS_ENDPOINT_URL_S3 and AWS_REGION'
  }
  if (code === 'RequestTimeTooSkewed') return 'the clock of this machine is wrong: set it'
  if (status === 401 || status === 403) {
    return 'check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; they must allow s3:ListBucket, s3:GetObject and, to export, s3:PutObject'
  }
  return 'is this the address of an S3 service?'
}

/** The bytes as a stream that tells each time that it is asked for more: the other side took what was there. */
function streamOf({ pieces }: ObjectSource, alive: () => void): ReadableStream<Uint8Array> {
  const iterator = pieces()[Symbol.iterator]()
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        alive()
        const next = iterator.next()
        if (next.done) controller.close()
        else controller.enqueue(next.value)
      },
      cancel() {
        iterator.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
