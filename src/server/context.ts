// What routes are given: everything that one daemon has open. Types only.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Chain } from '../blockchain.js'
import type { Caches } from '../public.js'
import type { State } from '../state.js'
import type { SharedInfo } from './api.js'
import type { Log } from './log.js'
import type { Meters } from './meters.js'
import type { Models } from './models.js'

/** Whose business a route is. `open`: anybody's that may speak to us; `read` and `write`: by token. A route says it, or is refused at the start. */
export type Access = 'open' | 'read' | 'write'

/** Each route says `config: { access }`. */
declare module 'fastify' {
  interface FastifyContextConfig {
    readonly access?: Access
  }
}

export type App = FastifyInstance

export interface ServerContext {
  readonly version: string
  /** Unix ms. */
  readonly started: number
  readonly models: Models
  /** The four caches of the first model: queries, diffs and blocks are there. */
  readonly caches: Caches
  readonly state: State
  /** Undefined where there is no folder to keep one in. */
  readonly chain: Chain | undefined
  /** What shared tier there is, and whether it serves; absent or undefined: none. */
  readonly shared?: () => SharedInfo | undefined
  readonly meters: Meters
  readonly log: Log
  /** Fires when the caller has gone, when the time of this request is up, or when the daemon stops at once: hand it to every call that waits. */
  signalOf(request: FastifyRequest): AbortSignal
  /** Unix ms, and a monotonic clock in ms. */
  readonly clock: { now(): number; monotonic(): number }
}

/** A group of routes. */
export type Routes = (app: App, context: ServerContext) => void | Promise<void>
