// What the document says of Ollama's API. `routes/ollama.ts` is what checks.
import { answers, count, dimensions, textOrTexts, truncate, vector, vectors } from './embedding-schemas.js'

const tags = ['Ollama']
const model = {
  type: ['string', 'null'],
  description: 'Default: the first that the daemon serves. NAME:latest is NAME.',
} as const
const nanoseconds = { ...count, description: 'Nanoseconds.' } as const
const options = {
  type: ['object', 'null'],
  description: 'A text of more tokens than num_ctx is refused. All else is for other models than these, and ignored.',
} as const
const keep_alive = { description: 'Ignored.' } as const
const anything = { type: 'object', additionalProperties: true } as const
const error = { type: 'object', required: ['error'], properties: { error: { type: 'string' } } } as const

/** `most`: how many texts one request may have. */
export function ollamaSchemas(most: number) {
  return {
    embed: {
      summary: 'Vectors of texts',
      tags,
      body: {
        type: 'object',
        properties: {
          model,
          input: { anyOf: textOrTexts(most), description: 'Nothing, an empty text or an empty array has no vectors.' },
          truncate,
          dimensions: { ...dimensions, minimum: 0, description: `${dimensions.description} 0 leaves it out.` },
          options,
          keep_alive,
        },
        additionalProperties: false,
      },
      response: answers(
        'A vector a text',
        {
          type: 'object',
          required: ['model', 'embeddings'],
          properties: {
            model: { type: 'string', description: 'The model that serves.' },
            embeddings: vectors,
            total_duration: nanoseconds,
            load_duration: nanoseconds,
            prompt_eval_count: { ...count, description: 'Tokens.' },
          },
        },
        error,
      ),
    },
    embeddings: {
      summary: 'The vector of one text, as older clients ask for it',
      tags,
      body: {
        type: 'object',
        properties: { model, prompt: { type: ['string', 'null'] }, options, keep_alive },
        additionalProperties: false,
      },
      response: answers('Its vector', { type: 'object', properties: { embedding: vector } }, error),
    },
    tags: { summary: 'Models that are served', tags, response: answers('Each name', anything, error) },
    show: {
      summary: 'One model',
      tags,
      body: { type: 'object', properties: { model } },
      response: answers('What is known of it', anything, error),
    },
    version: { summary: 'Version of the daemon', tags, response: answers('Its version', anything, error) },
  } as const
}
