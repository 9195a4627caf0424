// `/api/embed` as Ollama has it, the older `/api/embeddings`, and what its clients look at first.
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Routes, ServerContext } from '../context.js'
import { embedTexts, tellHow, wantsSources } from '../embed-texts.js'
import { HAND_CHECKED } from '../embedding-schemas.js'
import type { ServedModel } from '../models.js'
import { ollamaSchemas } from '../ollama-schemas.js'
import { fieldsOf, refusedAs, textsOf } from '../text-inputs.js'
import { floatText, unitRows, vectorList } from '../vector-text.js'

type Fields = Readonly<Record<string, unknown>>

export const ollamaRoutes: Routes = (app, context) => {
  const config = { access: 'read', errors: 'ollama' } as const
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
    handler: async request => shown(modelOf(context, fieldsOf(request.body, 400))),
  })
  app.get('/api/version', {
    ...{ config, schema: schemas.version },
    handler: async () => ({ version: context.version }),
  })
}

async function embed(context: ServerContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const began = context.clock.monotonic()
  const fields = fieldsOf(request.body, 400)
  const { input, truncate } = fields
  const { maxBatch: most } = context.settings.limits
  const texts = textsOf(input, 'input', { most, tooMany: 400, wrong: 400 })
  const model = await opened(context, request, fields)
  let [vectors, tokens] = ['[]', 0]
  // So this API answers a question for nothing.
  if (texts.length > 0) {
    const embedded = await embedTexts(context, request, model, texts)
    if (truncate === false && embedded.cut > 0) throw refusedAs(400, 'a text is longer than the model sees', 'input')
    tellHow(reply, embedded, wantsSources(request))
    vectors = vectorList(unitRows(embedded.matrix, embedded.dims), embedded.dims)
    tokens = embedded.allTokens
  }
  const nanoseconds = Math.round(1e6 * (context.clock.monotonic() - began))
  return sendJson(
    reply,
    `{"model":${JSON.stringify(model.serves)},"embeddings":${vectors},"total_duration":${nanoseconds},"load_duration":0,` +
      `"prompt_eval_count":${tokens}}`,
  )
}

/** The API before `/api/embed`: one text, called a prompt. */
async function embedOne(context: ServerContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const fields = fieldsOf(request.body, 400)
  const { prompt } = fields
  if (prompt !== undefined && prompt !== null && typeof prompt !== 'string')
    throw refusedAs(400, 'prompt is a text', 'prompt')
  const model = await opened(context, request, fields)
  if (!prompt) return sendJson(reply, '{"embedding":[]}')
  const embedded = await embedTexts(context, request, model, [prompt])
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
  if (dimensions && dimensions !== dims)
    throw refusedAs(400, `vectors of this model have ${dims} numbers`, 'dimensions')
  return model
}

/** `name:latest` is how clients of this API say `name`. */
function modelOf({ models }: ServerContext, { model, name = model }: Fields): ServedModel {
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

function sendJson(reply: FastifyReply, json: string): FastifyReply {
  return reply.header('content-type', 'application/json; charset=utf-8').send(json)
}
