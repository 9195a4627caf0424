// Composition root of the daemon, on Node (`op-dbus/server`): serves caches, state and chain over HTTP. Handles no signal and ends no process:
// that is for the program that calls it.

import type { Daemon } from './server/daemon.js'
import type { ServeOptions } from './server/options.js'
import { ROUTES } from './server/routes.js'
import { start } from './server/start.js'

export { ERROR_CODES, type ErrorCode, isOpDbusError, OpDbusError } from './errors.js'
export type * from './server/api.js'
export type { Daemon } from './server/daemon.js'
export type { LogLevel } from './server/log.js'
export type { ServeLimits, ServeOptions, ServerOptions } from './server/options.js'

/**
 * Starts a daemon on this machine: by default on `http://127.0.0.1:8787`, and on a unix socket beside the cache. It answers when this resolves.
 * No model is loaded before somebody needs one. Close it when done: it keeps the process alive.
 * @throws OpDbusError INVALID_INPUT for an option that is not what its type says, a port that is taken, a token file that others may read, and
 * a host that others reach without a token; CONFLICT where another daemon has the unix socket; STORE
 */
export async function serve(options: ServeOptions = {}): Promise<Daemon> {
  const { context: _, ...daemon } = await start(options, ROUTES)
  return daemon
}
