// A span for each request, for a program that has OpenTelemetry registered before the daemon starts; else nothing is loaded and nothing done.
// A span holds the route, the model and counts: never a text, a key, a token or an address that was asked for.
import type { IncomingMessage } from 'node:http'
import type { Span, TextMapGetter } from '@opentelemetry/api'
import type { Routes } from './context.js'
import { type RowCounts, SOURCES } from './meters.js'

/** Where the package keeps what is registered, in every copy and version of it. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1')

/** A name and no literal, so that bundlers of applications that have not got the package leave it alone. */
const PACKAGE: string = '@opentelemetry/api'

function loadApi(): Promise<typeof import('@opentelemetry/api')> {
  return import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ PACKAGE)
}

const spans = new WeakMap<IncomingMessage, Span>()

/** Hooks of every route. Parents come from `traceparent`, by the propagator that is registered. */
export const tracing: Routes = async (app, { version, log }) => {
  if (!isTraced()) return
  const otel = await loadApi().catch(() => undefined)
  if (otel === undefined) {
    log.warn('no-tracing', {
      message: 'OpenTelemetry is registered, and its API is not to be found: npm install @opentelemetry/api',
    })
    return
  }
  const { context, propagation, SpanKind, SpanStatusCode, trace } = otel
  const tracer = trace.getTracer('op-dbus', version)
  app.addHook('onRequest', ({ raw, routeOptions }, reply, done) => {
    const route = routeOptions.url
    const method = METHODS.has(raw.method ?? '') ? raw.method! : '_OTHER'
    const parent = propagation.extract(context.active(), raw.headers, headers)
    const attributes = { 'http.request.method': method, ...(route !== undefined && { 'http.route': route }) }
    const name = route === undefined ? method : `${method} ${route}`
    const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent)
    spans.set(raw, span)
    reply.raw.once('close', () => {
      const { statusCode, writableFinished } = reply.raw
      // 499: the caller has gone.
      span.setAttribute('http.response.status_code', writableFinished ? statusCode : 499)
      if (statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    })
    context.with(trace.setSpan(parent, span), done)
  })
}

/** Says of the span of a request, where it has one, which model embedded how many texts, and where their vectors came from. */
export function traceRows(request: IncomingMessage, model: string, rows: Readonly<RowCounts>): void {
  const span = spans.get(request)
  if (span === undefined) return
  span.setAttribute('opdbus.model', model)
  let all = 0
  for (const source of SOURCES) {
    if (rows[source] > 0) span.setAttribute(`opdbus.rows.${source}`, rows[source])
    all += rows[source]
  }
  span.setAttribute('opdbus.rows', all)
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'DELETE', 'PATCH'])

const headers: TextMapGetter<IncomingMessage['headers']> = {
  keys: of => Object.keys(of),
  get: (of, name) => of[name],
}

/** Whether OpenTelemetry is registered. */
export function isTraced(): boolean {
  return (globalThis as { [REGISTERED]?: { readonly trace?: unknown } })[REGISTERED]?.trace !== undefined
}
