// What `/api` answers of embeddings: one look-up and its way, many rows for the command line, warming.
import type { FastifyRequest } from 'fastify'
import { invalid } from '../../errors.js'
import type { Key, Source } from '../../ports.js'
import type { EmbeddingMatrix } from '../../public.js'
import type { LookupCall, LookupReport, RowsCall, RowsReport, WarmCall, WarmReport } from '../api.js'
import type { Routes, ServerContext } from '../context.js'
import { rowsBySource } from '../meters.js'
import type { ServedModel } from '../models.js'
import { Neighbours } from '../neighbours.js'
import { embedRows } from '../rows.js'
import { MOST_NEIGHBOURS, MOST_TEXTS } from '../schemas/caches.js'
import { AS_JSON, described } from '../schemas.js'
import { modelOfSpace } from '../spaces.js'
import { BYTES_OF_NUMBER, toBase64 } from '../vector-text.js'

const KEY = /^[0-9a-f]{64}$/

export const cacheRoutes: Routes = (app, context) => {
  const neighbours = new Neighbours()
  app.addHook('onClose', () => neighbours.close())

  app.post<{ Body: LookupCall }>(
    '/api/lookup',
    {
      ...AS_JSON,
      config: { access: 'read', bodyBytes: Number.POSITIVE_INFINITY },
      schema: described('One text, and its way through the tiers', { body: 'LookupCall', answer: 'LookupReport' }),
    },
    request => lookUp(context, neighbours, request.body, context.signalOf(request)),
  )
  app.post<{ Body: RowsCall }>(
    '/api/rows',
    {
      ...AS_JSON,
      config: { access: 'read', bodyBytes: Number.POSITIVE_INFINITY },
      schema: described('Many texts, by the model of one space', { body: 'RowsCall', answer: 'RowsReport' }),
    },
    request => rows(context, request),
  )
  app.post<{ Body: WarmCall }>(
    '/api/cache/warm',
    {
      ...AS_JSON,
      config: { access: 'write', bodyBytes: Number.POSITIVE_INFINITY },
      schema: described('Embeds texts, or loads what is on disk, so that it is there later', {
        body: 'WarmCall',
        answer: 'WarmReport',
      }),
    },
    request => warm(context, request.body, context.signalOf(request)),
  )
}

async function lookUp(
  { models, meters }: ServerContext,
  neighbours: Neighbours,
  { text, model: name, compute = true, neighbours: k = 5 }: LookupCall,
  signal: AbortSignal,
): Promise<LookupReport> {
  if (!Number.isSafeInteger(k) || k < 0 || k > MOST_NEIGHBOURS) {
    throw invalid(`neighbours is a whole number from 0 to ${MOST_NEIGHBOURS}`)
  }
  const model = models.of(name)
  const { embeddings } = model.caches
  const trace = await doubted(model, signal, () => embeddings.trace(text, { compute: compute === true, signal }))
  const { id, dims, tiers, micros, result } = trace
  if (result === undefined) return { micros, tiers, dims }
  const { vector, source, tokens, truncated, device, template } = result
  meters.embedded(model.name, rowsBySource([source]), micros, tokens)
  return {
    source,
    micros,
    tiers,
    vector: toBase64(vector),
    dims,
    tokens,
    truncated,
    device,
    ...(template !== undefined && { template }),
    neighbours: await neighbours.of(embeddings, vector, id, k),
  }
}

async function rows(context: ServerContext, request: FastifyRequest<{ Body: RowsCall }>): Promise<RowsReport> {
  const { texts, space } = request.body
  const signal = context.signalOf(request)
  checkTexts(texts)
  const model = await modelOfSpace(context.models, space, signal)
  const { result, failed } = await measured(context, model, signal, () =>
    embedRows(model.caches.embeddings, texts, signal),
  )
  const { matrix, dims, sources, devices, tokens, truncated, templates } = result
  context.answers(request, matrix.length * BYTES_OF_NUMBER.base64)
  return {
    space,
    dims,
    vectors: toBase64(matrix),
    sources,
    devices,
    tokens,
    truncated,
    ...(templates && { templates }),
    failed,
  }
}

