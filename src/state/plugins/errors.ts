// What plugins throw, each kind made in one way whichever plugin throws it. Knows no plugin.
import { OpDbusError } from '../../errors.js'

/** Facts for programs: which plugin, which program, which socket. */
type Details = Readonly<Record<string, unknown>>

/** Something that was asked failed, or answered what it should not. */
export function pluginFailed(message: string, details: Details, cause?: unknown): OpDbusError {
  return new OpDbusError('PLUGIN_FAILED', message, { cause, details })
}

/** What is to be asked is not on this machine, for the reason in one sentence. */
export function pluginUnavailable(plugin: string, reason: string): OpDbusError {
  return new OpDbusError('PLUGIN_UNAVAILABLE', reason, { details: { plugin, reason } })
}

/** The system is not what the diff saw: `what` says how (`br0 is gone`). Thrown before anything is changed. */
export function conflict(what: string, details: Details): OpDbusError {
  return new OpDbusError('CONFLICT', `${what}: nothing was changed; make a new plan`, { details })
}
