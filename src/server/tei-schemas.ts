// What the document says of the API of text-embeddings-inference. `routes/tei.ts` is what checks.
import { answers, count, dimensions, textOrTexts, truncate, vectors } from './embedding-schemas.js'

const tags = ['text-embeddings-inference']

const error = {
  type: 'object',
  required: ['error', 'error_type'],
  properties: { error: { type: 'string' }, error_type: { type: 'string' } },
} as const

const info = {
  type: 'object',
  properties: {
    model_id: { type: 'string', description: 'The model that serves.' },
    model_type: { type: 'object', properties: { embedding: { type: 'object' } } },
    max_concurrent_requests: count,
    max_client_batch_size: count,
    auto_truncate: { type: 'boolean' },
    version: { type: 'string' },
  },
} as const

/** `most`: how many texts one request may have. */
export function teiSchemas(most: number) {
  return {
    embed: {
      summary: 'Vectors of texts, of the first model',
      tags,
      body: {
        type: 'object',
        required: ['inputs'],
        properties: {
          inputs: { anyOf: textOrTexts(most) },
          truncate,
          normalize: { enum: [true, null], description: 'Vectors have length 1.' },
          prompt_name: { type: 'null' },
          truncation_direction: { enum: ['right', 'Right', null] },
          dimensions,
          encoding_format: { enum: ['float', null] },
          options: { type: ['object', 'null'], description: 'Ignored.' },
        },
        additionalProperties: false,
      },
      response: answers('A vector a text', vectors, error),
    },
    info: { summary: 'What is served', tags, response: answers('Of the first model', info, error) },
    health: {
      summary: 'Whether the first model embeds',
      tags,
      response: answers('It does', { type: 'null' }, error),
    },
  } as const
}
