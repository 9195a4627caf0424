// What the document says of the embedding endpoints. Their routes read requests by hand, in the words of the API that each speaks: this is
// for people and for generators of clients, and validates nothing.

const model = { type: 'string', description: 'A name of GET /v1/models; the first where it is absent.' } as const
const texts = {
  anyOf: [
    { type: 'string', minLength: 1 },
    { type: 'array', minItems: 1, maxItems: 2048, items: { type: 'string', minLength: 1 } },
  ],
} as const
const vectors = { type: 'array', items: { type: 'array', items: { type: 'number' } } } as const
const count = { type: 'integer', minimum: 0 } as const

function answered(description: string, schema: object, error: object) {
  return {
    200: { description, content: { 'application/json': { schema } } },
    '4xx': { description: 'What was wrong.', content: { 'application/json': { schema: error } } },
    '5xx': { description: 'What failed.', content: { 'application/json': { schema: error } } },
  }
}

const OPENAI_ERROR = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string' },
        type: { type: 'string' },
        param: { type: ['string', 'null'] },
        code: { type: ['string', 'null'] },
      },
    },
  },
} as const
const TEXT_ERROR = { type: 'object', required: ['error'], properties: { error: { type: 'string' } } } as const
const TEI_ERROR = {
  type: 'object',
  required: ['error', 'error_type'],
  properties: { error: { type: 'string' }, error_type: { type: 'string' } },
} as const

const MODEL = {
  type: 'object',
  required: ['id', 'object'],
  properties: { id: { type: 'string' }, object: { const: 'model' }, created: count, owned_by: { type: 'string' } },
} as const

export interface EndpointDoc {
  readonly tag: string
  readonly summary: string
  readonly body?: object
  readonly response?: object
}

/** By address. */
export const ENDPOINTS: Readonly<Record<string, EndpointDoc | undefined>> = {
  '/v1/embeddings': {
    tag: 'embeddings',
    summary: 'Embeddings, as the OpenAI API has them',
    body: {
      type: 'object',
      required: ['input'],
      properties: {
        input: texts,
        model,
        dimensions: { type: 'integer', minimum: 1, description: 'As long as the model’s vectors are.' },
        encoding_format: { enum: ['float', 'base64'], default: 'float' },
        user: { type: 'string', description: 'Ignored.' },
      },
    },
    response: answered(
      'The vectors, in the order of the texts',
      {
        type: 'object',
        required: ['object', 'data', 'model', 'usage'],
        properties: {
          object: { const: 'list' },
          data: {
            type: 'array',
            items: {
              type: 'object',
              required: ['object', 'index', 'embedding'],
              properties: {
                object: { const: 'embedding' },
                index: count,
                embedding: {
                  anyOf: [
                    { type: 'array', items: { type: 'number' } },
                    { type: 'string', description: 'base64' },
                  ],
                },
              },
            },
          },
          model: { type: 'string' },
          usage: {
            type: 'object',
            required: ['prompt_tokens', 'total_tokens'],
            properties: { prompt_tokens: count, total_tokens: count },
          },
        },
      },
      OPENAI_ERROR,
    ),
  },
  '/v1/models': {
    tag: 'embeddings',
    summary: 'The models that are served',
    response: answered(
      'Their names',
      {
        type: 'object',
        required: ['object', 'data'],
        properties: { object: { const: 'list' }, data: { type: 'array', items: MODEL } },
      },
      OPENAI_ERROR,
    ),
  },
  '/v1/models/:model': {
    tag: 'embeddings',
    summary: 'One model',
    response: answered('It is served', MODEL, OPENAI_ERROR),
  },
  '/embed': {
    tag: 'embeddings',
    summary: 'Embeddings, as Text Embeddings Inference has them',
    body: {
      type: 'object',
      required: ['inputs'],
      properties: {
        inputs: texts,
        truncate: { type: 'boolean' },
        normalize: { type: 'boolean' },
        prompt_name: { type: ['string', 'null'] },
      },
    },
    response: answered('A vector a text', vectors, TEI_ERROR),
  },
  '/api/embed': {
    tag: 'embeddings',
    summary: 'Embeddings, as Ollama has them',
    body: {
      type: 'object',
      required: ['input'],
      properties: { model, input: texts, truncate: { type: 'boolean' }, dimensions: { type: 'integer', minimum: 1 } },
    },
    response: answered(
      'A vector a text',
      { type: 'object', required: ['embeddings'], properties: { model: { type: 'string' }, embeddings: vectors } },
      TEXT_ERROR,
    ),
  },
}
