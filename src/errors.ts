// The one error of op-dbus, and the closed list of its codes. The CLI's exit codes are a table over this list.

export const ERROR_CODES = [
  'ABORTED', // the caller's own signal
  'CHAIN_DAMAGED', // a block is not what was written, or not where it belongs; details.block says which
  'CLOSED', // used after close()
  'CONFLICT', // the system's state is not what the diff or the plan saw; nothing was changed
  'DEVICE_UNAVAILABLE', // no device of those allowed could open the model; details.reasons says why, per device
  'DISABLED', // embedding is switched off (OP_DBUS_VECTOR_LEVEL=none)
  'DOWNLOAD', // a hub could not be reached, refused, or sent something else than it states; details.why says which
  'EMBEDDER_FAILED', // a model or the user's own embedder threw, or returned something that is not rows x dims numbers
  'INVALID_INPUT', // an argument that no retry will mend
  'MODEL_NOT_FOUND', // no such model here; details.known lists those that are
  'OVERLOADED', // the queue is full: slow down and try again
  'PARTIAL_FAILURE', // some of a batch failed; details.failed is [{ index, error }]; the rest is cached
  'PLUGIN_FAILED', // a plugin threw, hung, or answered what is no state; details.plugin says which
  'PLUGIN_UNAVAILABLE', // what a plugin asks is not on this machine; details.plugin and details.reason
  'STORE', // a disk or database said no; cause is what it said
  'UNCACHEABLE', // a value that cannot be cloned (a function, a socket)
  'UNSUPPORTED_MODEL', // a model folder that we would embed wrongly
  'WORKER_LOST', // the worker died with the call in hand; the next call starts a new one
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/** What any function of op-dbus throws or rejects with. What a caller's own query, diff or loader throws passes as it is. */
export class OpDbusError extends Error {
  override readonly name = 'OpDbusError'
  /** Facts for programs: which file, which devices, which rows. Always structured-cloneable. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.details = options.details ?? {}
  }
}

/** True for any OpDbusError, also one from another copy of this package; with `code`, only for that one. */
export function isOpDbusError(error: unknown, code?: ErrorCode): error is OpDbusError {
  return isError(error) && error.name === 'OpDbusError' && (code === undefined || (error as OpDbusError).code === code)
}

/** The message of whatever was thrown, which may be anything. Never throws. */
export function messageOf(error: unknown): string {
  try {
    return String(isError(error) ? error.message : error)
  } catch {
    return 'something that cannot be put into words was thrown'
  }
}

/** Whatever a model or an embedder threw, as the one error of this package. */
export function asFailure(cause: unknown): OpDbusError {
  if (cause instanceof OpDbusError) return cause
  return new OpDbusError('EMBEDDER_FAILED', messageOf(cause), { cause })
}

/** True for an Error of any realm: what a vm context or Jest throws is no instance of this one's. */
export function isError(error: unknown): error is Error {
  return error instanceof Error || Object.prototype.toString.call(error) === '[object Error]'
}

/** What is wrong with an argument, and what to do instead. */
export function invalid(message: string): OpDbusError {
  return new OpDbusError('INVALID_INPUT', message)
}

/** What a call rejects with when its own signal fired. */
export function abortError(signal: AbortSignal): OpDbusError {
  return new OpDbusError('ABORTED', 'the call was aborted', { cause: signal.reason })
}

/** @throws OpDbusError ABORTED once `signal` has fired */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal)
}

/** One item of a batch that failed, by its index in the batch. */
export interface FailedItem {
  readonly index: number
  readonly error: unknown
}

/** Some of a batch failed (code PARTIAL_FAILURE). What finished is cached: asking again costs only the rest. */
export class BatchError extends OpDbusError {
  constructor(
    readonly failed: readonly FailedItem[],
    total: number,
    details: Readonly<Record<string, unknown>> = {},
  ) {
    const first = failed[0]?.error
    super('PARTIAL_FAILURE', `${failed.length} of ${total} failed, the first with: ${messageOf(first)}`, {
      cause: first,
      details: { ...details, failed: failed.map(({ index, error }) => ({ index, message: messageOf(error) })) },
    })
  }
}
