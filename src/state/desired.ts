// Desired states: what a file or a program says should be, checked before anything else happens. Asks no system.
import type { JsonObject } from './json.js'
import type { StatePlugin } from './plugin.js'
import type { Desired } from './reports.js'

/**
 * The desired state in the text of a file; `file` names it in messages.
 * @throws OpDbusError INVALID_INPUT, a line `file:line:column path: message` for each problem
 */
export function readDesired(_text: string | Uint8Array, _file: string, _plugins: readonly StatePlugin[]): Desired {
  throw new Error('being written')
}

/**
 * The desired state in an object of the file's shape. A `Desired` that was checked for these plugins passes as it is.
 * @throws OpDbusError INVALID_INPUT, a line `path: message` for each problem
 */
export function checkDesired(_value: unknown, _plugins: readonly StatePlugin[]): Desired {
  throw new Error('being written')
}

/** `desired` in the shape of a file, which {@link checkDesired} takes: for what comes out of a plan's file. */
export function desiredFile(_desired: Desired): JsonObject {
  throw new Error('being written')
}
