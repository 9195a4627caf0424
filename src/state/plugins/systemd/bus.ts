// What the plugin needs of a message bus: calls that always end, signals by match rule, and that a bus is lost, with the reason. Knows
// D-Bus, and
// nothing of systemd nor of the library below (wire.ts).
import { AbortListeners } from '../../../abort-listeners.js'
import { abortError, messageOf, OpDbusError, throwIfAborted } from '../../../errors.js'
import { pluginFailed, pluginUnavailable } from '../errors.js'
import type { Wire, WireMessage } from './wire.js'

/** One method call. `body` is as `signature` says; `reply` is the signature of what the answer must hold, and any other is an error. */
export interface BusCall {
  readonly destination: string
  readonly path: string
  readonly interface: string
  readonly member: string
  readonly signature?: string
  readonly body?: readonly unknown[]
  readonly reply: string
}

export interface BusSignal {
  readonly path: string
  readonly interface: string
  readonly member: string
  readonly body: readonly unknown[]
}

const BUS = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' }
const NO_AUTO_START = 2
const TYPE = { call: 1, answer: 2, error: 3, signal: 4 }

/** Who is called is not on the bus. Programs are not started for our sake ({@link NO_AUTO_START}). */
const NOBODY = new Set(['org.freedesktop.DBus.Error.ServiceUnknown', 'org.freedesktop.DBus.Error.NameHasNoOwner'])
const NOT_ALLOWED = new Set([
  'org.freedesktop.DBus.Error.AccessDenied',
  'org.freedesktop.DBus.Error.InteractiveAuthorizationRequired',
])
/** Nobody listens at that socket, or not to us. */
const NO_BUS = new Set(['ENOENT', 'ECONNREFUSED', 'EACCES', 'ENOTSOCK', 'ENOTDIR'])

interface Pending {
  readonly call: BusCall
  settle(error: OpDbusError | undefined, message?: WireMessage): void
}

/**
 * One connection. Calls are sent at once and in order, and many may be under way. A call whose signal fires closes the connection, and
 * so do
 * garbage and a daemon that goes: everything under way is rejected then, and every later call.
 */
export class Bus {
  readonly #address: string
  readonly #wire: Wire
  readonly #pending = new Map<number, Pending>()
  readonly #aborts = new AbortListeners()
  readonly #lost: ((why: string) => void)[] = []
  #signal: ((signal: BusSignal) => void) | undefined
  #serial = 0
  #closed: OpDbusError | undefined

