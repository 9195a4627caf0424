// A client of one OVSDB server over its unix socket (RFC 7047, JSON-RPC 1.0): calls, their replies and their deadlines, and the
// connection, which is made at the first call and again after a loss. Knows no table.
import { connect, type Socket } from 'node:net'
import { abortError, OpDbusError } from '../../../errors.js'
import type { JsonValue } from '../../../json/json.js'
import { isObject } from '../../../json/plain.js'
import { pluginFailed } from '../errors.js'
import { MessageFramer } from './framing.js'
import { isRow, type Row } from './rows.js'
import { identityOf } from './socket-file.js'

const MAX_MESSAGE_BYTES = 64 << 20
/** A connection that nobody used for so long is closed: the next call makes another in less than a millisecond. */
const IDLE_MS = 60_000

export interface ClientEvents {
  /** A message that answers no call: `update3`, `update2`, `update`. */
  onNotification?(method: string): void
  /** The connection is gone, and with it whatever was being monitored. Not after `close`. */
  onLost?(why: string): void
}

/** One operation of a transact, as RFC 7047 5.2 has it. */
export type OvsdbOperation = { readonly op: string } & { readonly [member: string]: unknown }

export interface TransactReply {
  /** What each operation answered. */
  readonly results: readonly Record<string, JsonValue>[]
  /** Why nothing of it happened; `operation` is the index of the culprit, or the number of operations where it was found at the end. */
  readonly failure?: { readonly operation: number; readonly error: string; readonly details: string }
}

interface Pending {
  readonly resolve: (result: JsonValue) => void
  readonly reject: (error: OpDbusError) => void
  readonly release: () => void
}

/** Keeps the process alive while a call waits, and not otherwise. */
export class OvsdbClient {
  #socket: Socket | undefined
  /** Of the file that it was connected through. */
  #identity: string | undefined
  #nextId = 1
  #closed = false
  #idle: NodeJS.Timeout | undefined
  readonly #pending = new Map<number, Pending>()
  readonly #closedOnUs = new WeakSet<OpDbusError>()

  constructor(
    readonly path: string,
    readonly events: ClientEvents = {},
    readonly idleMs = IDLE_MS,
  ) {}

