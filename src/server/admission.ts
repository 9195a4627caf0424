// What is the same for every request, before its route has it and after: who may call, the limits, how errors are told, what is counted and
// logged. Knows no route by name, and no Fastify.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Auth } from './auth.js'
import type { Access, ServerContext } from './context.js'
import type { Hosts } from './hosts.js'
import { type ErrorForm, errorBody, formOf, HttpProblem, httpErrorOf } from './http-errors.js'
import { checkType } from './json-body.js'
import type { Limits, Work } from './limits.js'
import { framesOf } from './log.js'

export interface AdmissionParts {
  readonly auth: Auth
  readonly hosts: Hosts
  readonly limits: Limits
  /** Sockets of those who may do everything. */
  readonly trusted: WeakSet<Socket>
}

/** What a route says of itself, read once. */
export interface RouteFacts {
  /** Its pattern, or what it is called: counted and logged instead of addresses. */
  readonly pattern: string
  readonly access: Access
  readonly form: ErrorForm | undefined
  readonly streams: boolean
  /** It writes its answers to the response itself, headers and all. */
  readonly bare: boolean
  /** Bytes that a body may have. */
  readonly mostBytes: number
}

/** A request, from its headers to the end of its answer. */
export interface Passing {
  readonly route: RouteFacts
  readonly id: string
  /** Monotonic ms. */
  readonly started: number
  /** Undefined where it is not in hand: refused, or open to anybody. */
  work: Work | undefined
}

declare module 'node:http' {
  interface IncomingMessage {
    /** How far it has come. */
    passing?: Passing
  }
}

/** Of what no route has. */
export const UNMATCHED: RouteFacts = {
  pattern: 'unmatched',
  access: 'open',
  form: undefined,
  streams: false,
  bare: false,
  mostBytes: 0,
}

/** For every answer but those of bare routes. Pages bring a policy of their own (routes/console.ts). */
const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'DELETE', 'PATCH'])

type AdmissionContext = Pick<ServerContext, 'meters' | 'log' | 'clock'>

export class Admission {
  readonly #parts: AdmissionParts
  readonly #context: AdmissionContext
  readonly #first: string
  #requests = 0
  /** One listener for all: what it needs hangs on the request. */
  readonly #closed: (this: ServerResponse) => void

