// What the document says of Ollama's API. `routes/ollama.ts` is what checks.
const tags = ['Ollama']
const model = {
  type: ['string', 'null'],
  description: 'Default: the first that the daemon serves. NAME:latest is NAME.',
} as const
const vector = { type: 'array', items: { type: 'number' } } as const
const anything = { type: 'object', additionalProperties: true } as const

export const ollamaSchemas = {
  embed: {
    summary: 'Vectors of texts',
    tags,
    body: {
      type: 'object',
      properties: {
        model,
        input: {
          anyOf: [{ type: 'string' }, { type: 'array', maxItems: 2048, items: { type: 'string', minLength: 1 } }],
        },
        truncate: {
          type: ['boolean', 'null'],
          description: 'false: a text that the model does not see whole is refused. Default: true.',
        },
        dimensions: { type: ['integer', 'null'], description: 'Only the number that the model has.' },
      },
    },
    response: {
      200: {
        type: 'object',
        properties: {
          model: { type: 'string' },
          embeddings: { type: 'array', items: vector },
          total_duration: { type: 'integer', description: 'Nanoseconds.' },
          load_duration: { type: 'integer' },
          prompt_eval_count: { type: 'integer', description: 'Tokens.' },
        },
      },
    },
  },
  embeddings: {
    summary: 'The vector of one text, as older clients ask for it',
    tags,
    body: { type: 'object', properties: { model, prompt: { type: 'string' } } },
    response: { 200: { type: 'object', properties: { embedding: vector } } },
  },
  tags: { summary: 'Models that are served', tags, response: { 200: anything } },
  show: { summary: 'One model', tags, body: { type: 'object', properties: { model } }, response: { 200: anything } },
  version: { summary: 'Version of the daemon', tags, response: { 200: anything } },
} as const
