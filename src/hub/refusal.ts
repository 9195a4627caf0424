// The one shape of what a hub did that no retry will mend. Runs in every runtime.

import { OpDbusError } from '../errors.js'

/** `details.why` of a DOWNLOAD error; `unreachable` covers what broke off, too. */
export type Why = 'offline' | 'unreachable' | 'refused' | 'integrity'

/** An error that no retry will mend. */
export function refusal(
  message: string,
  why: Why = 'refused',
  details: Readonly<Record<string, unknown>> = {},
  cause?: unknown,
): OpDbusError {
  return new OpDbusError('DOWNLOAD', message, { cause, details: { ...details, why } })
}
