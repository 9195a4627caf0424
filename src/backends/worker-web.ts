// A Web Worker in the shape of the WorkerHandle port. The life cycle belongs to whoever holds the handle.

import type { WorkerHandle } from '../ports.js'

/** What a worker's script says once it listens. One that was cut short may run and never say it. */
export const READY = 'op-dbus: ready'
/** A script that has not said so by then is none of ours, or not whole, ms: long enough for a slow connection. */
const READY_MS = 60_000
/** After this long its bytes are looked at, ms. */
const DOUBT_MS = 5_000

/** What is asked about a script that does not start. Neither ever rejects. */
export interface Script {
  /** For messages. */
  readonly url: string
  /** Why it cannot be loaded, of which a browser says nothing. */
  fault(): Promise<string>
  /** Whether its bytes are known to be other ones than they should be. */
  isStrange(): Promise<boolean>
}

export function webWorkerHandle(worker: Worker, { url, fault, isStrange }: Script): WorkerHandle {
  const listeners: ((why: string) => void)[] = []
  let over: string | undefined
  const end = (why: string) => {
    if (over !== undefined) return
    over = why
    calm()
    worker.terminate()
    for (const listener of listeners.splice(0)) listener(why)
  }
  let ready = false
  const silent = () => ready || end(`the script at ${url} did not start: is it whole, and of this version?`)
  const doubt = setTimeout(() => void isStrange().then(strange => strange && silent()), DOUBT_MS)
  const limit = setTimeout(silent, READY_MS)
  const calm = () => {
    clearTimeout(doubt)
    clearTimeout(limit)
  }
  worker.addEventListener('message', ({ data }) => {
    if (data !== READY) return
    ready = true
    calm()
  })
  worker.addEventListener('error', event => {
    event.preventDefault()
    if (event.message) end(event.message)
    else void fault().then(end)
  })
  worker.addEventListener('messageerror', () => end('it sent what could not be read'))
  return {
    endpoint: worker,
    // A page does not stay open for its workers.
    ref() {},
    unref() {},
    terminate: async () => end('it was ended'),
    onExit(listener) {
      if (over === undefined) listeners.push(listener)
      else listener(over)
    },
  }
}
