// Where the daemon listens: TCP, a unix socket, and what systemd hands over, all over one app and with the same bounds. Decides nothing about
// what is asked.
import { chmodSync, lstatSync, statSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { OpDbusError } from '../errors.js'
import { errnoOf, inWords } from '../fs/errno.js'
import { unlink } from '../fs/files.js'
import { makeFolder } from '../fs/folders.js'
import { acquireMutex, MACHINE_IO } from '../fs/mutex.js'
import { isLoopback } from '../loopback.js'
import { fromFirstByte } from './first-byte.js'
import { oneAtATime } from './one-at-a-time.js'
import { answerParserErrors } from './parser-errors.js'
import { pathOfSocket } from './systemd.js'

export interface ListenerBounds {
  /** How long a request may take to arrive, ms. */
  readonly receiveTimeoutMs: number
}

/** The longest path that every system takes for a socket, in bytes. */
const LONGEST_PATH = 103
const MOST_CONNECTIONS = 4096
/** How long a connection may wait for a request. */
const IDLE_MS = 65_000

/** Some servers, and one handler that may be given later: until then nobody is answered. */
export class Listeners {
  readonly #servers: Server[] = []
  /** Of connections over which nothing has come. */
  readonly #closings: (() => void)[] = []
  readonly #bounds: ListenerBounds
  readonly #addresses: string[] = []
  /** Sockets of those who came over a way that only the owner of this daemon has. */
  readonly trusted = new WeakSet<Socket>()
  #handler: RequestListener | undefined
  #waiting: (() => void)[] = []
  /** `http://127.0.0.1:8787`; undefined where it listens on no TCP. */
  url: string | undefined
  /** Path of the unix socket. */
  socket: string | undefined

  constructor(bounds: ListenerBounds) {
    this.#bounds = bounds
  }

  /** The first address at which other machines may ask over TCP. */
  get reachable(): string | undefined {
    return this.#addresses.find(address => !isLoopback(address))
  }

  /** From now on requests are answered, those that wait first. */
  serve(handler: RequestListener): void {
    this.#handler = handler
    for (const run of this.#waiting.splice(0)) run()
  }

  /** @throws OpDbusError INVALID_INPUT where the port is taken or the address is none of this machine */
  async tcp(host: string, port: number): Promise<void> {
    const server = this.#server()
    try {
      await listening(server, { host: host.replace(/^\[|\]$/g, ''), port })
    } catch (error) {
      throw new OpDbusError('INVALID_INPUT', `cannot listen on ${host}:${port}: ${portTrouble(error, port)}`, {
        cause: error,
        details: { errno: errnoOf(error) },
      })
    }
    this.#tcp(server.address() as AddressInfo)
  }

  /**
   * A socket that systemd has opened, TCP or unix. What a unix socket lets in is trusted as ours is where its owner alone may open it.
   * @throws OpDbusError INVALID_INPUT where the descriptor is no listening socket
   */
  async inherited(fd: number): Promise<void> {
    const server = this.#server()
    try {
      await listening(server, { fd })
    } catch (error) {
      throw new OpDbusError('INVALID_INPUT', `descriptor ${fd}, which systemd handed over, is no socket to listen on`, {
        cause: error,
      })
    }
    const address = server.address()
    if (typeof address === 'object' && address !== null) return this.#tcp(address)
    const path = pathOfSocket(fd)
    if (path !== undefined) this.#trust(server, path)
    this.socket ??= path
  }

  /**
   * A socket for its owner alone. One that was left behind is removed only where nobody answers on it.
   * @throws OpDbusError CONFLICT where another daemon is there, INVALID_INPUT for something else in its place, STORE
   */
  async unix(path: string): Promise<void> {
    if (Buffer.byteLength(path) > LONGEST_PATH) {
      throw new OpDbusError(
        'INVALID_INPUT',
        `the path of a socket has at most ${LONGEST_PATH} bytes: ${path}\nname a shorter one with --socket`,
      )
    }
    const server = this.#server()
    this.#trust(server, path)
    let release: (() => Promise<void>) | undefined
    try {
      makeFolder(dirname(path))
      // Two that start at once would take the first one's socket for one that was left.
      release = await acquireMutex(`${path}.lock`, { below: dirname(path), io: MACHINE_IO, signal: undefined })
      await makeRoom(path)
      await listening(server, { path })
      chmodSync(path, 0o600)
    } catch (error) {
      if (error instanceof OpDbusError) throw error
      throw new OpDbusError('STORE', `cannot listen on ${path}: ${inWords(error)}`, { cause: error })
    } finally {
      await release?.()
    }
    this.socket = path
  }

  /** Ends listening; connections that do nothing are closed, the others after their answer. */
  stop(): void {
    for (const server of this.#servers) {
      server.close()
      server.closeIdleConnections()
    }
    for (const closeSilent of this.#closings) closeSilent()
  }

  /** Ends what is left. */
  close(): void {
    this.stop()
    for (const server of this.#servers) server.closeAllConnections()
  }

  #tcp(address: AddressInfo): void {
    this.#addresses.push(address.address)
    this.url ??= urlOf(address)
  }

  /** Who connects is trusted where the owner alone may, at that time: a mode can be changed. */
  #trust(server: Server, path: string): void {
    server.on('connection', socket => {
      if (isForOwnerAlone(path)) this.trusted.add(socket)
    })
  }

  #server(): Server {
    const listener = oneAtATime((request, response) => {
      if (this.#handler) this.#handler(request, response)
      else this.#waiting.push(() => this.#handler!(request, response))
    })
    const server = createServer(
      {
        // Told by the app, as every error is.
        requireHostHeader: false,
        // Two hosts, or two tokens, are one that nobody has.
        joinDuplicateHeaders: true,
        // Together they end who sends slowly: headers in 2 s, the whole request in 5, looked at every half second.
        headersTimeout: Math.min(2_000, this.#bounds.receiveTimeoutMs),
        requestTimeout: this.#bounds.receiveTimeoutMs,
        connectionsCheckingInterval: 500,
        maxHeaderSize: 16_384,
        keepAliveTimeout: IDLE_MS,
        noDelay: true,
      },
      listener,
    )
    // Nobody is asked for a body before the app has looked at the headers.
    server.on('checkContinue', listener).on('checkExpectation', listener)
    answerParserErrors(server)
    this.#closings.push(fromFirstByte(server, IDLE_MS))
    server.maxConnections = MOST_CONNECTIONS
    this.#servers.push(server)
    return server
  }
}

function isForOwnerAlone(path: string): boolean {
  try {
    return (statSync(path).mode & 0o077) === 0
  } catch {
    return false
  }
}

function listening(
  server: Server,
  at: { host: string; port: number } | { path: string } | { fd: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(at, () => {
      server.off('error', reject)
      server.on('error', () => {})
      resolve()
    })
  })
}

/** Removes a socket on which nobody answers. */
async function makeRoom(path: string): Promise<void> {
  const there = lstatSync(path, { throwIfNoEntry: false })
  if (!there) return
  if (!there.isSocket()) {
    throw new OpDbusError('INVALID_INPUT', `${path} is there and is no socket\nname another path with --socket`)
  }
  if (await answers(path)) {
    throw new OpDbusError(
      'CONFLICT',
      `a daemon serves at ${path} already\nstop it, or give this one its own --socket and --port`,
    )
  }
  unlink(path)
}

function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    const end = (answered: boolean) => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('connect', () => end(true))
    socket.once('error', error => end(errnoOf(error) !== 'ECONNREFUSED' && errnoOf(error) !== 'ENOENT'))
  })
}

function urlOf({ address, family, port }: AddressInfo): string {
  // Browsers and clients cannot ask "all addresses".
  const host = address === '0.0.0.0' || address === '::' ? 'localhost' : family === 'IPv6' ? `[${address}]` : address
  return `http://${host}:${port}`
}

function portTrouble(error: unknown, port: number): string {
  const errno = errnoOf(error)
  if (errno === 'EADDRINUSE')
    return `something else listens there\nchoose another port: --port ${port < 65_535 ? port + 1 : 8787}, or stop the other one`
  if (errno === 'EACCES') return 'ports below 1024 take privileges\nchoose another port with --port'
  if (errno === 'EADDRNOTAVAIL' || errno === 'ENOTFOUND')
    return 'that is no address of this machine\nchoose another one with --host'
  return inWords(error)
}
