// A Web Worker in the shape of the WorkerHandle port, also while its script is still being fetched and checked. The life cycle
// belongs to whoever holds the handle.

import type { WorkerEndpoint, WorkerHandle } from '../ports.js'

/** What a worker's script says once it listens, before its version. One that was cut short may run and never say it. */
const READY = 'op-dbus: ready'
/** A script that has not said so by then is none of ours, or not whole, ms: long enough for a slow connection. */
const READY_MS = 60_000

/** The message by which a worker of this version says that it listens. */
export function readyMessage(version: string): string {
  return `${READY} ${version}`
}

/** One way to start the worker; undefined: it is closed here, so the next is gone. What it rejects with ends the handle. */
export type WorkerStart = (signal: AbortSignal) => Promise<Worker | undefined>

/** What is known of a script. */
export interface Script {
  /** For messages. */
  readonly url: string
  /** The only one that may answer. */
  readonly version: string
  /** In this order; the next is gone where a browser refuses one without a word, as it does by a policy. */
  readonly ways: readonly WorkerStart[]
  /** Why it cannot be loaded, of which a browser says nothing. Never rejects. */
  fault(): Promise<string>
}

/** What is posted waits until the script listens. */
export function webWorkerHandle({ url, version, ways, fault }: Script): WorkerHandle {
  const listeners: ((why: string, error?: unknown) => void)[] = []
  const heard: ((message: unknown) => void)[] = []
  let waiting: [unknown, ArrayBufferLike[]][] | undefined = []
  let worker: Worker | undefined
  let over: { readonly why: string; readonly error: unknown } | undefined
  const ended = new AbortController()

  const end = (why: string, error?: unknown) => {
    if (over) return
    over = { why, error }
    clearTimeout(limit)
    ended.abort()
    worker?.terminate()
    for (const listener of listeners.splice(0)) listener(why, error)
  }
  const limit = setTimeout(() => end(`the script at ${url} did not start: is it whole?`), READY_MS)

  const listen = (one: Worker, next: () => void) => {
    worker = one
    one.addEventListener('message', ({ data }) => {
      for (const listener of heard) listener(data)
      if (!waiting || typeof data !== 'string' || !data.startsWith(READY)) return
      const found = data.slice(READY.length).trim()
      if (found !== version)
        return end(`the script at ${url} is of op-dbus ${found || '(another version)'}, and this page of ${version}`)
      clearTimeout(limit)
      for (const [message, transfer] of waiting) one.postMessage(message, transfer)
      waiting = undefined
    })
    one.addEventListener('error', event => {
      event.preventDefault()
      if (event.message || !waiting) end(event.message || 'its script failed')
      else next()
    })
    one.addEventListener('messageerror', () => end('it sent what could not be read'))
  }

  const start = async ([way, ...others]: readonly WorkerStart[]): Promise<void> => {
    if (over) return
    try {
      if (!way) return end(await fault())
      const one = await way(ended.signal)
      if (!one) return start(others)
      if (over) one.terminate()
      else listen(one, () => void start(others))
    } catch (error) {
      end(error instanceof Error ? error.message : String(error), error)
    }
  }
  void start(ways)

  const endpoint: WorkerEndpoint = {
    postMessage(message, transfer = []) {
      if (waiting) waiting.push([message, transfer])
      else worker?.postMessage(message, transfer)
    },
    onMessage: listener => void heard.push(listener),
  }
  return {
    endpoint,
    // A page does not stay open for its workers.
    ref() {},
    unref() {},
    terminate: async () => end('it was ended'),
    onExit(listener) {
      if (over) listener(over.why, over.error)
      else listeners.push(listener)
    },
  }
}
