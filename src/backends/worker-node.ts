// worker_threads in the shape of the WorkerHandle port. The life cycle belongs to whoever holds the handle.

import type { MessagePort, Worker } from 'node:worker_threads'
import type { WorkerEndpoint, WorkerHandle } from '../ports.js'
import { exitGate } from './exit-gate.js'

/** The message that asks a worker to end itself. */
export const END = 'op-dbus: end'
/** A worker that has not ended by then is stuck and is terminated, ms. */
const END_MS = 10_000

/**
 * Starts the worker whose file is `url`; debuggers show its `name`. Its environment is the process's own, so that native
 * code reads what it sets.
 */
export function spawnNodeWorker(url: URL, name = 'op-dbus embedder'): WorkerHandle {
  // Loaded here, since most processes start a process and no thread.
  const threads = process.getBuiltinModule('node:worker_threads')
  const { gate, forget } = exitGate()
  const worker = new threads.Worker(url, { name, env: threads.SHARE_ENV, execArgv: [], workerData: gate })
  let cause: string | undefined
  worker.on('error', error => {
    cause = error instanceof Error ? error.message : String(error)
  })
  let exited = false
  worker.once('exit', () => {
    exited = true
    forget()
  })
  let ending: Promise<void> | undefined
  /** The worker ends itself between two runs: one that is terminated inside native code takes the process along. */
  const end = () => {
    ending ??= new Promise(resolve => {
      if (exited) return resolve()
      const force = setTimeout(() => void worker.terminate(), END_MS)
      worker.once('exit', () => {
        clearTimeout(force)
        resolve()
      })
      worker.ref()
      worker.postMessage(END)
    })
    return ending
  }
  return {
    endpoint: nodeEndpoint(worker),
    ref: () => worker.ref(),
    unref: () => worker.unref(),
    terminate: () => end(),
    onExit: listener => void worker.once('exit', code => listener(cause ?? `it exited with code ${code}`)),
  }
}

/** The messages of one worker_threads port. */
export function nodeEndpoint(port: Worker | MessagePort): WorkerEndpoint {
  return {
    postMessage: (message, transfer = []) => port.postMessage(message, transfer as never),
    onMessage: listener => void port.on('message', listener),
  }
}
