// What the document says of OpenAI's API: JSON schemas by hand. `openai-request.ts` is what checks.
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

const body = {
  type: 'object',
  required: ['input'],
  additionalProperties: false,
  properties: {
    input: {
      description: 'A text, or at most 2,048, none of them empty. Token arrays only with --token-arrays.',
      anyOf: [
        { type: 'string', minLength: 1 },
        { type: 'array', minItems: 1, maxItems: 2048, items: { type: 'string', minLength: 1 } },
        { type: 'array', minItems: 1, items: { type: 'integer', minimum: 0 } },
        {
          type: 'array',
          minItems: 1,
          maxItems: 2048,
          items: { type: 'array', minItems: 1, items: { type: 'integer', minimum: 0 } },
        },
      ],
    },
    model: { type: ['string', 'null'], description: 'Default: the first that the daemon serves.' },
    encoding_format: {
      enum: ['float', 'base64', null],
      description: 'base64: of the floats, little-endian. Default: float.',
    },
    dimensions: { type: ['integer', 'null'], minimum: 1, description: 'Only the number that the model has.' },
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
          index: { type: 'integer' },
          embedding: { anyOf: [{ type: 'array', items: { type: 'number' } }, { type: 'string' }] },
          opdbus: {
            type: 'object',
            properties: {
              source: { type: 'string', enum: ['memory', 'disk', 'shared', 'pattern', 'computed'] },
              device: { type: 'string' },
              tokens: { type: 'integer' },
              truncated: { type: 'boolean' },
            },
          },
        },
      },
    },
    model: { type: 'string', description: 'The model that serves.' },
    usage: {
      type: 'object',
      properties: { prompt_tokens: { type: 'integer' }, total_tokens: { type: 'integer' } },
    },
  },
} as const

export const openAiSchemas = {
  embeddings: { summary: 'Vectors of texts', tags: ['OpenAI'], body, response: { 200: answer } },
  models: {
    summary: 'Models that are served',
    tags: ['OpenAI'],
    response: {
      200: { type: 'object', properties: { object: { type: 'string' }, data: { type: 'array', items: model } } },
    },
  },
  model: { summary: 'One model', tags: ['OpenAI'], response: { 200: model } },
} as const
