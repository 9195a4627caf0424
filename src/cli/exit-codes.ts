// The one table of exit codes, and how an error becomes one.
import { type ErrorCode, isOpDbusError } from '../errors.js'

/** 0 done, 1 a fault of ours, 2 a wrong call; the rest say what stood in the way. Each command's help shows its own. */
export const EXIT_CODES: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'an error that nobody foresaw',
  2: 'wrong arguments or unusable input',
  3: 'no such model, a model that is not supported, or embedding switched off',
  4: 'no device can run the model',
  5: 'some or all texts could not be embedded',
  6: 'the cache or data folder, or the output, could not be read or written',
  7: 'damage was found, in a cache or in the blockchain',
  8: 'a model could not be downloaded',
  9: 'the state differs from what is desired',
  10: 'not done, or only in part: it failed, was refused, or things had changed',
  11: 'a plugin is not available here, or did not answer',
  12: 'no server answers here, or it is not ready',
  129: 'hung up (SIGHUP)',
  130: 'interrupted (SIGINT)',
  143: 'terminated (SIGTERM)',
}

const CODES: Readonly<Record<ErrorCode, number>> = {
  ABORTED: 130,
  CHAIN_DAMAGED: 7,
  CLOSED: 1,
  CONFLICT: 10,
  DEVICE_UNAVAILABLE: 4,
  DISABLED: 3,
  DOWNLOAD: 8,
  EMBEDDER_FAILED: 5,
  INVALID_INPUT: 2,
  MODEL_NOT_FOUND: 3,
  OVERLOADED: 5,
  PARTIAL_FAILURE: 5,
  PLUGIN_FAILED: 11,
  PLUGIN_UNAVAILABLE: 11,
  STORE: 6,
  UNCACHEABLE: 2,
  UNSUPPORTED_MODEL: 3,
  WORKER_LOST: 5,
}

/** Some or all texts. */
export const NOT_EMBEDDED = 5
/** Applied, and the chain could not be written. */
export const UNREMEMBERED = 6
export const DAMAGE_FOUND = 7
export const DIFFERS = 9
export const APPLY_FAILED = 10
/** Somebody who was asked said no. */
export const NOT_DONE = 10
export const NO_ANSWER = 11
export const NOT_READY = 12
/** The signals that end the work, and what a shell shows for each: 128 and its number. */
export const ENDED_BY = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const
export type EndingSignal = keyof typeof ENDED_BY

export function exitCodeOf(error: unknown): number {
  return isOpDbusError(error) ? (CODES[error.code] ?? 1) : 1
}
