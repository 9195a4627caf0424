// The way to one server: connects, and again after it was lost; leaves a server alone that does not answer; tells of both, once for each
// time. Knows no keys and no values.
import { messageOf, OpDbusError } from '../../errors.js'
import type { StoreStatus } from '../../ports.js'
import { type Client, type ClientOptions, newClient } from './client.js'
import { every, Late, later, within } from './deadline.js'

export interface NodeLinkOptions extends ClientOptions {
  /** What is done with a new connection before it serves. What it rejects with, the connection is given up for. */
  readonly prepare?: (client: Client) => Promise<void>
  /** Told whenever it serves, or does not any more. */
  readonly changed?: () => void
  readonly random: () => number
  /** A ping that takes longer does not show that a server that was left alone can be asked again, ms. */
  readonly promptMs: number
}

const PING_MS = 250
/** A connection on which a ping is not answered for so long is taken for dead, ms. */
const SILENCE_MS = 600
/** How long a new connection is waited for until it serves, ms. */
const READY_MS = 2000
/** Calls in a row that were not answered in time, after which the server is left alone. */
const LATE_IN_A_ROW = 3
/** For how long, ms: more each time that it was no better afterwards. */
const LEAST_PAUSE_MS = 500
const MOST_PAUSE_MS = 10_000
/** So many answers in time, and all is well again. */
const WELL_AGAIN = 20

export class NodeLink {
  readonly #options: NodeLinkOptions
  /** Resolves when it was reached, or was not, for the first time. */
  readonly opened: Promise<void>
  #client: Client | undefined
  #state: StoreStatus['state'] = 'connecting'
  #problem: string | undefined
  #attempts = 0
  #late = 0
  #inTime = 0
  #pauseMs = LEAST_PAUSE_MS
  #pausedUntil = 0
  #pingSent: number | undefined
  #closed = false
  #cancelRetry = () => {}
  readonly #stopPings: () => void

  constructor(options: NodeLinkOptions) {
    this.#options = options
    this.#stopPings = every(PING_MS, () => this.#ping())
    this.opened = this.#connect()
  }

  get at(): string {
    return placeName(this.#options)
  }

  isTo(host: string, port: number): boolean {
    return this.#options.host === host && this.#options.port === port
  }

  get state(): StoreStatus['state'] {
    return this.#state
  }

  get problem(): string | undefined {
    return this.#problem
  }

  /**
   * What `work` answers, which sends commands; waits for a first connection. Rejects after `ms`, and at once where the server is left
   * alone.
   */
  async call<T>(ms: number, work: (client: Client) => Promise<T>): Promise<T> {
    const until = performance.now() + ms
    if (this.#state === 'connecting') await within(ms, this.opened)
    const client = this.#client
    if (this.#state !== 'serving' || client === undefined) throw this.#unavailable()
    try {
      const answer = await within(Math.max(1, until - performance.now()), work(client))
      this.#answered()
      return answer
    } catch (error) {
      if (error instanceof Late) this.#wasLate(client, error)
      throw error
    }
  }

  /** What was answered belongs to another question: a command was lost on the way, and so is every answer from here on. */
  outOfStep(client: Client): void {
    this.#lost(client, new Error('it answered something else than it was asked'))
  }

  close(): void {
    this.#closed = true
    this.#cancelRetry()
    this.#stopPings()
    const client = this.#client
    this.#client = undefined
    this.#state = 'left-alone'
    this.#problem = 'closed'
    client?.destroy()
  }

  async #connect(): Promise<void> {
    let client: Client | undefined
    try {
      client = await newClient(this.#options)
      if (this.#closed) return
      const connecting = client
      this.#client = connecting
      connecting.on('error', error => this.#lost(connecting, error))
      connecting.unref()
      const ready = connecting.connect().then(() => this.#options.prepare?.(connecting))
      await within(READY_MS, ready, false)
      if (this.#client !== connecting) return
      this.#attempts = 0
      this.#late = 0
      this.#pingSent = undefined
      this.#set('serving')
    } catch (error) {
      // What keeps the package from loading is no reason to try again and again.
      if (client === undefined) this.#set('left-alone', messageOf(error))
      else this.#lost(client, error)
    }
  }

  #lost(client: Client, error: unknown): void {
    if (this.#client !== client) return
    this.#client = undefined
    client.destroy()
    const ms = Math.min(2000, 50 * 2 ** this.#attempts) + 100 * this.#options.random()
    this.#attempts = Math.min(10, this.#attempts + 1)
    this.#cancelRetry = later(ms, () => void this.#connect())
    this.#set('left-alone', inOneLine(error))
  }

  #answered(): void {
    this.#late = 0
    if (this.#inTime < WELL_AGAIN && ++this.#inTime === WELL_AGAIN) this.#pauseMs = LEAST_PAUSE_MS
  }

  #wasLate(client: Client, error: Late): void {
    this.#inTime = 0
    if (this.#client !== client || this.#state !== 'serving' || ++this.#late < LATE_IN_A_ROW) return
    this.#pausedUntil = performance.now() + this.#pauseMs
    this.#pauseMs = Math.min(MOST_PAUSE_MS, 2 * this.#pauseMs)
    this.#set('left-alone', error.message)
  }

  /** Finds out that a connection is dead, that answers are not those of their questions, and that a slow server is well again. */
  #ping(): void {
    const client = this.#client
    if (!client?.isReady) return
    const now = performance.now()
    if (this.#pingSent !== undefined) {
      const sent = this.#pingSent
      if (now - sent < SILENCE_MS) return
      // Where this thread was busy itself, the answer may wait to be read.
      setImmediate(() => {
        if (this.#pingSent === sent) this.#lost(client, new Error(`no answer for ${Math.round(now - sent)} ms`))
      }).unref()
      return
    }
    this.#pingSent = now
    client.sendCommand(['PING']).then(
      answer => {
        this.#pingSent = undefined
        if (String(answer) !== 'PONG') this.outOfStep(client)
        else this.#ponged(client, performance.now() - now)
      },
      () => {
        this.#pingSent = undefined
      },
    )
  }

  #ponged(client: Client, ms: number): void {
    const isBack = this.#client === client && this.#state === 'left-alone'
    if (!isBack || ms > this.#options.promptMs || performance.now() < this.#pausedUntil) return
    this.#late = 0
    this.#set('serving')
  }

  #set(state: StoreStatus['state'], problem?: string): void {
    this.#problem = problem
    this.#state = state
    if (!this.#closed) this.#options.changed?.()
  }

  #unavailable(): OpDbusError {
    return new OpDbusError('STORE', `${this.at} is left alone: ${this.#problem ?? 'it was lost just now'}`)
  }
}

/** What a server or the system said, fit for a message. */
export function inOneLine(error: unknown): string {
  const { errors, code } = error as { errors?: readonly unknown[]; code?: unknown }
  // Of several addresses none answered: Node puts that into an error without a message.
  const said = messageOf(error) || (Array.isArray(errors) && messageOf(errors[0])) || String(code ?? 'it failed')
  return said.replace(/[\s\p{C}]+/gu, ' ').slice(0, 200)
}

/** A host and a port as a URL has them. */
export function placeName({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
