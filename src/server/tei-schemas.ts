// What the document says of the API of text-embeddings-inference. `routes/tei.ts` is what checks.
const texts = {
  anyOf: [
    { type: 'string', minLength: 1 },
    { type: 'array', minItems: 1, items: { type: 'string', minLength: 1 } },
  ],
} as const

export const teiSchemas = {
  embed: {
    summary: 'Vectors of texts, of the first model',
    tags: ['text-embeddings-inference'],
    body: {
      type: 'object',
      required: ['inputs'],
      properties: {
        inputs: texts,
        truncate: {
          type: ['boolean', 'null'],
          description: 'false: a text that the model does not see whole is refused. Default: true.',
        },
        normalize: { enum: [true, null], description: 'Vectors have length 1.' },
        prompt_name: { type: 'null' },
        truncation_direction: { enum: ['right', 'Right', null] },
        dimensions: { type: ['integer', 'null'], description: 'Only the number that the model has.' },
      },
    },
    response: { 200: { type: 'array', items: { type: 'array', items: { type: 'number' } } } },
  },
  info: {
    summary: 'What is served',
    tags: ['text-embeddings-inference'],
    response: { 200: { type: 'object', additionalProperties: true } },
  },
  health: {
    summary: 'Whether the first model embeds',
    tags: ['text-embeddings-inference'],
    response: { 200: { type: 'null' } },
  },
} as const
