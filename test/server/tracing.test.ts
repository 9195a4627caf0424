// Spans of requests, told to a tracer provider of the test's own that the OpenTelemetry API has registered; and nothing at all where none is.
import { type Context, context, propagation, type Span, SpanStatusCode, trace } from '@opentelemetry/api'
import { afterEach, expect, it } from 'vitest'
import type { Routes } from '../../src/server/context.js'
import { openAiRoutes } from '../../src/server/routes/openai.js'
import { tracing } from '../../src/server/tracing.js'
import { ask, startDaemon } from './daemon.js'

interface Told {
  readonly name: string
  readonly parent: string | undefined
  readonly attributes: Record<string, unknown>
  status?: number
  ended: number
}

afterEach(() => {
  trace.disable()
  propagation.disable()
  context.disable()
})

function register(): Told[] {
  const told: Told[] = []
  trace.setGlobalTracerProvider({
    getTracer: () => ({
      startSpan(name, options, parent) {
        const span: Told = {
          name,
          parent: parent?.getValue(PARENT) as string,
          attributes: { ...options?.attributes },
          ended: 0,
        }
        told.push(span)
        return {
          setAttribute: (key: string, value: unknown) => Object.assign(span.attributes, { [key]: value }),
          setStatus: ({ code }: { code: number }) => Object.assign(span, { status: code }),
          end: () => void span.ended++,
        } as unknown as Span
      },
      startActiveSpan: () => {
        throw new Error('not asked for')
      },
    }),
  })
  propagation.setGlobalPropagator({
    inject() {},
    extract: (into: Context, carrier, getter) => into.setValue(PARENT, getter.get(carrier, 'traceparent')),
    fields: () => ['traceparent'],
  })
  return told
}

const PARENT = Symbol('parent')
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

const routes: Routes = app => {
  app.post('/embeds/:secret', { config: { access: 'open' } }, async () => ({}))
  app.get('/fails', { config: { access: 'open' } }, async () => {
    throw new Error('a text of somebody')
  })
}

it('each request is a span with its route, under the parent that its header names', async () => {
  const told = register()
  const daemon = await startDaemon({}, [tracing, routes])
  const headers = { traceparent: TRACEPARENT }
  await ask(daemon, '/embeds/of-somebody?q=secret', { body: { text: 'secret' }, headers })
  await ask(daemon, '/fails')
  await ask(daemon, '/nothing/secret')
  await daemon.stop()
  expect(told.map(({ name, parent, ended }) => ({ name, parent, ended }))).toEqual([
    { name: 'POST /embeds/:secret', parent: TRACEPARENT, ended: 1 },
    { name: 'GET /fails', parent: undefined, ended: 1 },
  ])
  expect(told[0]!.attributes).toEqual({
    'http.request.method': 'POST',
    'http.route': '/embeds/:secret',
    'http.response.status_code': 200,
  })
  expect(told[1]!.status).toBe(SpanStatusCode.ERROR)
  expect(JSON.stringify(told)).not.toMatch(/somebody|=secret|a text/)
})

it('a span of embeddings says the model and the rows by source, also of the one text that memory has', async () => {
  const told = register()
  const daemon = await startDaemon({}, [tracing, openAiRoutes])
  for (const input of ['a text of somebody', 'a text of somebody', ['a text of somebody', 'another']]) {
    expect((await ask(daemon, '/v1/embeddings', { body: { input } })).status).toBe(200)
  }
  await daemon.stop()
  const rows = told.map(({ attributes }) =>
    Object.fromEntries(Object.entries(attributes).filter(([name]) => name.startsWith('opdbus.'))),
  )
  expect(rows).toEqual([
    { 'opdbus.model': 'fake', 'opdbus.rows': 1, 'opdbus.rows.computed': 1 },
    { 'opdbus.model': 'fake', 'opdbus.rows': 1, 'opdbus.rows.memory': 1 },
    { 'opdbus.model': 'fake', 'opdbus.rows': 2, 'opdbus.rows.memory': 1, 'opdbus.rows.computed': 1 },
  ])
  expect(JSON.stringify(told)).not.toMatch(/somebody|another/)
})

it('without a provider a daemon makes none, and one that is registered later is not asked', async () => {
  const daemon = await startDaemon({}, [tracing, routes])
  const told = register()
  expect((await ask(daemon, '/embeds/x', { body: {} })).status).toBe(200)
  expect(told).toEqual([])
  await daemon.stop()
})