  private constructor(address: string, openWire: typeof import('./wire.js').openWire, socket: string) {
    this.#address = address
    this.#wire = openWire(socket, {
      message: message => this.#take(message),
      closed: (why, code) => this.#end(this.#lostError(why, code)),
    })
    // The first message of every connection. What follows needs not wait for its answer.
    this.#send({ ...BUS, member: 'Hello', reply: 's' }, error => error && this.#end(error))
  }

  /** Opens nothing yet but a socket: what is wrong with it, the first call is told. */
  static async open(address: string, socket: string, signal: AbortSignal): Promise<Bus> {
    const { openWire } = await import('./wire.js')
    throwIfAborted(signal)
    return new Bus(address, openWire, socket)
  }

  get closed(): boolean {
    return this.#closed !== undefined
  }

  /** Nothing is under way. */
  get idle(): boolean {
    return this.#pending.size === 0
  }

  /**
   * The body of the answer.
   * @throws OpDbusError ABORTED when `signal` fires, PLUGIN_UNAVAILABLE where there is no such bus or nobody of that name on it,
   * PLUGIN_FAILED for all
   * else; `details.dbus` is the name of an error that was answered (`org.freedesktop.systemd1.NoSuchUnit`)
   */
  call(call: BusCall, signal: AbortSignal): Promise<readonly unknown[]> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(abortError(signal))
      const onAbort = () => {
        const error = abortError(signal)
        reject(error)
        this.#end(this.#failure(`${call.member} was given up before it was answered`))
      }
      const settled = this.#aborts.add(signal, onAbort)
      this.#send(call, (error, message) => {
        settled()
        if (error !== undefined) reject(error)
        else resolve(message?.body ?? [])
      })
    })
  }

  /**
   * From when it resolves, `listener` is told what matches one of `rules`, and other signals that the daemon sends us, in place of who
   * listened before.
   */
  async listen(rules: readonly string[], listener: (signal: BusSignal) => void, signal: AbortSignal): Promise<void> {
    this.#signal = listener
    const add = (rule: string) => ({ ...BUS, member: 'AddMatch', signature: 's', body: [rule], reply: '' })
    await Promise.all(rules.map(rule => this.call(add(rule), signal)))
  }

  /** Called once when the connection is lost; a listener added later is called at once. {@link close} calls none. */
  onLost(listener: (why: string) => void): void {
    if (this.#closed === undefined) this.#lost.push(listener)
    else listener(this.#closed.message)
  }

  /** As if the daemon had gone, for the reason `what`. */
  fail(what: string): void {
    this.#end(this.#failure(what))
  }

  close(): void {
    this.#lost.length = 0
    this.#end(this.#failure('it was closed here'))
  }

  #send(call: BusCall, done: Pending['settle']): void {
    if (this.#closed !== undefined) {
      done(this.#closed)
      return
    }
    this.#serial = this.#serial >= 0xffffffff ? 1 : this.#serial + 1
    const serial = this.#serial
    const settle: Pending['settle'] = (error, message) => {
      this.#pending.delete(serial)
      // An open connection keeps no process alive, an answer that somebody waits for does.
      if (this.idle) this.#wire.hold(false)
      done(error, message)
    }
    this.#pending.set(serial, { call, settle })
    this.#wire.hold(true)
    const { reply: _, ...message } = call
    try {
      this.#wire.send({ ...message, type: TYPE.call, flags: NO_AUTO_START, serial })
    } catch (cause) {
      settle(this.#failure(`${call.member} cannot be asked: ${messageOf(cause)}`, {}, cause))
    }
  }

  #take(message: WireMessage): void {
    if (message.type === TYPE.signal) {
      const { path = '', interface: from = '', member = '', body = [] } = message
      this.#signal?.({ path, interface: from, member, body })
      return
    }
    const pending = this.#pending.get(message.replySerial ?? 0)
    if (pending === undefined) return
    const { member, reply } = pending.call
    const signature = message.signature ?? ''
    if (message.type === TYPE.error) pending.settle(this.#answeredError(pending.call, message))
    else if (signature === reply) pending.settle(undefined, message)
    else pending.settle(this.#failure(`${member} was answered with "${signature}", and "${reply}" was expected`))
  }

  #end(error: OpDbusError): void {
    if (this.#closed !== undefined) return
    this.#closed = error
    this.#wire.close()
    for (const { settle } of [...this.#pending.values()]) settle(error)
    for (const listener of this.#lost.splice(0)) listener(error.message)
  }

  #answeredError(call: BusCall, { errorName = '', body = [] }: WireMessage): OpDbusError {
    const said = typeof body[0] === 'string' && body[0] !== '' ? body[0] : errorName
    if (NOBODY.has(errorName)) return this.#unavailable(`${call.destination} is not on the bus ${this.#address}`)
    const next = NOT_ALLOWED.has(errorName) ? ' Do it as root, or ask the bus of this user (systemdBus "user").' : ''
    return this.#failure(said + next, { dbus: errorName })
  }

  #lostError(why: string, code: string | undefined): OpDbusError {
    if (code !== undefined && NO_BUS.has(code)) return this.#unavailable(`no bus answers at ${this.#address}: ${why}`)
    return this.#failure(`the connection is lost: ${why}`)
  }

  #unavailable(reason: string): OpDbusError {
    return pluginUnavailable('systemd', reason)
  }

  #failure(what: string, details: Readonly<Record<string, unknown>> = {}, cause?: unknown): OpDbusError {
    const text = details.dbus === undefined ? `the bus ${this.#address}: ${what}` : what
    return pluginFailed(text, { plugin: 'systemd', ...details }, cause)
  }
}

/** Whether `error` is the answer of that name to a call. */
export function isAnswered(error: unknown, dbusName: string): boolean {
  return error instanceof OpDbusError && error.details.dbus === dbusName
}
