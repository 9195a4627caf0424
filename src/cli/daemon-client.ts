// Asks the daemon over its unix socket. A daemon that hangs, ends or answers something else costs a bounded time, and is asked no more:
// whoever asks goes on alone. Decides nothing about what is asked.
import { Agent, type ClientRequest, request } from 'node:http'
import { VERSION } from '../version.js'

/** How long it may take to say who it is, ms: also while it computes. */
const HELLO_MS = 500
/** Who waits for long asks so often, ms, whether it still lives, and gives it so long to say so. */
const PULSE_MS = 1000
const PULSE_ANSWER_MS = 2000
/** The largest answer that is read, in bytes. */
const MOST_BYTES = 64 * 2 ** 20

export interface AskCall {
  /** What is sent, as JSON. Without it: GET. */
  readonly body?: unknown
  /** It can be asked for less: that this took it too long (504) is answered then, and no reason to leave it. */
  readonly inParts?: boolean
  /** The most that the answer may take, ms. Past a second or so it must show that it lives. */
  readonly ms: number
  readonly signal?: AbortSignal
}

export interface DaemonAnswer {
  /** Of HTTP; 0: there was no answer. */
  readonly status: number
  /** There where the status is 200: whatever it was. */
  readonly json?: unknown
}

const NONE: DaemonAnswer = { status: 0 }
const BUSY = 'the daemon has more in hand than it takes (429)'
const SILENT = 'the daemon does not answer'
const ALONE = 'this command goes on without it'

export class DaemonClient {
  readonly version: string
  readonly #say: (line: string) => void
  readonly #socket: string
  readonly #agent: Agent
  #lost = false
  #told = false

  /** `say`: told once, when it is left to itself. */
  constructor(socket: string, version: string, agent: Agent, say: (line: string) => void) {
    this.#say = say
    this.#socket = socket
    this.version = version
    this.#agent = agent
  }

  /** It did not answer as it should, once: nothing more is asked. */
  get lost(): boolean {
    return this.#lost
  }

  /**
   * What it answers; with any status but 200: do it yourself. Never rejects. A refusal (this space, these plugins are others here) leaves
   * it fit for other questions.
   */
  async ask(path: string, { body, ms, inParts = false, signal }: AskCall): Promise<DaemonAnswer> {
    if (this.#lost || signal?.aborted) return NONE
    const end = new AbortController()
    const beats = setInterval(() => void this.#beat(end), PULSE_MS)
    const leave = () => end.abort()
    signal?.addEventListener('abort', leave)
    try {
      const answer = await exchange({
        socketPath: this.#socket,
        agent: this.#agent,
        path,
        body,
        ms,
        signal: end.signal,
      })
      const { status, text } = answer
      if (status === 200) return { status, json: JSON.parse(text) }
      if (status === 429) this.#tell(BUSY)
      else if (status >= 500 && !(status === 504 && inParts)) this.leave(`the daemon cannot do it (${status})`)
      return { status }
    } catch {
      if (!signal?.aborted) this.leave(SILENT)
      return NONE
    } finally {
      clearInterval(beats)
      signal?.removeEventListener('abort', leave)
    }
  }

  /** Asks it nothing more, and says why. */
  leave(why: string): void {
    this.#lost = true
    this.#tell(why)
  }

  /** Lets go of its connections. */
  close(): void {
    this.#lost = true
    this.#agent.destroy()
  }

  #tell(why: string): void {
    if (!this.#told) this.#say(`op-dbus: ${why}: ${ALONE}`)
    this.#told = true
  }

  /** Ends what waits, where it does not show that it lives. */
  async #beat(end: AbortController): Promise<void> {
    const { signal } = end
    const hello = { socketPath: this.#socket, agent: undefined, path: '/api/daemon', ms: PULSE_ANSWER_MS, signal }
    await exchange(hello).catch(() => end.abort())
  }
}

/** Undefined where nothing answers that we understand. Never rejects. */
export async function connectDaemon(
  socket: string,
  { signal, say }: { readonly signal: AbortSignal; say(line: string): void },
): Promise<DaemonClient | undefined> {
  const agent = new Agent({ keepAlive: true, maxSockets: 2 })
  try {
    const hello = { socketPath: socket, agent, path: '/api/daemon', ms: HELLO_MS, signal }
    const { status, text } = await exchange(hello)
    const { name, version, may } = JSON.parse(text) as Record<string, unknown>
    const allowed = typeof may === 'object' && may !== null && (may as { write?: unknown }).write === true
    if (status === 200 && name === 'op-dbus' && allowed && typeof version === 'string' && fits(version)) {
      return new DaemonClient(socket, version, agent, say)
    }
  } catch {
    // Nobody listens, or something else does.
  }
  agent.destroy()
  return undefined
}

/** Versions of one minor number ask and answer alike. */
function fits(version: string): boolean {
  const minor = (one: string) => one.split('.').slice(0, 2).join('.')
  return minor(version) === minor(VERSION)
}

interface Exchanged {
  readonly status: number
  readonly text: string
}

interface Exchange {
  readonly socketPath: string
  /** Undefined: a connection of its own. */
  readonly agent: Agent | undefined
  readonly path: string
  readonly body?: unknown
  readonly ms: number
  readonly signal: AbortSignal
}

/** @throws what ended it */
function exchange({ socketPath, agent, path, body, ms, signal }: Exchange): Promise<Exchanged> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers =
      text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    const method = text === undefined ? 'GET' : 'POST'
    const sent: ClientRequest = request(
      { socketPath, path, method, headers, agent: agent ?? false, signal },
      response => {
        const chunks: Buffer[] = []
        let size = 0
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > MOST_BYTES) sent.destroy(new Error('the answer is too large'))
          else chunks.push(chunk)
        })
        response.on('error', reject)
        response.on('close', () => reject(new Error('the answer was cut off')))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
      },
    )
    // By hand: signals that are made of others may be collected before they fire (Node 20).
    const late = setTimeout(() => sent.destroy(new Error('no answer in time')), ms)
    sent.on('close', () => clearTimeout(late))
    sent.on('error', reject)
    sent.end(text)
  })
}
