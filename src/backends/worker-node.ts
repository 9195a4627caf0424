// worker_threads in the shape of the WorkerHandle port. The life cycle belongs to whoever holds the handle.

import { type MessagePort, SHARE_ENV, Worker } from 'node:worker_threads'
import type { WorkerEndpoint, WorkerHandle } from '../ports.js'

/** Starts the worker whose file is `url`. Its environment is the process's own, so that native code reads what it sets. */
export function spawnNodeWorker(url: URL): WorkerHandle {
  const worker = new Worker(url, { name: 'op-dbus embedder', env: SHARE_ENV, execArgv: [] })
  let cause: string | undefined
  worker.on('error', error => {
    cause = error instanceof Error ? error.message : String(error)
  })
  return {
    endpoint: nodeEndpoint(worker),
    ref: () => worker.ref(),
    unref: () => worker.unref(),
    terminate: async () => void (await worker.terminate()),
    onExit: listener => void worker.once('exit', code => listener(cause ?? `it exited with code ${code}`)),
  }
}

/** Messages of one worker_threads port as the DOM's `message` events, which is what comlink listens for. */
export function nodeEndpoint(port: Worker | MessagePort): WorkerEndpoint {
  const wrapped = new Map<EventListenerOrEventListenerObject, (data: unknown) => void>()
  return {
    postMessage: (message, transfer) => port.postMessage(message, (transfer ?? []) as never),
    addEventListener(_type, listener) {
      const receive = (data: unknown) => {
        const event = { data } as MessageEvent
        if (typeof listener === 'function') listener(event)
        else listener.handleEvent(event)
      }
      wrapped.set(listener, receive)
      port.on('message', receive)
    },
    removeEventListener(_type, listener) {
      const receive = wrapped.get(listener)
      if (receive) port.off('message', receive)
      wrapped.delete(listener)
    },
  }
}