async function warm(
  context: ServerContext,
  { texts, keys, embed = true, model: name, space }: WarmCall,
  signal: AbortSignal,
): Promise<WarmReport> {
  if ((texts === undefined) === (keys === undefined)) throw invalid('give texts or keys, one of both')
  if (space !== undefined && name !== undefined)
    throw invalid('a model is told by its name or by its space, not by both')
  const model = space === undefined ? context.models.of(name) : await modelOfSpace(context.models, space, signal)
  if (keys !== undefined) return warmKeys(context, model, keys, signal)
  checkTexts(texts)
  const began = context.clock.monotonic()
  const { sources, rest } = await doubted(model, signal, () => warmThere(model, texts, signal))
  if (embed === true && rest.length > 0) {
    const { result } = await measured(context, model, signal, async () => ({
      result: await model.caches.embeddings.embedManyBounded(rest, { signal }),
    }))
    sources.push(...result.sources)
  }
  return {
    texts: texts.length,
    rows: rowsBySource(sources),
    absent: texts.length - sources.length,
    noRoom: 0,
    micros: 1000 * (context.clock.monotonic() - began),
  }
}

/** What the disk has of the texts is in memory afterwards, as far as there is room. Nobody asks for it here, so nothing is counted. */
async function warmThere({ caches }: ServedModel, texts: readonly string[], signal: AbortSignal) {
  const { ahead } = caches.embeddings
  const sources: Source[] = []
  const keys: Key[] = []
  const rest: string[] = []
  for (const text of texts) {
    signal.throwIfAborted()
    let source = await ahead.where(text)
    const key = source === 'disk' ? ahead.keyOf(text) : undefined
    if (key) keys.push(key)
    // What others share is fetched once, and is here from then on.
    if (source === 'shared') source = (await caches.embeddings.get(text))?.source
    if (source) sources.push(source)
    else rest.push(text)
  }
  if (keys.length > 0) await caches.loadAhead(keys, signal)
  return { sources, rest }
}

async function warmKeys(
  { clock }: ServerContext,
  model: ServedModel,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<WarmReport> {
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MOST_TEXTS || !keys.every(key => KEY.test(key))) {
    throw invalid(`keys is a list of 1 to ${MOST_TEXTS} names of 64 hex digits`)
  }
  const began = clock.monotonic()
  await model.open({ signal })
  const loaded = await model.caches.loadAhead(keys as readonly Key[], signal)
  const asked = new Set(keys).size
  const { entries = 0, there = 0, gone = asked } = loaded ?? {}
  return {
    texts: asked,
    rows: { ...rowsBySource([]), disk: entries, memory: there },
    absent: gone,
    noRoom: asked - entries - there - gone,
    micros: 1000 * (clock.monotonic() - began),
  }
}

/** Runs `work`, which answers rows, and has them counted. */
async function measured<T extends { readonly result: EmbeddingMatrix }>(
  { meters, clock }: ServerContext,
  model: ServedModel,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T & { readonly micros: number }> {
  const began = clock.monotonic()
  const done = await doubted(model, signal, work)
  const micros = 1000 * (clock.monotonic() - began)
  const { sources, tokens } = done.result
  meters.embedded(
    model.name,
    rowsBySource(sources),
    micros,
    tokens.reduce((sum, one) => sum + one, 0),
  )
  return { ...done, micros }
}

/** Opens the model where it is not, so that it is listed as open; what fails says something of it. */
async function doubted<T>(model: ServedModel, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    await model.open({ signal })
    return await work()
  } catch (error) {
    model.doubt(error)
    throw error
  }
}

/** Looked at again, whatever the validator let through. */
function checkTexts(texts: unknown): asserts texts is readonly string[] {
  if (!Array.isArray(texts) || texts.length === 0 || texts.length > MOST_TEXTS) {
    throw invalid(`texts is a list of 1 to ${MOST_TEXTS} texts`)
  }
}
