// Listens to the daemon's `/events`, over fetch, since an EventSource sends no token; begins again when the stream ends.
import type { LiveEvents } from '../src/server/api.js'
import type { Client } from './client.js'
import { eventsOf } from './event-stream.js'
import { asCallFailure } from './failures.js'

export type Listener = <N extends keyof LiveEvents>(name: N, data: LiveEvents[N]) => void

/** Silence of this long is a stream that is dead: the daemon says something every five seconds. */
const SILENCE_MS = 20_000
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 15_000

export class Live {
  #stop: AbortController | undefined
  readonly #client: Client
  readonly #listener: Listener
  readonly #onState: (listening: boolean) => void

  /** `onState` is told when the stream begins and when it ends. */
  constructor(client: Client, listener: Listener, onState: (listening: boolean) => void) {
    this.#client = client
    this.#listener = listener
    this.#onState = onState
  }

  /** Listens until {@link stop}, however often the stream ends. A token that is wanted ends it, too: the next start has one. */
  start(): void {
    if (this.#stop) return
    const stop = new AbortController()
    this.#stop = stop
    void this.#run(stop.signal).finally(() => {
      if (this.#stop === stop) this.#stop = undefined
    })
  }

  stop(): void {
    this.#stop?.abort()
    this.#stop = undefined
  }

  async #run(stopped: AbortSignal): Promise<void> {
    let wait = FIRST_WAIT_MS
    while (!stopped.aborted) {
      try {
        await this.#listen(stopped, () => {
          wait = FIRST_WAIT_MS
        })
      } catch (error) {
        if (asCallFailure(error).kind === 'token') return
      }
      this.#onState(false)
      // Not all pages of all visitors at the same moment.
      await delay(wait * (0.75 + Math.random() / 2), stopped)
      wait = Math.min(LONGEST_WAIT_MS, 2 * wait)
    }
  }

  async #listen(stopped: AbortSignal, onBegin: () => void): Promise<void> {
    const silent = new AbortController()
    let timer = setTimeout(() => silent.abort(), SILENCE_MS)
    const signal = AbortSignal.any([stopped, silent.signal])
    try {
      const headers = { accept: 'text/event-stream' }
      // Its own end is the silence.
      const response = await this.#client.open(
        'events',
        { method: 'GET', headers },
        { signal, ms: Number.POSITIVE_INFINITY },
      )
      if (!response.body) return
      for await (const { name, data } of eventsOf(response.body)) {
        clearTimeout(timer)
        timer = setTimeout(() => silent.abort(), SILENCE_MS)
        if (stopped.aborted) return
        onBegin()
        this.#onState(true)
        this.#tell(name, data)
      }
    } finally {
      clearTimeout(timer)
    }
  }

  /** What is no JSON is left out, as is what its listener does not take: the next event may be one. */
  #tell(name: string, data: string): void {
    try {
      this.#listener(name as keyof LiveEvents, JSON.parse(data))
    } catch (error) {
      reportError(error)
    }
  }
}

/** Resolves after `ms`, or at once when `signal` fires. */
export function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(done, ms)
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    if (signal.aborted) done()
    else signal.addEventListener('abort', done)
  })
}
