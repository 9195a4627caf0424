// The Fastify app: what is the same for every route. Its options, who may call, the limits, the form of errors, the headers of safety, what is
// counted and logged. Knows no route by name and listens nowhere.
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyBodyParser, FastifyReply, FastifyRequest, onRequestHookHandler, RouteOptions } from 'fastify'
import type { Auth } from './auth.js'
import type { Access, App, Routes, ServerContext } from './context.js'
import type { Hosts } from './hosts.js'
import { type ErrorForm, errorBody, formOf, HttpProblem, httpErrorOf } from './http-errors.js'
import type { Limits, Work } from './limits.js'
import { framesOf } from './log.js'

export interface AppParts {
  readonly fastify: typeof import('fastify').default
  readonly auth: Auth
  readonly hosts: Hosts
  readonly limits: Limits
  /** Sockets of those who may do everything. */
  readonly trusted: WeakSet<Socket>
  readonly routes: readonly Routes[]
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its handler takes the answer over (`reply.hijack()`): no header is set before. Errors are told as of every route. */
    readonly bare?: boolean
  }
}

declare module 'node:http' {
  interface IncomingMessage {
    /** How far it has come. */
    passing?: Passing
  }
}

/** A request, from its headers to the end of its answer. */
interface Passing {
  readonly route: RouteFacts
  readonly id: string
  readonly method: string
  /** Monotonic ms. */
  readonly started: number
  /** Undefined where it is not in hand: refused, or open to anybody. */
  work: Work | undefined
}

/** What a route says of itself, read once: what it costs a request to find its own is most of what Fastify costs. */
interface RouteFacts {
  /** Its pattern, or what it is called: counted and logged instead of addresses. */
  readonly pattern: string
  readonly access: Access
  readonly form: ErrorForm | undefined
  readonly streams: boolean
  /** Writes its answers to the response itself, and with them the headers that are for every answer. */
  readonly bare: boolean
}

const UNMATCHED: RouteFacts = { pattern: 'unmatched', access: 'open', form: undefined, streams: false, bare: false }

/** For every answer. Pages bring a policy of their own (routes/console.ts). */
const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
}

