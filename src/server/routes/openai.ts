// `/v1/embeddings` and `/v1/models` as OpenAI's API has them, for every client that speaks it.
import { pipeline } from 'node:stream'
import type { Routes, ServerContext } from '../context.js'
import type { DirectHandler, DirectReply, DirectRequest } from '../direct.js'
import { type EmbeddedTexts, embedAtOnce, embedTexts, tellHow, wantsSources } from '../embed-texts.js'
import { HAND_CHECKED } from '../embedding-schemas.js'
import type { HttpProblem } from '../http-errors.js'
import { isLong, type RowsOfText, textInParts, wholeText } from '../long-answer.js'
import type { ServedModel } from '../models.js'
import {
  type EmbeddingRequest,
  embeddingRequest,
  MOST_TOKENS,
  refused,
  tokenArraysRefused,
  tooManyTokens,
} from '../openai-request.js'
import { openAiSchemas } from '../openai-schemas.js'
import { textsOfTokens } from '../token-arrays.js'
import { BYTES_OF_NUMBER, checkFinite, type Encoding, VECTOR_TEXT } from '../vector-text.js'

const JSON_TYPE = 'application/json; charset=utf-8'

export const openAiRoutes: Routes = (app, context) => {
  const schemas = openAiSchemas(context.settings.limits.maxBatch)
  const direct: DirectHandler = (request, reply) => embeddings(context, request, reply)
  app.post('/v1/embeddings', {
    config: { access: 'read', errors: 'openai', direct, bodyBytes: Number.POSITIVE_INFINITY },
    schema: schemas.embeddings,
    ...HAND_CHECKED,
    handler: direct,
  })
  app.route({
    method: ['GET', 'HEAD'],
    url: '/v1/models',
    config: { access: 'read', errors: 'openai' },
    schema: schemas.models,
    handler: async () => ({ object: 'list', data: context.models.all.flatMap(model => listed(context, model)) }),
  })
  // A hub id holds a slash, which clients encode or do not.
  app.route<{ Params: { '*': string } }>({
    method: ['GET', 'HEAD'],
    url: '/v1/models/*',
    config: { access: 'read', errors: 'openai', counted: '/v1/models/:model' },
    schema: schemas.model,
    handler: async ({ params: { '*': id } }) => listed(context, context.models.of(id)).find(entry => entry.id === id),
  })
}

/** Makes no promise where memory has all that is asked for: on a warm cache that is a fourth of the cost. */
function embeddings(context: ServerContext, request: DirectRequest, reply: DirectReply): Promise<void> | undefined {
  const asked = embeddingRequest(request.body, context.settings.limits.maxBatch)
  const model = context.models.of(asked.model)
  if (model.dims !== undefined && 'texts' in asked.input && asked.input.texts.length === 1) {
    checkDimensions(asked, model.dims)
    const embedded = embedAtOnce(context, request, model, asked.input.texts[0]!)
    if (embedded !== undefined) {
      answer(context, request, reply, { asked, model, embedded })
      return undefined
    }
  }
  return embedAll(context, request, reply, asked, model)
}

async function embedAll(
  context: ServerContext,
  request: DirectRequest,
  reply: DirectReply,
  asked: EmbeddingRequest,
  model: ServedModel,
): Promise<void> {
  const { input } = asked
  if ('tokens' in input && context.settings.tokenArrays === undefined) throw tokenArraysRefused()
  const signal = context.signalOf(request)
  checkDimensions(asked, model.dims ?? (await model.open({ signal })))
  const { bodyBytes } = context.settings.limits
  const texts = 'texts' in input ? input.texts : await textsOfTokens(input.tokens, bodyBytes, signal)
  const embedded = await embedTexts(context, request, model, texts)
  answer(context, request, reply, { asked, model, embedded })
}

interface Answer {
  readonly asked: EmbeddingRequest
  readonly model: ServedModel
  readonly embedded: EmbeddedTexts
}

function answer(
  context: ServerContext,
  request: DirectRequest,
  reply: DirectReply,
  { asked: { opdbus, encoding }, model, embedded }: Answer,
): void {
  if (embedded.allTokens > MOST_TOKENS) throw tooManyTokens(embedded.allTokens)
  context.answers(request, embedded.count * embedded.dims * BYTES_OF_NUMBER[encoding])
  const sources = opdbus || context.settings.openaiExtras || wantsSources(request)
  tellHow(reply, embedded, sources)
  const rows = answerOf(embedded, model.serves, encoding, sources)
  if (isLong(rows)) {
    checkFinite(embedded.matrix)
    reply.hijack()
    reply.raw.writeHead(200, ['content-type', JSON_TYPE, 'x-request-id', request.id])
    // Who leaves ends it.
    pipeline(textInParts(rows), reply.raw, () => {})
    return
  }
  const json = wholeText(rows)
  // All of it is ASCII, so that it is as long in bytes, and the cheapest to send.
  const headers = ['content-type', JSON_TYPE, 'content-length', String(json.length), 'x-request-id', request.id]
  reply.hijack()
  reply.raw.writeHead(200, headers).end(json, 'latin1')
}

function checkDimensions({ dimensions }: EmbeddingRequest, dims: number): void {
  if (dimensions !== undefined && dimensions !== dims) throw otherDimensions(dimensions, dims)
}

/** By hand: a serialiser that walks over numbers takes twice as long. */
function answerOf(embedded: EmbeddedTexts, model: string, encoding: Encoding, sources: boolean): RowsOfText {
  const { matrix, dims, count, allTokens } = embedded
  const vectorText = VECTOR_TEXT[encoding]
  const usage = `{"prompt_tokens":${allTokens},"total_tokens":${allTokens}}`
  return {
    count,
    dims,
    bytesOfNumber: BYTES_OF_NUMBER[encoding],
    textOf: row => {
      const how = sources ? `,"opdbus":${asciiJson(howOf(embedded, row))}` : ''
      return `{"object":"embedding","index":${row},"embedding":${vectorText(matrix, row * dims, dims)}${how}}`
    },
    before: '{"object":"list","data":[',
    after: `],"model":${nameInJson(model)},"usage":${usage}}`,
  }
}

/** As JSON of letters that every encoding has. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Of the few models that are served. */
const namesInJson = new Map<string, string>()

function nameInJson(name: string): string {
  const known = namesInJson.get(name)
  if (known !== undefined) return known
  const json = asciiJson(name)
  namesInJson.set(name, json)
  return json
}

function howOf({ sources, devices, tokens, truncated }: EmbeddedTexts, row: number) {
  return { source: sources[row], device: devices[row], tokens: tokens[row], truncated: truncated[row] }
}

function listed({ started }: ServerContext, { name, aliases }: ServedModel) {
  const created = Math.floor(started / 1000)
  return [name, ...aliases].map(id => ({ id, object: 'model', created, owned_by: 'op-dbus', root: name }))
}

function otherDimensions(asked: number, dims: number): HttpProblem {
  return refused(
    `Invalid 'dimensions': vectors of this model have ${dims} numbers, not ${asked}. Leave it out or, for a model that is trained to be ` +
      'cut (Matryoshka), start the daemon with --dimensions.',
    'dimensions',
    'invalid_value',
  )
}
