// The Fastify app: what is the same for every route. Its options, who may call, the limits, the form of errors, the headers of safety, what is
// counted and logged. Knows no route by name and listens nowhere.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
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
    /** What `access`, `errors` and `streams` come to. */
    readonly facts?: RouteFacts
  }
  interface FastifyRequest {
    /** Which route it came to. Undefined where there is none. */
    ours: { readonly route: RouteFacts; readonly work: Work } | undefined
  }
}

/** What a route says of itself, read once. */
interface RouteFacts {
  /** Its pattern, or what it is called: counted and logged instead of addresses. */
  readonly pattern: string
  readonly access: Access
  readonly form: ErrorForm | undefined
  readonly streams: boolean
}

const UNMATCHED: RouteFacts = { pattern: 'unmatched', access: 'open', form: undefined, streams: false }

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
  app.decorateRequest('ours', undefined)

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
    const { access, errors: form, streams = false, counted = url } = config
    route.config = { ...config, facts: { pattern: counted, access, form, streams } }
    known.push({ pattern: patternOf(url), methods })
  })

  app.addHook('onRequest', (request, reply, done) => {
    const { config } = request.routeOptions
    const route = config.facts ?? UNMATCHED
    const { raw } = request
    const res = reply.raw
    for (const name in HEADERS) res.setHeader(name, HEADERS[name]!)
    res.setHeader('x-request-id', request.id)
    if (limits.stopping.aborted) res.setHeader('connection', 'close')
    const started = clock.monotonic()
    let work: Work | undefined
    res.once('close', () => {
      if (work) limits.leave(work)
      told(route.pattern, raw, res, started)
    })
    try {
      const trusts = trusted.has(raw.socket)
      const origin = trusts ? undefined : hosts.check(raw.headers)
      if (origin !== undefined) tellOrigin(res, origin)
      if (route === UNMATCHED) return unmatched(request, reply, origin)
      auth.check(route.access, raw.headers, trusts)
      if (raw.method === 'POST' && !/^application\/json\s*(;|$)/i.test(raw.headers['content-type'] ?? '')) {
        throw new HttpProblem(415, 'INVALID_INPUT', 'the body must be JSON: content-type: application/json')
      }
      // Those who ask whether it lives get an answer whatever is in hand.
      if (route.access !== 'open') {
        work = limits.enter(raw, res, route.streams)
        request.ours = { route, work }
      }
    } catch (error) {
      answerError(error, request, reply, route.form)
      return
    }
    done()
  })
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, request.ours?.route.form))
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
    const problem = httpErrorOf(reasonOf(error, request.ours?.work))
    const { status, retryAfter } = problem
    if (status >= 500) {
      const { code } = problem
      log.error('failed', { id: request.id, code, status, stack: code === 'INTERNAL' ? framesOf(error) : '' })
    }
    const res = reply.raw
    if (retryAfter !== undefined) res.setHeader('retry-after', String(retryAfter))
    if (problem instanceof HttpProblem)
      for (const [name, value] of Object.entries(problem.headers)) res.setHeader(name, value)
    // Of a body that was not read nothing more is wanted.
    if (status === 413 || status === 408) res.setHeader('connection', 'close')
    const [path = ''] = request.url.split('?', 1)
    reply.code(status).serializer(JSON.stringify).type('application/json; charset=utf-8')
    reply.send(errorBody(form ?? formOf(path), problem))
  }

  function told(pattern: string, { method = '' }: IncomingMessage, res: ServerResponse, started: number): void {
    const micros = Math.round(1000 * (clock.monotonic() - started))
    const status = res.writableFinished ? res.statusCode : 499
    meters.answered(pattern, status, micros)
    if (!log.debugs && status < 400) return
    const bytes = Number(res.getHeader('content-length') ?? 0)
    const line = { method: METHODS.has(method) ? method : 'other', route: pattern, status, micros, bytes }
    log[status < 400 ? 'debug' : 'info']('request', { id: String(res.getHeader('x-request-id') ?? ''), ...line })
  }

  for (const register of parts.routes) await register(app, context)
  await app.ready()
  return app
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
