// The one table from error codes to HTTP, beside the exit codes of the command line, and the forms in which the APIs tell errors. Passes on no
// message that may hold what somebody sent.
import { type ErrorCode, isOpDbusError, type OpDbusError } from '../errors.js'
import { PATTERNS_IN_WORDS } from './schemas/parts.js'

export interface HttpError {
  readonly status: number
  /** As in `ApiError`; or, of a route that speaks OpenAI's API, one of its words, in small letters. */
  readonly code: string
  readonly message: string
  /** Seconds, where trying again is of use. */
  readonly retryAfter?: number
  /** The field of the body that it is about. */
  readonly param?: string
  readonly details?: Readonly<Record<string, unknown>>
  /** What `message` leaves out, for the log: it names files of this machine. */
  readonly withheld?: string
}

/** The API whose form an error has. */
export type ErrorForm = 'api' | 'openai' | 'tei' | 'ollama'

/** Refused by the daemon itself, before any cache was asked. */
export class HttpProblem extends Error implements HttpError {
  override readonly name = 'HttpProblem'
  readonly retryAfter?: number
  readonly param?: string
  readonly details?: Readonly<Record<string, unknown>>
  /** Headers that go with it. */
  readonly headers: Readonly<Record<string, string>>

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    { headers = {}, ...rest }: Partial<Pick<HttpProblem, 'retryAfter' | 'param' | 'details' | 'headers'>> = {},
  ) {
    super(message)
    this.headers = headers
    Object.assign(this, rest)
  }
}

const STATUS: Readonly<Record<ErrorCode, number>> = {
  ABORTED: 499,
  CHAIN_DAMAGED: 500,
  CLOSED: 503,
  CONFLICT: 409,
  DEVICE_UNAVAILABLE: 503,
  DISABLED: 503,
  DOWNLOAD: 503,
  EMBEDDER_FAILED: 500,
  INVALID_INPUT: 400,
  MODEL_NOT_FOUND: 404,
  OVERLOADED: 429,
  PARTIAL_FAILURE: 500,
  PLUGIN_FAILED: 502,
  PLUGIN_UNAVAILABLE: 404,
  STORE: 503,
  UNCACHEABLE: 400,
  UNSUPPORTED_MODEL: 503,
  WORKER_LOST: 503,
}

/** Codes whose message is what somebody else's code said, perhaps of a batch that several callers share: it may hold their texts. */
const UNTOLD: Partial<Readonly<Record<ErrorCode, string>>> = {
  EMBEDDER_FAILED:
    'the embedder failed on this batch; other batches are served: try again, and see the log of the server',
  PARTIAL_FAILURE:
    'some of the texts could not be embedded; what was is cached: try again, and see the log of the server',
  WORKER_LOST: 'the worker that computes ended with this call in hand: try again, which starts a new one',
}

/** Codes whose message may say where something lies on this machine, which is nobody's business who asks from elsewhere. */
const NAMES_FILES: ReadonlySet<ErrorCode> = new Set([
  'CHAIN_DAMAGED',
  'DEVICE_UNAVAILABLE',
  'DOWNLOAD',
  'MODEL_NOT_FOUND',
  'STORE',
  'UNSUPPORTED_MODEL',
])
/** The beginning of an absolute path, and not of what stands after the host in an address. */
const PATH = /(?<![\w/:.])(?:~?\/|[A-Za-z]:[\\/]|\\\\)(?=\S)/

/** What Fastify refuses by itself. Its own words may quote what came. */
const REFUSED: Readonly<Record<string, readonly [status: number, code: string, message: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'TOO_LARGE', 'the body is larger than this server takes: send it in parts'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'INVALID_INPUT', 'the body is empty: send JSON'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'INVALID_INPUT', 'the body is not as long as its Content-Length says'],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'INVALID_INPUT', 'the body is not valid JSON'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'INVALID_INPUT', 'the body must be application/json'],
  FST_ERR_BAD_URL: [400, 'INVALID_INPUT', 'the address is not a valid URL'],
}

/** `tellsFiles`: the caller may know where things lie on this machine. */
export function httpErrorOf(error: unknown, tellsFiles: boolean): HttpError {
  if (error instanceof HttpProblem) return error
  if (isOpDbusError(error)) return ofOpDbus(error, tellsFiles)
  const { code, statusCode, validation, validationContext } = (error ?? {}) as {
    code?: unknown
    statusCode?: unknown
    validation?: readonly Fault[]
    validationContext?: unknown
  }
  if (Array.isArray(validation)) return ofValidation(validation, validationContext)
  const refused = typeof code === 'string' && Object.hasOwn(REFUSED, code) ? REFUSED[code] : undefined
  if (refused) return { status: refused[0], code: refused[1], message: refused[2] }
  // secure-json-parse and Node's own parser: 400, with a piece of the body in the message.
  if (error instanceof SyntaxError || (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)) {
    const status = typeof statusCode === 'number' ? statusCode : 400
    return { status, code: 'INVALID_INPUT', message: 'the request is not one that this server takes' }
  }
  return { status: 500, code: 'INTERNAL', message: 'this should not happen: see the log of the server, and report it' }
}

