// The one table from error codes to HTTP, beside the exit codes of the command line. To be finished by its owner (http).
import { type ErrorCode, isOpDbusError, messageOf } from '../errors.js'

export interface HttpError {
  readonly status: number
  /** As in `ApiError`. */
  readonly code: string
  readonly message: string
  /** Seconds, where trying again is of use. */
  readonly retryAfter?: number
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

export function httpErrorOf(error: unknown): HttpError {
  if (!isOpDbusError(error)) return { status: 500, code: 'INTERNAL', message: messageOf(error) }
  const status = STATUS[error.code] ?? 500
  return {
    status,
    code: error.code,
    message: error.message,
    ...((status === 429 || status === 503) && { retryAfter: 1 }),
  }
}
