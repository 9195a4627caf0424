// What routes are given: everything that one daemon has open. Types only.
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Chain } from '../blockchain.js'
import type { Caches } from '../public.js'
import type { State } from '../state.js'
import type { ErrorForm } from './http-errors.js'
import type { Log } from './log.js'
import type { Meters } from './meters.js'
import type { Models } from './models.js'
import type { ServerSettings } from './options.js'

/** Whose business a route is. `open`: anybody's that may speak to us; `read` and `write`: by token. A route says it, or is refused at the start. */
export type Access = 'open' | 'read' | 'write'

/** What the sender of a request may do. */
export interface Permission {
  readonly read: boolean
  readonly write: boolean
}

/** Each route says `config: { access }`. */
declare module 'fastify' {
  interface FastifyContextConfig {
    readonly access?: Access
    /** The form of its errors. Default: by address (`/v1/*` openai, `/embed` tei, `/api/embed` ollama, the rest `ApiError`). */
    readonly errors?: ErrorForm
    /** Answers for as long as the caller listens: it has no time limit, is not counted as in hand, and `signalOf` fires when a stop begins. */
    readonly streams?: boolean
    /** Bytes of a body that it takes, where `--max-body` allows as many. Infinity: as many as that. Default: 1 MiB. */
    readonly bodyBytes?: number
    /** What it is counted, logged and documented as. Default: its pattern. */
    readonly counted?: string
  }
}

export type App = FastifyInstance

export interface ServerContext {
  readonly version: string
  /** Unix ms. */
  readonly started: number
  /** What was asked for, with defaults. */
  readonly settings: ServerSettings
  readonly models: Models
  /** The four caches of the first model: queries, diffs and blocks are there. */
  readonly caches: Caches
  readonly state: State
  /** Undefined where there is no folder to keep one in. */
  readonly chain: Chain | undefined
  readonly meters: Meters
  readonly log: Log
  /** Fires when the caller has gone, when the time of this request is up, or when the daemon stops at once: hand it to every call that waits. */
  signalOf(request: { readonly raw: IncomingMessage }): AbortSignal
  /**
   * The answer of this request is about to have so many bytes, some or all in memory until its caller has read them. Said before it is made.
   * @throws HttpProblem 429 where callers leave too much unread
   */
  answers(request: { readonly raw: IncomingMessage }, bytes: number): void
  /** From now on the request has no time limit: it has begun what must not stop half-way, and its caller is to hear how it ended. */
  carryThrough(request: { readonly raw: IncomingMessage }): void
  /** What the sender of this request may do, by the token that came with it. */
  permissionOf(request: FastifyRequest): Permission
  /** Whether reading, and changing, takes a token over TCP. */
  readonly tokens: Permission
  /** Fires when a stop begins: what is in hand is still answered. */
  readonly stopping: AbortSignal
  /** Unix ms, and a monotonic clock in ms. */
  readonly clock: { now(): number; monotonic(): number }
}

/** A group of routes. */
export type Routes = (app: App, context: ServerContext) => void | Promise<void>