  constructor(parts: AdmissionParts, context: AdmissionContext) {
    this.#parts = parts
    this.#context = context
    this.#first = `${context.clock.now().toString(36)}-`
    const told = (res: ServerResponse) => this.#told(res)
    this.#closed = function () {
      told(this)
    }
  }

  /** Ours: what callers send as an id would come into the log. */
  newId(): string {
    return this.#first + (++this.#requests).toString(36)
  }

  /**
   * Lets a request in, and answers its origin, where it is a listed one. Who waits to be asked for the body is asked for it then.
   * @throws HttpProblem 400, 401, 403, 413, 415, 417, 429
   */
  admit(route: RouteFacts, raw: IncomingMessage, res: ServerResponse, id: string): string | undefined {
    const { auth, hosts, limits, trusted } = this.#parts
    const { headers } = raw
    if (!route.bare) setHeaders(res, id)
    if (limits.stops) res.setHeader('connection', 'close')
    const passing: Passing = { route, id, started: this.#context.clock.monotonic(), work: undefined }
    raw.passing = passing
    res.on('close', this.#closed)
    const waits = waitsToGoOn(raw)
    const trusts = trusted.has(raw.socket)
    const origin = trusts ? undefined : hosts.check(headers, raw.url)
    if (origin !== undefined) tellOrigin(res, origin)
    if (route === UNMATCHED) return origin
    auth.check(route.access, headers, trusts)
    if (raw.method === 'POST') checkType(headers)
    // Those who ask whether it lives get an answer whatever is in hand.
    if (route.access !== 'open') passing.work = limits.enter(raw, res, route, passing.started)
    if (waits) res.writeContinue()
    return origin
  }

  /** The status and the body that tell `error`; the headers that go with it are set, and what is ours to mend is logged. */
  explain(error: unknown, raw: IncomingMessage, res: ServerResponse, id: string, form?: ErrorForm) {
    const { passing, url = '' } = raw
    const problem = httpErrorOf(reasonOf(error, passing?.work), this.#parts.trusted.has(raw.socket))
    const { status, retryAfter, code, withheld } = problem
    if (code === 'OVERLOADED') this.#context.meters.turnedAway()
    if (status >= 500) {
      const stack = code === 'INTERNAL' ? framesOf(error) : ''
      // Who asks while it stops is told so, and nothing is to be mended.
      this.#context.log[code === 'CLOSED' && this.#parts.limits.stops ? 'info' : 'error']('failed', {
        id,
        code,
        status,
        stack,
        ...(withheld && { message: withheld }),
      })
    }
    if (passing?.route.bare) setHeaders(res, id)
    if (retryAfter !== undefined) res.setHeader('retry-after', String(retryAfter))
    if (problem instanceof HttpProblem)
      for (const [name, value] of Object.entries(problem.headers)) res.setHeader(name, value)
    // Of a body that was not read nothing more is wanted.
    if (status === 408 || isUnread(raw)) res.setHeader('connection', 'close')
    const [path = ''] = url.split('?', 1)
    return { status, body: errorBody(form ?? formOf(path), problem) }
  }

  #told(res: ServerResponse): void {
    const { meters, log, clock } = this.#context
    const { passing, method = '' } = res.req
    const { route, id, started, work } = passing!
    if (work) this.#parts.limits.leave(work)
    const micros = Math.round(1000 * (clock.monotonic() - started))
    const status = res.writableFinished ? res.statusCode : 499
    meters.answered(route.pattern, status, route.streams ? undefined : micros)
    if (!log.debugs && status < 400) return
    const bytes = Number(res.getHeader('content-length') ?? 0)
    const line = { method: METHODS.has(method) ? method : 'other', route: route.pattern, status, micros, bytes }
    log[status < 400 ? 'debug' : 'info']('request', { id, ...line })
  }
}

function setHeaders(res: ServerResponse, id: string): void {
  for (const name in HEADERS) res.setHeader(name, HEADERS[name]!)
  res.setHeader('x-request-id', id)
}

/** Bytes of a refused body that are thrown away, so that the connection can stay. */
const THROWN_AWAY = 2 ** 16

function isUnread({ complete, headers }: IncomingMessage): boolean {
  if (complete) return false
  // Who waited to be asked for it may send it or not.
  const isUnsure = headers['transfer-encoding'] !== undefined || headers.expect !== undefined
  return isUnsure || Number(headers['content-length']) > THROWN_AWAY
}

/**
 * Whether its sender waits for a word before the body is sent. Node leaves what HTTP/1.1 demands here to us (listeners.ts).
 * @throws HttpProblem 400 without a host, 417
 */
function waitsToGoOn({ headers, httpVersion }: IncomingMessage): boolean {
  if (httpVersion !== '1.1') return false
  if (headers.host === undefined) {
    throw new HttpProblem(400, 'INVALID_INPUT', 'a request names whom it asks, in its Host header')
  }
  if (headers.expect === undefined) return false
  if (headers.expect.toLowerCase() === '100-continue') return true
  throw new HttpProblem(417, 'INVALID_INPUT', 'this server meets no expectation but 100-continue')
}

/** What ended a call that says only that its signal fired. */
function reasonOf(error: unknown, work: Work | undefined): unknown {
  const { code } = (error ?? {}) as { code?: unknown }
  const reason: unknown = work?.controller?.signal.reason
  const aborted = code === 'ABORTED' || (error instanceof Error && error.name === 'AbortError')
  return (aborted || error === reason) && reason instanceof HttpProblem ? reason : error
}

function tellOrigin(res: ServerResponse, origin: string): void {
  res.setHeader('access-control-allow-origin', origin)
  res.setHeader('access-control-expose-headers', 'retry-after, x-request-id, x-opdbus-sources, x-opdbus-truncated')
  res.setHeader('cross-origin-resource-policy', 'cross-origin')
  res.setHeader('vary', 'origin')
}
