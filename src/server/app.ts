// The Fastify app: its options, its routes, and how each of them lets requests in and tells errors (admission.ts). Knows no route by name and
// listens nowhere.
import type { RequestListener } from 'node:http'
import type { FastifyBodyParser, FastifyReply, FastifyRequest, onRequestHookHandler, RouteOptions } from 'fastify'
import { Admission, type AdmissionParts, type RouteFacts, UNMATCHED } from './admission.js'
import type { App, Routes, ServerContext } from './context.js'
import { type DirectHandler, type DirectRoute, directly } from './direct.js'
import { type ErrorForm, HttpProblem } from './http-errors.js'
import { jsonReader } from './json-body.js'

export interface AppParts extends AdmissionParts {
  readonly fastify: typeof import('fastify').default
  readonly routes: readonly Routes[]
  /** Whether direct routes are answered past Fastify: hooks of others, such as tracing's, do not see those requests. */
  readonly direct: boolean
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its handler, where it takes answers over (`reply.hijack()`) and needs nothing of Fastify. Its pattern is an address. */
    readonly direct?: DirectHandler
  }
}

/** An app that is ready, and what is to be given its requests. */
export async function createApp(
  parts: AppParts,
  context: ServerContext,
): Promise<{ readonly app: App; readonly listener: RequestListener }> {
  const { settings } = context
  const { bodyBytes } = settings.limits
  const admission = new Admission(parts, context)
  const app = parts.fastify({
    logger: false,
    bodyLimit: bodyBytes,
    // What a schema does not name passes, as OpenAI's API has it; nothing is made into something else: [1,2] is no list of texts.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false } },
    exposeHeadRoutes: false,
    requestIdHeader: false,
    genReqId: () => admission.newId(),
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false },
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
    return503OnClosing: false,
  })
  app.removeContentTypeParser('text/plain')
  const read = jsonReader(app.getDefaultJsonParser('error', 'error') as FastifyBodyParser<string>, parts.limits)
  app.addContentTypeParser('application/json', (_, payload, done) => read(payload, done))

  const directs = new Map<string, DirectRoute>()
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
    const { access, errors: form, streams = false, direct, counted = url } = config
    const mostBytes = Math.min(config.bodyBytes ?? USUAL_BODY, bodyBytes)
    const facts: RouteFacts = { pattern: counted, access, form, streams, bare: direct !== undefined, mostBytes }
    // Its own hook, since asking Fastify which route a request came to costs more than the hook.
    const admits: onRequestHookHandler = (request, reply, done) => {
      if (admitted(facts, request, reply) !== REFUSED) done()
    }
    route.onRequest = [admits, ...[route.onRequest ?? []].flat()]
    if (direct !== undefined) directs.set(url, { facts, handler: direct })
    known.push({ pattern: patternOf(url), methods })
  })
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) return done()
    const origin = admitted(UNMATCHED, request, reply)
    if (origin !== REFUSED) unmatched(request, reply, origin)
  })

  function admitted(facts: RouteFacts, request: FastifyRequest, reply: FastifyReply) {
    try {
      return admission.admit(facts, request.raw, reply.raw, request.id)
    } catch (error) {
      answerError(error, request, reply, facts.form)
      return REFUSED
    }
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
        ? new HttpProblem(405, 'METHOD_NOT_ALLOWED', `this address takes ${allow}`, { headers: { allow } })
        : new HttpProblem(404, 'NOT_FOUND', 'there is nothing at this address: see /api/openapi.json for what there is')
    answerError(problem, request, reply)
  }

  function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, form?: ErrorForm): void {
    const { status, body } = admission.explain(error, request.raw, reply.raw, request.id, form)
    reply.code(status).serializer(JSON.stringify).type('application/json; charset=utf-8').send(body)
  }

  for (const register of parts.routes) await register(app, context)
  await app.ready()
  const usual = app.routing
  const listener = parts.direct ? directly({ admission, routes: directs, read, usual }) : usual
  return { app, listener }
}

/** Bytes of a body, where a route does not say that it takes more. */
const USUAL_BODY = 2 ** 20

const REFUSED = Symbol('refused')

/** Whether a path is one of a route, by its pattern alone. */
function patternOf(url: string): RegExp {
  const parts = url.split(/(:[A-Za-z]+|\*)/).map(part => {
    if (part.startsWith(':')) return '[^/]+'
    return part === '*' ? '.*' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${parts.join('')}$`)
}