function ofOpDbus({ code, message, details }: OpDbusError, tellsFiles: boolean): HttpError {
  const status = STATUS[code] ?? 500
  const { param } = details
  const told = UNTOLD[code] ?? (tellsFiles || !NAMES_FILES.has(code) ? message : withoutFiles(message, details))
  return {
    status,
    code,
    message: cut(told),
    ...(told !== message && UNTOLD[code] === undefined && { withheld: message }),
    ...((status === 429 || status === 503) && { retryAfter: 1 }),
    ...(typeof param === 'string' && { param }),
    ...(code === 'MODEL_NOT_FOUND' && 'known' in details && { details: { known: details.known } }),
    // Where the caller's own file is wrong: what the message says, in parts.
    ...(code === 'INVALID_INPUT' &&
      'problems' in details && {
        details: { problems: details.problems, total: (details as { total?: unknown }).total },
      }),
  }
}

/** The most of a message that is passed on, in UTF-16 units: some name what came. */
const MOST_MESSAGE = 4000

function cut(message: string): string {
  return message.length <= MOST_MESSAGE ? message : `${message.slice(0, MOST_MESSAGE)}…`
}

interface Fault {
  readonly instancePath?: string
  readonly message?: string
  readonly params?: Readonly<Record<string, unknown>>
}

/** Of the parts of a request that have no fields of their own. */
const PARTS: Readonly<Record<string, string>> = { querystring: 'the query', params: 'the address', headers: 'a header' }

/** `message` for who may not know where things lie on this machine: those that are known are left out, and where others are named all is. */
export function withoutFiles(message: string, { dir, file }: Readonly<Record<string, unknown>> = {}): string {
  const named = [dir, file].filter(path => typeof path === 'string' && path !== '') as string[]
  const told = named.reduce((text, path) => text.replaceAll(path, 'its place'), message)
  return PATH.test(told) ? 'something that this server keeps could not be used: its log says what' : told
}

/** What a schema says: where, and what was expected there. Never what was there. */
function ofValidation([fault = {}]: readonly Fault[], part: unknown): HttpError {
  // Names of the body's own fields are in the path; the schemas have none that callers choose.
  const path = (fault.instancePath ?? '').split('/').slice(1)
  const at = path.length > 0 ? path.join('.') : (PARTS[String(part)] ?? 'the body')
  return {
    status: 400,
    code: 'INVALID_INPUT',
    message: `${at.slice(0, 80)}: ${expectedBy(fault)}`,
    ...(path[0] && { param: path[0].slice(0, 80) }),
  }
}

function expectedBy({ message = 'is not what is expected', params = {} }: Fault): string {
  const { pattern, allowedValues, additionalProperty } = params
  if (typeof pattern === 'string' && Object.hasOwn(PATTERNS_IN_WORDS, pattern)) return PATTERNS_IN_WORDS[pattern]!
  if (Array.isArray(allowedValues)) return `${message}: ${allowedValues.join(', ')}`
  // Only what looks like a name: anything else may be what was to be sent as a value.
  const named = typeof additionalProperty === 'string' && /^[A-Za-z_][\w-]{0,31}$/.test(additionalProperty)
  return named ? `has no member ${additionalProperty}` : message
}

/** The form of errors at an address that no route has. */
export function formOf(url: string): ErrorForm {
  if (/^\/v1(\/|\?|$)/.test(url)) return 'openai'
  if (/^\/embed(\?|$)/.test(url)) return 'tei'
  return /^\/api\/embed(dings)?(\?|$)/.test(url) ? 'ollama' : 'api'
}

/** The body that tells `error` as that API's clients expect it. */
export function errorBody(form: ErrorForm, error: HttpError): object {
  const { status, code, message, param, details } = error
  if (form === 'ollama') return { error: message }
  if (form === 'tei')
    return {
      error: message,
      error_type: TEI_TYPES[code === 'EMPTY' ? code : status] ?? (status < 500 ? 'Validation' : 'Backend'),
    }
  if (form === 'openai') {
    const [type, own] = OPENAI_TYPES[status] ?? [status < 500 ? 'invalid_request_error' : 'server_error', null]
    return {
      error: { message, type, param: param ?? null, code: OPENAI_CODES[code] ?? (/^[a-z]/.test(code) ? code : own) },
    }
  }
  return { error: { code, message, ...(details && { details }) } }
}

/** error_type of text-embeddings-inference, by status; nothing to embed has a word of its own. */
const TEI_TYPES: Readonly<Record<number | 'EMPTY', string>> = {
  EMPTY: 'Empty',
  401: 'Unauthorized',
  429: 'Overloaded',
  503: 'Unhealthy',
}

/** Our codes that API has a word for. Codes in small letters are its own words. */
const OPENAI_CODES: Readonly<Record<string, string>> = { MODEL_NOT_FOUND: 'model_not_found' }

/** type and code of OpenAI's API, by status. */
const OPENAI_TYPES: Readonly<Record<number, readonly [type: string, code: string | null]>> = {
  401: ['invalid_request_error', 'invalid_api_key'],
  403: ['invalid_request_error', 'forbidden'],
  404: ['invalid_request_error', 'unknown_url'],
  413: ['invalid_request_error', 'request_too_large'],
  429: ['rate_limit_error', 'rate_limit_exceeded'],
  503: ['server_error', 'service_unavailable'],
  504: ['server_error', 'timeout'],
}
