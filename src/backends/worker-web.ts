// A Web Worker in the shape of the WorkerHandle port. The life cycle belongs to whoever holds the handle.

import type { WorkerHandle } from '../ports.js'

/** What a worker's script says once it listens. One that was cut short may run and never say it. */
export const READY = 'op-dbus: ready'
/** A script that has not said so by then is none of ours, or not whole, ms: long enough for a slow connection. */
const READY_MS = 60_000

/**
 * `url` is for messages. `fault` finds out why the script cannot be loaded, of which a browser says nothing; it never
 * rejects.
 */
export function webWorkerHandle(worker: Worker, url: string, fault: () => Promise<string>): WorkerHandle {
  const listeners: ((why: string) => void)[] = []
  let over: string | undefined
  const end = (why: string) => {
    if (over !== undefined) return
    over = why
    clearTimeout(limit)
    worker.terminate()
    for (const listener of listeners.splice(0)) listener(why)
  }
  const limit = setTimeout(() => end(`the script at ${url} did not start: is it whole, and of this version?`), READY_MS)
  worker.addEventListener('message', ({ data }) => {
    if (data === READY) clearTimeout(limit)
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
