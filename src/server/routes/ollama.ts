// `/api/embed` as Ollama has it, the older `/api/embeddings`, and what its clients look at first.
import type { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Routes, ServerContext } from '../context.js'
import { type EmbeddedTexts, embedTexts, tellHow, wantsSources } from '../embed-texts.js'
import { HAND_CHECKED } from '../embedding-schemas.js'
import type { ServedModel } from '../models.js'
import { ollamaSchemas } from '../ollama-schemas.js'
import { fieldsOf, refusedAs, textsOf } from '../text-inputs.js'
import { BYTES_OF_NUMBER, floatText, unitRows, vectorList } from '../vector-text.js'

const COMMON = ['model', 'name', 'options', 'keep_alive'] as const
const EMBED_FIELDS = [...COMMON, 'input', 'truncate', 'dimensions'] as const
const PROMPT_FIELDS = [...COMMON, 'prompt'] as const
const SHOW_FIELDS = [...COMMON, 'verbose'] as const

type Fields = { readonly [F in (typeof EMBED_FIELDS)[number]]?: unknown }

export const ollamaRoutes: Routes = (app, context) => {
  const config = { access: 'read', errors: 'ollama', bodyBytes: Number.POSITIVE_INFINITY } as const
  const schemas = ollamaSchemas(context.settings.limits.maxBatch)
  app.post('/api/embed', {
    ...{ config, schema: schemas.embed, ...HAND_CHECKED },
    handler: (request, reply) => embed(context, request, reply),
  })
  app.post('/api/embeddings', {
    ...{ config, schema: schemas.embeddings, ...HAND_CHECKED },
    handler: (request, reply) => embedOne(context, request, reply),
  })
  app.get('/api/tags', {
    ...{ config, schema: schemas.tags },
    handler: async () => ({ models: context.models.all.flatMap(model => tagsOf(context, model)) }),
  })
  app.post('/api/show', {
    ...{ config, schema: schemas.show, ...HAND_CHECKED },
    handler: async request => shown(modelOf(context, fieldsOf(request.body, SHOW_FIELDS, 400))),
  })
  app.get('/api/version', {
    ...{ config, schema: schemas.version },
    handler: async () => ({ version: context.version }),
  })
}

async function embed(context: ServerContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const began = context.clock.monotonic()
  const fields = fieldsOf(request.body, EMBED_FIELDS, 400)
  const { input, truncate } = fields
  const { maxBatch: most } = context.settings.limits
  const texts = textsOf(input, 'input', { most, tooMany: 400, wrong: 400 })
  const model = await opened(context, request, fields)
  const ending = (tokens: number) => {
    const nanoseconds = Math.round(1e6 * (context.clock.monotonic() - began))
    return `,"total_duration":${nanoseconds},"load_duration":0,"prompt_eval_count":${tokens}}`
  }
  const beginning = `{"model":${JSON.stringify(model.serves)},"embeddings":`
  // So this API answers a question for nothing.
  if (texts.length === 0) return sendJson(reply, `${beginning}[]${ending(0)}`)
  const embedded = await embedTexts(context, request, model, texts)
  checkContext(fields, embedded)
  if (truncate === false && embedded.cut > 0) throw refusedAs(400, 'a text is longer than the model sees', 'input')
  context.answers(request, embedded.matrix.length * BYTES_OF_NUMBER.float)
  tellHow(reply, embedded, wantsSources(request))
  const { dims, allTokens } = embedded
  return sendJson(reply, vectorList(unitRows(embedded.matrix, dims), dims, beginning, ending(allTokens)))
}

/** The API before `/api/embed`: one text, called a prompt. */
async function embedOne(context: ServerContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const fields = fieldsOf(request.body, PROMPT_FIELDS, 400)
  const { prompt } = fields
  if (prompt !== undefined && prompt !== null && typeof prompt !== 'string')
    throw refusedAs(400, 'prompt is a text', 'prompt')
  const model = await opened(context, request, fields)
  if (!prompt) return sendJson(reply, '{"embedding":[]}')
  const embedded = await embedTexts(context, request, model, [prompt])
  checkContext(fields, embedded)
  tellHow(reply, embedded, wantsSources(request))
  return sendJson(reply, `{"embedding":${floatText(embedded.matrix, 0, embedded.dims)}}`)
}

/** The model, once it is known that its vectors are as long as asked for. */
async function opened(context: ServerContext, request: FastifyRequest, fields: Fields): Promise<ServedModel> {
  const { truncate, dimensions } = fields
  if (truncate !== undefined && truncate !== null && typeof truncate !== 'boolean') {
    throw refusedAs(400, 'truncate is true or false', 'truncate')
  }
  const model = modelOf(context, fields)
  const dims = model.dims ?? (await model.open({ signal: context.signalOf(request) }))
  // There, 0 is a way to leave it out.
  if (![undefined, null, 0, dims].includes(dimensions as number))
    throw refusedAs(400, `vectors of this model have ${dims} numbers`, 'dimensions')
  return model
}

/** Of `options`, how much a model sees may change a vector: it would where a text is longer, which is known now. */
function checkContext({ options }: Fields, { tokens }: EmbeddedTexts): void {
  if (options === undefined || options === null) return
  if (typeof options !== 'object' || Array.isArray(options)) throw refusedAs(400, 'options is an object', 'options')
  const { num_ctx } = options as { readonly num_ctx?: unknown }
  if (num_ctx === undefined || num_ctx === null) return
  if (typeof num_ctx !== 'number') throw refusedAs(400, 'options.num_ctx is a number', 'options')
  if (tokens.every(count => count <= num_ctx)) return
  throw refusedAs(400, "a text has more tokens than options.num_ctx: texts are cut at the model's own limit", 'options')
}

/** `name:latest` is how clients of this API say `name`. */
function modelOf({ models }: ServerContext, { model, name: older }: Fields): ServedModel {
  const name = model ?? older
  if (older !== undefined && older !== null && older !== name) throw refusedAs(400, 'model and name differ', 'name')
  if (name !== undefined && name !== null && typeof name !== 'string') throw refusedAs(400, 'model is a name', 'model')
  return models.of(name?.replace(/:latest$/, '') || undefined)
}

function tagsOf({ started }: ServerContext, model: ServedModel) {
  return [model.name, ...model.aliases].map(name => ({
    name: `${name}:latest`,
    model: `${name}:latest`,
    modified_at: new Date(started).toISOString(),
    size: 0,
    digest: '',
    details: detailsOf(),
  }))
}

function shown(model: ServedModel) {
  return {
    details: detailsOf(),
    model_info: {
      'general.basename': model.name,
      ...(model.dims !== undefined && { 'bert.embedding_length': model.dims }),
    },
    capabilities: ['embedding'],
  }
}

function detailsOf() {
  return {
    parent_model: '',
    format: 'onnx',
    family: 'bert',
    families: ['bert'],
    parameter_size: '',
    quantization_level: '',
  }
}

function sendJson(reply: FastifyReply, json: string | Readable): FastifyReply {
  return reply.header('content-type', 'application/json; charset=utf-8').send(json)
}
