// What the document says of OpenAI's API. `openai-request.ts` is what checks.
import { answers, count, dimensions, textOrTexts, vector } from './embedding-schemas.js'
import { SOURCES } from './meters.js'

const tags = ['OpenAI']

const error = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string' },
        type: { type: 'string' },
        param: { type: ['string', 'null'], description: 'The field that it is about.' },
        code: { type: ['string', 'null'] },
      },
    },
  },
} as const

const model = {
  type: 'object',
  required: ['id', 'object', 'created', 'owned_by', 'root'],
  properties: {
    id: { type: 'string', description: 'A name that requests may give.' },
    object: { type: 'string', enum: ['model'] },
    created: { type: 'integer', description: 'When the daemon started, Unix seconds.' },
    owned_by: { type: 'string' },
    root: { type: 'string', description: 'The name of the model behind this one.' },
  },
} as const

const answer = {
  type: 'object',
  required: ['object', 'data', 'model', 'usage'],
  properties: {
    object: { type: 'string', enum: ['list'] },
    data: {
      type: 'array',
      items: {
        type: 'object',
        required: ['object', 'index', 'embedding'],
        properties: {
          object: { type: 'string', enum: ['embedding'] },
          index: count,
          embedding: { anyOf: [vector, { type: 'string', description: 'base64' }] },
          opdbus: {
            type: 'object',
            properties: {
              source: { type: 'string', enum: SOURCES },
              device: { type: 'string' },
              tokens: count,
              truncated: { type: 'boolean' },
            },
          },
        },
      },
    },
    model: { type: 'string', description: 'The model that serves.' },
    usage: {
      type: 'object',
      required: ['prompt_tokens', 'total_tokens'],
      properties: { prompt_tokens: count, total_tokens: count },
    },
  },
} as const

/** `most`: how many texts one request may have. */
export function openAiSchemas(most: number) {
  const ids = { type: 'array', minItems: 1, items: count } as const
  const body = {
    type: 'object',
    required: ['input'],
    additionalProperties: false,
    properties: {
      input: {
        description: `A text, or at most ${most}, none of them empty. Token arrays only with --token-arrays.`,
        anyOf: [...textOrTexts(most), ids, { type: 'array', minItems: 1, maxItems: most, items: ids }],
      },
      model: { type: ['string', 'null'], description: 'Default: the first that the daemon serves.' },
      encoding_format: {
        enum: ['float', 'base64', null],
        description: 'base64: of the floats, little-endian. Default: float.',
      },
      dimensions,
      user: { type: ['string', 'null'], description: 'Ignored.' },
      truncate_prompt_tokens: {
        enum: [-1, null],
        description: "vLLM's: texts are cut at the model's own limit, and `x-opdbus-truncated` says how many were.",
      },
      opdbus: {
        type: ['boolean', 'null'],
        description: 'Each row says where it came from. The header `x-opdbus-sources` does the same.',
      },
    },
  } as const
  const list = {
    type: 'object',
    required: ['object', 'data'],
    properties: { object: { type: 'string', enum: ['list'] }, data: { type: 'array', items: model } },
  }
  return {
    embeddings: {
      summary: 'Vectors of texts',
      tags,
      body,
      response: answers('Vectors, in the order of the texts', answer, error),
    },
    models: {
      summary: 'Models that are served',
      tags,
      response: answers('Each name that requests may give', list, error),
    },
    model: { summary: 'One model', tags, response: answers('It is served', model, error) },
  }
}