/** An app that is ready to be given requests: `app.routing`. */
export async function createApp(parts: AppParts, context: ServerContext): Promise<App> {
  const { limits, hosts, auth, trusted } = parts
  const { meters, log, clock, settings } = context
  const first = `${clock.now().toString(36)}-`
  let requests = 0
  const app = parts.fastify({
    logger: false,
    bodyLimit: settings.limits.bodyBytes,
    // What a schema does not name passes, as OpenAI's API has it; nothing is made into something else: [1,2] is no list of texts.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false } },
    exposeHeadRoutes: false,
    // Ours: what callers send as an id would come into the log.
    requestIdHeader: false,
    genReqId: () => `${first}${(++requests).toString(36)}`,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false },
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
    return503OnClosing: false,
  })
  app.removeContentTypeParser('text/plain')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, jsonParser(app))

  const known: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = []
  app.addHook('onRoute', (route: RouteOptions) => {
    const { config, url } = route
    const methods = [route.method].flat()
    if (config?.access === undefined) {
      throw new Error(`the route ${methods} ${url} does not say whose business it is: config: { access }`)
    }
    if (config.access === 'write' && methods.some(method => method !== 'POST')) {
      throw new Error(`the route ${methods} ${url} changes something, which is done by POST alone`)
    }
    const { access, errors: form, streams = false, bare = false, counted = url } = config
    const facts: RouteFacts = { pattern: counted, access, form, streams, bare }
    const admits: onRequestHookHandler = (request, reply, done) => admit(facts, request, reply, done)
    route.onRequest = [admits, ...[route.onRequest ?? []].flat()]
    known.push({ pattern: patternOf(url), methods })
  })
  app.addHook('onRequest', (request, reply, done) => (request.is404 ? admit(UNMATCHED, request, reply, done) : done()))

  function admit(route: RouteFacts, request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    const { raw } = request
    const res = reply.raw
    if (!route.bare) setHeaders(res, request.id)
    if (limits.stops) res.setHeader('connection', 'close')
    const passing: Passing = {
      route,
      id: request.id,
      method: raw.method ?? '',
      started: clock.monotonic(),
      work: undefined,
    }
    raw.passing = passing
    res.on('close', closed)
    try {
      const trusts = trusted.has(raw.socket)
      const origin = trusts ? undefined : hosts.check(raw.headers)
      if (origin !== undefined) tellOrigin(res, origin)
      if (route === UNMATCHED) return unmatched(request, reply, origin)
      auth.check(route.access, raw.headers, trusts)
      if (raw.method === 'POST' && !isJson(raw.headers['content-type'])) {
        throw new HttpProblem(415, 'INVALID_INPUT', 'the body must be JSON: content-type: application/json')
      }
      // Those who ask whether it lives get an answer whatever is in hand.
      if (route.access !== 'open') passing.work = limits.enter(raw, res, route.streams, passing.started)
    } catch (error) {
      answerError(error, request, reply, route.form)
      return
    }
    done()
  }

  /** One listener for all: what it needs hangs on the request. */
  function closed(this: ServerResponse): void {
    const { work } = this.req.passing!
    if (work) limits.leave(work)
    told(this, this.req.passing!)
  }

  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, request.raw.passing?.route.form))
  // The hook has answered.
  app.setNotFoundHandler((request, reply) => unmatched(request, reply, undefined))

  function unmatched(request: FastifyRequest, reply: FastifyReply, origin: string | undefined): void {
    const { method = '' } = request.raw
    if (method === 'OPTIONS' && origin !== undefined) {
      reply.raw.setHeader('access-control-allow-methods', 'GET, POST')
      reply.raw.setHeader('access-control-allow-headers', 'authorization, content-type, x-api-key, x-opdbus-sources')
      reply.raw.setHeader('access-control-max-age', '600')
      if (request.headers['access-control-request-private-network']) {
        reply.raw.setHeader('access-control-allow-private-network', 'true')
      }
      reply.code(204).send()
      return
    }
    const [path = ''] = request.url.split('?', 1)
    const methods = known.filter(({ pattern }) => pattern.test(path)).flatMap(one => one.methods)
    const allow = [...new Set(methods)].join(', ')
    const problem =
      methods.length > 0
        ? new HttpProblem(405, 'NOT_FOUND', `this address takes ${allow}`, { headers: { allow } })
        : new HttpProblem(404, 'NOT_FOUND', 'there is nothing at this address: see /api/openapi.json for what there is')
    answerError(problem, request, reply)
  }

  function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, form?: ErrorForm): void {
    const problem = httpErrorOf(reasonOf(error, request.raw.passing?.work))
    const { status, retryAfter } = problem
    if (status >= 500) {
      const { code } = problem
      log.error('failed', { id: request.id, code, status, stack: code === 'INTERNAL' ? framesOf(error) : '' })
    }
    const res = reply.raw
    if (request.raw.passing?.route.bare) setHeaders(res, request.id)
    if (retryAfter !== undefined) res.setHeader('retry-after', String(retryAfter))
    if (problem instanceof HttpProblem)
      for (const [name, value] of Object.entries(problem.headers)) res.setHeader(name, value)
    // Of a body that was not read nothing more is wanted.
    if (status === 413 || status === 408) res.setHeader('connection', 'close')
    const [path = ''] = request.url.split('?', 1)
    reply.code(status).serializer(JSON.stringify).type('application/json; charset=utf-8')
    reply.send(errorBody(form ?? formOf(path), problem))
  }

  function told(res: ServerResponse, { route, id, method, started }: Passing): void {
    const micros = Math.round(1000 * (clock.monotonic() - started))
    const status = res.writableFinished ? res.statusCode : 499
    meters.answered(route.pattern, status, micros)
    if (!log.debugs && status < 400) return
    const bytes = Number(res.getHeader('content-length') ?? 0)
    const line = { method: METHODS.has(method) ? method : 'other', route: route.pattern, status, micros, bytes }
    log[status < 400 ? 'debug' : 'info']('request', { id, ...line })
  }

  for (const register of parts.routes) await register(app, context)
  await app.ready()
  return app
}

function setHeaders(res: ServerResponse, id: string): void {
  for (const name in HEADERS) res.setHeader(name, HEADERS[name]!)
  res.setHeader('x-request-id', id)
}

function isJson(type = ''): boolean {
  return type === 'application/json' || /^application\/json\s*(;|$)/i.test(type)
}

/** Fastify's own, which looks for names that would reach a prototype, where there may be one or something is wrong; else the engine's alone. */
function jsonParser(app: App): FastifyBodyParser<string> {
  const careful = app.getDefaultJsonParser('error', 'error') as FastifyBodyParser<string>
  return (request, text, done) => {
    let value: unknown
    try {
      // As it is written, or with letters escaped.
      const suspect = text.includes('__proto__') || text.includes('constructor') || text.includes('\\u00')
      if (suspect) return careful(request, text, done)
      value = JSON.parse(text)
    } catch {
      return careful(request, text, done)
    }
    done(null, value)
  }
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'DELETE', 'PATCH'])

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

/** Whether a path is one of a route, by its pattern alone. */
function patternOf(url: string): RegExp {
  const parts = url.split(/(:[A-Za-z]+|\*)/).map(part => {
    if (part.startsWith(':')) return '[^/]+'
    return part === '*' ? '.*' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${parts.join('')}$`)
}
