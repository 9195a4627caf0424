// One connection to a D-Bus daemon, as messages: the adapter over dbus-native, and the one file that knows it. Built into a file of its own
// (dist/dbus.js), so it imports nothing else of ours; what calls, deadlines and errors are is said in bus.ts.
import { connect } from 'node:net'
import { createConnection } from 'dbus-native'

/** What crosses the wire, either way. Bodies: 64-bit integers are bigints, dictionaries with string keys objects, variants their values. */
export interface WireMessage {
  /** 1 a call, 2 its answer, 3 its error, 4 a signal. */
  readonly type: number
  readonly serial?: number
  readonly replySerial?: number
  readonly flags?: number
  readonly destination?: string
  readonly sender?: string
  readonly path?: string
  readonly interface?: string
  readonly member?: string
  readonly errorName?: string
  readonly signature?: string
  readonly body?: readonly unknown[]
}

export interface WireListener {
  message(message: WireMessage): void
  /** Once, whoever closed it. `code`: what the system said of the socket (ENOENT, ECONNREFUSED), where it did. */
  closed(why: string, code?: string): void
}

export interface Wire {
  /** What is sent before the daemon has let us in goes out then. Throws for what is no message. */
  send(message: WireMessage & { readonly serial: number }): void
  /** Whether an open connection keeps the process alive. It begins with false. */
  hold(on: boolean): void
  close(): void
}

/** Longer messages end the connection. systemd's list of 1,000 units has 200 KB. */
const MAX_MESSAGE_BYTES = 32 << 20

/** `socket`: a path, or a name in the abstract namespace behind a NUL. */
export function openWire(socket: string, listener: WireListener): Wire {
  const stream = connect(socket)
  stream.unref()
  // EXTERNAL is the only way in that a local daemon needs; without it others would be tried, which read files and wait.
  const options = { stream, authMethods: ['EXTERNAL'], maxMessageSize: MAX_MESSAGE_BYTES }
  const connection = createConnection(options)

  let why: string | undefined
  let code: string | undefined
  let over = false
  const fail = (error: Error & { code?: string }) => {
    why ??= error.message
    code ??= error.code
    end()
  }
  const end = () => {
    over = true
    stream.destroy()
  }
  connection.on('error', fail)
  // A message that our own code could not take: what comes after it cannot be trusted either.
  connection.on('handlerError', fail)
  connection.on('message', message => listener.message(message as WireMessage))
  connection.on('end', end)
  connection.on('close', () => listener.closed(why ?? 'it was closed', code))
  return {
    // Into a connection that is over dbus-native would write nothing, and a warning to the console.
    send: message => void (over || connection.message({ ...message, body: message.body && [...message.body] })),
    hold: on => void (on ? stream.ref() : stream.unref()),
    close: end,
  }
}
