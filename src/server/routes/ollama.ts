// `/api/embed` as Ollama has it, the older `/api/embeddings`, and what its clients look at first.
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Routes, ServerContext } from '../context.js'
import { embedTexts, tellHow, wantsSources } from '../embed-texts.js'
import type { ServedModel } from '../models.js'
import { ollamaSchemas } from '../ollama-schemas.js'
import { fieldsOf, refused, textsOf } from '../text-inputs.js'
import { BYTES_OF_NUMBER, floatText, unitRows, vectorList } from '../vector-text.js'

type Fields = Readonly<Record<string, unknown>>

export const ollamaRoutes: Routes = (app, context) => {
  const config = { access: 'read', errors: 'ollama', bodyBytes: Number.POSITIVE_INFINITY } as const
  // Handlers check, by hand. What is said of bodies here is for the document.
  const validatorCompiler = () => () => true
  app.post('/api/embed', {
    ...{ config, schema: ollamaSchemas.embed, validatorCompiler },
    handler: (request, reply) => embed(context, request, reply),
  })
  app.post('/api/embeddings', {
    ...{ config, schema: ollamaSchemas.embeddings, validatorCompiler },
    handler: (request, reply) => embedOne(context, request, reply),
  })
  app.get('/api/tags', {
    ...{ config, schema: ollamaSchemas.tags },
    handler: async () => ({ models: context.models.all.flatMap(model => tagsOf(context, model)) }),
  })
  app.post('/api/show', {
    ...{ config, schema: ollamaSchemas.show, validatorCompiler },
    handler: async request => shown(modelOf(context, fieldsOf(request.body, 400))),
  })
  app.get('/api/version', {
    ...{ config, schema: ollamaSchemas.version },
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
    if (truncate === false && embedded.cut > 0) throw refused(400, 'input', 'a text is longer than the model sees')
    context.answers(request, embedded.matrix.length * BYTES_OF_NUMBER.float)
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
    throw refused(400, 'prompt', 'prompt is a text')
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
    throw refused(400, 'truncate', 'truncate is true or false')
  }
  const model = modelOf(context, fields)
  const dims = model.dims ?? (await model.open({ signal: context.signalOf(request) }))
  // There, 0 is a way to leave it out.
  if (dimensions && dimensions !== dims) throw refused(400, 'dimensions', `vectors of this model have ${dims} numbers`)
  return model
}

/** `name:latest` is how clients of this API say `name`. */
function modelOf({ models }: ServerContext, { model, name = model }: Fields): ServedModel {
  if (name !== undefined && name !== null && typeof name !== 'string') throw refused(400, 'model', 'model is a name')
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