  /**
   * The `result` of one call.
   * @throws OpDbusError PLUGIN_FAILED: no connection, one that broke, an answer that is none, an `error` in it; ABORTED by `signal`
   */
  call(method: string, params: readonly unknown[], signal: AbortSignal): Promise<JsonValue> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new OpDbusError('CLOSED', 'the plugin net is closed'))
      if (signal.aborted) return reject(endedBy(signal))
      const id = this.#nextId++
      const onAbort = () => {
        this.#pending.get(id)?.release()
        reject(endedBy(signal))
        // A server that kept silent may be silent for ever: the next call gets a connection of its own.
        if (this.#pending.size === 0) this.#drop()
      }
      signal.addEventListener('abort', onAbort, { once: true })
      const release = () => {
        signal.removeEventListener('abort', onAbort)
        this.#pending.delete(id)
        if (this.#pending.size === 0) this.#rest()
      }
      const socket = this.#connected()
      this.#pending.set(id, { resolve, reject, release })
      socket.ref()
      clearTimeout(this.#idle)
      socket.write(JSON.stringify({ method, params, id }))
    })
  }

  /** Several operations that happen together or not at all. Errors of operations come back in the reply, not as exceptions. */
  async transact(operations: readonly OvsdbOperation[], signal: AbortSignal): Promise<TransactReply> {
    const answer = await this.call('transact', ['Open_vSwitch', ...operations], signal)
    // The whole call may be refused by one error object (unknown database, for one).
    const results = Array.isArray(answer) ? answer : [answer]
    const operation = results.findIndex(result => isObject(result) && typeof result.error === 'string')
    if (operation >= 0) {
      const { error, details } = results[operation] as Record<string, JsonValue>
      return { results: [], failure: { operation, error: String(error), details: String(details ?? '') } }
    }
    if (!Array.isArray(answer) || results.length !== operations.length || !results.every(isObject)) {
      throw this.#failure('answered a transact with something else than a result for each operation')
    }
    return { results: results as Record<string, JsonValue>[] }
  }

  /**
   * The rows that each of some selects finds; a failure is an exception. Where the connection was one of before, which the server had
   * closed meanwhile (it was started anew), it is asked once more over a new one.
   */
  async read(operations: readonly OvsdbOperation[], signal: AbortSignal): Promise<readonly (readonly Row[])[]> {
    const reused = this.#socket !== undefined
    const { results, failure } = await this.transact(operations, signal).catch(error => {
      if (!reused || !this.#closedOnUs.has(error)) throw error
      return this.transact(operations, signal)
    })
    if (failure) throw this.#failure(`refused to be read: ${failure.error} ${failure.details}`.trim())
    return results.map(({ rows }) => {
      if (!Array.isArray(rows) || !rows.every(isRow))
        throw this.#failure('answered a select with something else than rows')
      return rows
    })
  }

  close(): void {
    this.#closed = true
    this.#drop()
    this.#rejectAll(new OpDbusError('CLOSED', 'the plugin net was closed'))
  }

  #connected(): Socket {
    const identity = identityOf(this.path)
    if (this.#socket && identity !== this.#identity) this.#lose(this.#socket, 'was started anew, or another one was')
    if (this.#socket) return this.#socket
    const socket = connect(this.path)
    this.#identity = identity
    const framer = new MessageFramer(MAX_MESSAGE_BYTES)
    this.#socket = socket
    let connected = false
    socket.on('connect', () => {
      connected = true
    })
    socket.on('data', chunk => {
      if (this.#socket !== socket) return
      try {
        for (const message of framer.push(chunk)) this.#receive(socket, message)
      } catch (error) {
        this.#lose(socket, (error as Error).message, error)
      }
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#lose(socket, connected ? `broke off the connection: ${error.message}` : reasonOf(error), error, connected)
    })
    socket.on('close', () => {
      const half = framer.partial ? ' in the middle of a message' : ''
      this.#lose(socket, `closed the connection${half}`, undefined, !framer.partial)
    })
    return socket
  }

  #receive(socket: Socket, message: JsonValue): void {
    if (!isObject(message)) throw new Error('it sent a message that is no object')
    const { id, method, result, error } = message
    if (typeof method === 'string') {
      if (method === 'echo') socket.write(JSON.stringify({ id, result: message.params ?? [], error: null }))
      else if (method === 'monitor_canceled') throw new Error('it cancelled the monitor')
      else this.events.onNotification?.(method)
      return
    }
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 1 || id >= this.#nextId || result === undefined) {
      if (error !== null && error !== undefined) throw new Error(`it refused what it was sent: ${textOf(error)}`)
      throw new Error('it answered a call that was not made')
    }
    const pending = this.#pending.get(id)
    // Nobody waits for it any more.
    if (!pending) return
    pending.release()
    if (error === null || error === undefined) pending.resolve(result as JsonValue)
    else pending.reject(this.#failure(`refused: ${textOf(error)}`, error))
  }

  #rest(): void {
    this.#socket?.unref()
    clearTimeout(this.#idle)
    // A monitor is a use as well, though nobody calls: closed here, it would be silent, and nobody told.
    if (this.events.onLost) return
    this.#idle = setTimeout(() => this.#pending.size === 0 && this.#drop(), this.idleMs)
    this.#idle.unref()
  }

  /** Ends the connection; whoever comes next makes another. */
  #drop(): void {
    clearTimeout(this.#idle)
    const socket = this.#socket
    this.#socket = undefined
    socket?.destroy()
  }

  /** `closed`: the server let go of it, and said nothing wrong before. */
  #lose(socket: Socket, why: string, cause?: unknown, closed = false): void {
    if (this.#socket !== socket) return
    this.#drop()
    const error = this.#failure(why, cause)
    if (closed) this.#closedOnUs.add(error)
    this.#rejectAll(error)
    this.events.onLost?.(error.message)
  }

  #rejectAll(error: OpDbusError): void {
    for (const { reject, release } of [...this.#pending.values()]) {
      release()
      reject(error)
    }
  }

  #failure(why: string, cause?: unknown): OpDbusError {
    const sentence = why.startsWith('it ') ? why.slice(3) : why
    const message = `the database of Open vSwitch (unix:${this.path}) ${sentence}`
    return pluginFailed(message, { plugin: 'net', socket: this.path }, cause)
  }
}

/** Whether a call was refused since the server does not know its method: an older server. */
export function isUnknownMethod(error: unknown): boolean {
  return error instanceof OpDbusError && textOf(error.cause).includes('unknown method')
}

/** Whether what was called may have been done all the same: it could be sent, and no answer says that it was refused. */
export function mayHaveHappened(error: unknown): boolean {
  const cause = error instanceof OpDbusError ? error.cause : undefined
  // An answer is no exception.
  const answered = cause !== undefined && !(cause instanceof Error)
  return !answered && (cause as NodeJS.ErrnoException | undefined)?.syscall !== 'connect'
}

function endedBy(signal: AbortSignal): OpDbusError {
  return signal.reason instanceof OpDbusError ? signal.reason : abortError(signal)
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'cannot be reached: there is no such socket'
  if (error.code === 'ECONNREFUSED') return 'cannot be reached: nobody listens there (ovsdb-server has ended)'
  if (error.code === 'EACCES') return 'cannot be reached: only root or its group may'
  return `cannot be reached: ${error.message}`
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
