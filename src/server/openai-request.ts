// The body of `POST /v1/embeddings`, checked by hand: what is not as OpenAI's API has it is refused, and nothing is coerced or passed
// over that could change a vector. Pure.
import { HttpProblem } from './http-errors.js'
import { misspelled } from './text-inputs.js'
import type { Encoding } from './vector-text.js'

/** Refused as OpenAI's API refuses: `param` is the field that is to blame, `code` one of its words. Never says what was sent. */
export function refused(message: string, param: string | undefined, code: string): HttpProblem {
  return new HttpProblem(400, code, message, param === undefined ? {} : { param })
}

export interface EmbeddingRequest {
  /** Texts, or the ids of OpenAI's tokenizer in place of each. */
  readonly input: { readonly texts: readonly string[] } | { readonly tokens: readonly (readonly number[])[] }
  readonly model: string | undefined
  readonly dimensions: number | undefined
  readonly encoding: Encoding
  /** Whether each row says where it came from. */
  readonly opdbus: boolean
}

/** `user` is for OpenAI's own books; `truncate_prompt_tokens` is vLLM's, `opdbus` ours. */
const FIELDS = ['input', 'model', 'encoding_format', 'dimensions', 'user', 'truncate_prompt_tokens', 'opdbus'] as const
type Field = (typeof FIELDS)[number]
const KNOWN: ReadonlySet<string> = new Set(FIELDS)

/** @throws HttpProblem 400; `mostTexts`: how many there may be */
export function embeddingRequest(body: unknown, mostTexts: number): EmbeddingRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw refused('The body must be a JSON object, with an `input`.', undefined, 'invalid_type')
  }
  for (const field of Object.keys(body)) if (!KNOWN.has(field)) throw unknownField(field)
  const fields = body as { readonly [F in Field]?: unknown }
  const encoding = optional(fields, 'encoding_format', isEncoding, "'float' or 'base64'") ?? 'float'
  const dimensions = optional(fields, 'dimensions', isCount, 'a whole number of at least 1')
  const model = optional(fields, 'model', isText, 'a string')
  optional(fields, 'user', isText, 'a string')
  optional(
    fields,
    'truncate_prompt_tokens',
    isUsualLimit,
    "-1: texts are cut at the model's own limit and at no other, and `x-opdbus-truncated` says how many were",
  )
  const opdbus = optional(fields, 'opdbus', isBoolean, 'true or false') ?? false
  return { input: inputOf(fields.input, mostTexts), model, dimensions, encoding, opdbus }
}

/** Null counts as absent: programs in several languages write so what they leave out. */
function optional<T>(
  fields: { readonly [F in Field]?: unknown },
  field: Field,
  is: (value: unknown) => value is T,
  expected: string,
): T | undefined {
  const value = fields[field]
  if (value === undefined || value === null) return undefined
  if (is(value)) return value
  throw refused(`Invalid value for '${field}': expected ${expected}.`, field, 'invalid_value')
}

const isText = (value: unknown) => typeof value === 'string'
const isBoolean = (value: unknown) => typeof value === 'boolean'
const isEncoding = (value: unknown): value is Encoding => value === 'float' || value === 'base64'
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0
const isUsualLimit = (value: unknown): value is -1 => value === -1

function inputOf(input: unknown, mostTexts: number): EmbeddingRequest['input'] {
  if (typeof input === 'string') {
    if (input === '') throw emptyText('input')
    return { texts: [input] }
  }
  if (input === undefined || input === null) {
    throw refused("Missing required parameter: 'input'.", 'input', 'missing_required_parameter')
  }
  if (!Array.isArray(input)) throw wrongInput()
  if (input.length === 0)
    throw refused("Invalid 'input': an empty array; there must be at least 1 text.", 'input', 'empty_array')
  if (typeof input[0] === 'number') return { tokens: [checkIds(input, 'input')] }
  if (input.length > mostTexts) {
    const message = `Invalid 'input': ${input.length} texts; at most ${mostTexts} in one request. Send them in several.`
    throw refused(message, 'input', 'array_above_max_length')
  }
  if (Array.isArray(input[0])) return { tokens: input.map((ids, index) => checkIds(ids, `input[${index}]`)) }
  for (let index = 0; index < input.length; index++) {
    if (typeof input[index] !== 'string') throw wrongInput(`input[${index}]`)
    if (input[index] === '') throw emptyText(`input[${index}]`)
  }
  return { texts: input }
}

function checkIds(ids: unknown, field: string): readonly number[] {
  if (!Array.isArray(ids)) throw wrongInput(field)
  if (ids.length === 0) throw refused(`Invalid '${field}': an empty token array.`, 'input', 'empty_array')
  if (!ids.every(id => Number.isSafeInteger(id) && id >= 0)) throw wrongInput(field)
  return ids
}

function wrongInput(field = 'input'): HttpProblem {
  return refused(
    `Invalid type for '${field}': the input is a string, an array of strings, or token arrays, and all of one kind.`,
    'input',
    'invalid_type',
  )
}

function emptyText(field: string): HttpProblem {
  return refused(`Invalid '${field}': a text must not be empty.`, 'input', 'empty_string')
}

function unknownField(field: string): HttpProblem {
  const { name, hint } = misspelled(field, FIELDS)
  const message = name === undefined ? 'Unknown parameter.' : `Unknown parameter: '${name}'${hint || '.'}`
  return refused(message, name, 'unknown_parameter')
}

/** In one request, as OpenAI has it. Of texts tokens are known when they are embedded: what was, is cached when the request is refused. */
export const MOST_TOKENS = 300_000

export function tooManyTokens(tokens: number): HttpProblem {
  const message = `Requested ${tokens} tokens, max ${MOST_TOKENS} tokens per request. Send fewer texts at once.`
  return refused(message, 'input', 'max_tokens_per_request')
}

/** What clients that send token arrays are told to do. */
export function tokenArraysRefused(): HttpProblem {
  return refused(
    'The input holds token ids, which are pieces of texts for a model of OpenAI and not for this one. Let the client send texts ' +
      '(LangChain in Python: OpenAIEmbeddings(..., check_embedding_ctx_length=False)), or start the daemon with ' +
      '--token-arrays cl100k_base, which turns them back into texts.',
    'input',
    'token_arrays_unsupported',
  )
}
