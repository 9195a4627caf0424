// `/embed` as text-embeddings-inference of Hugging Face has it, and what its clients ask beside.
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Routes, ServerContext } from '../context.js'
import { embedTexts, tellHow, wantsSources } from '../embed-texts.js'
import { HAND_CHECKED } from '../embedding-schemas.js'
import { HttpProblem } from '../http-errors.js'
import { teiSchemas } from '../tei-schemas.js'
import { fieldsOf, refusedAs, textsOf } from '../text-inputs.js'
import { BYTES_OF_NUMBER, unitRows, vectorList } from '../vector-text.js'

/** What that API answers to a request that is not as it should be, and to one that is too large. */
const UNPROCESSABLE = 422
const TOO_LARGE = 413

export const teiRoutes: Routes = (app, context) => {
  const schemas = teiSchemas(context.settings.limits.maxBatch)
  app.post('/embed', {
    config: { access: 'read', errors: 'tei', bodyBytes: Number.POSITIVE_INFINITY },
    schema: schemas.embed,
    ...HAND_CHECKED,
    handler: (request, reply) => embed(context, request, reply),
  })
  app.route({
    method: ['GET', 'HEAD'],
    url: '/info',
    config: { access: 'read', errors: 'tei' },
    schema: schemas.info,
    handler: async () => {
      const { limits } = context.settings
      return {
        model_id: context.models.of(undefined).serves,
        model_type: { embedding: {} },
        max_concurrent_requests: limits.queue,
        max_client_batch_size: limits.maxBatch,
        auto_truncate: true,
        version: context.version,
      }
    },
  })
  app.route({
    method: ['GET', 'HEAD'],
    url: '/health',
    config: { access: 'open', errors: 'tei' },
    schema: schemas.health,
    handler: async (_request, reply) => {
      const { ready } = context.stopping.aborted ? { ready: false } : await context.models.ready()
      if (!ready) throw new HttpProblem(503, 'UNHEALTHY', 'the model does not embed now: see the log of the server')
      return reply.send()
    },
  })
}

/** `options` is of the Inference API, and says how to wait; it changes no vector. */
const FIELDS = [
  ...(['inputs', 'truncate', 'normalize', 'prompt_name', 'truncation_direction', 'dimensions'] as const),
  ...(['encoding_format', 'options'] as const),
] as const

async function embed(context: ServerContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const fields = fieldsOf(request.body, FIELDS, UNPROCESSABLE)
  const { inputs, truncate, normalize, prompt_name, truncation_direction, dimensions, encoding_format } = fields
  const { maxBatch: most } = context.settings.limits
  const texts = textsOf(inputs, 'inputs', { most, tooMany: TOO_LARGE, wrong: UNPROCESSABLE })
  if (texts.length === 0)
    throw new HttpProblem(400, 'EMPTY', 'inputs is empty: it takes at least one text', { param: 'inputs' })
  for (const [name, value] of Object.entries({ truncate, normalize })) {
    if (value !== undefined && value !== null && typeof value !== 'boolean')
      throw refusedAs(UNPROCESSABLE, `${name} is true or false`, name)
  }
  if (normalize === false)
    throw refusedAs(UNPROCESSABLE, 'vectors are scaled to length 1 here: normalize cannot be false', 'normalize')
  if (prompt_name !== undefined && prompt_name !== null) {
    throw refusedAs(UNPROCESSABLE, 'prompts cannot be chosen here: put it before the text', 'prompt_name')
  }
  if (encoding_format !== undefined && encoding_format !== null && encoding_format !== 'float') {
    throw refusedAs(UNPROCESSABLE, 'vectors are lists of numbers here: encoding_format is float', 'encoding_format')
  }
  if (![undefined, null, 'right', 'Right'].includes(truncation_direction as null)) {
    throw refusedAs(UNPROCESSABLE, 'texts are cut on the right here', 'truncation_direction')
  }
  const model = context.models.of(undefined)
  const dims = model.dims ?? (await model.open({ signal: context.signalOf(request) }))
  if (dimensions !== undefined && dimensions !== null && dimensions !== dims) {
    throw refusedAs(UNPROCESSABLE, `vectors of this model have ${dims} numbers`, 'dimensions')
  }
  const embedded = await embedTexts(context, request, model, texts)
  if (truncate === false && embedded.cut > 0) {
    throw refusedAs(
      TOO_LARGE,
      'a text is longer than the model sees: send less of it, or let truncate be true',
      'inputs',
    )
  }
  context.answers(request, embedded.matrix.length * BYTES_OF_NUMBER.float)
  tellHow(reply, embedded, wantsSources(request))
  return reply
    .header('content-type', 'application/json; charset=utf-8')
    .send(vectorList(unitRows(embedded.matrix, dims), dims))
}
