// What a browser's worker gives what it computes with: its messages, its part of the file cache. Part of the web root; the one
// file there with a worker's globals.
import type { WorkerEndpoint } from '../ports.js'
import { originLocks, probeGpu, timer } from './runtime.js'
import type { PageWorkerHost } from './worker-host.js'
import { isSetup, type Setup } from './worker-protocol.js'

/** The way to the page. */
export const pageEndpoint: WorkerEndpoint = {
  postMessage: (message, transfer = []) => postMessage(message, { transfer }),
  onMessage: listener => addEventListener('message', ({ data }) => listener(data)),
}

/** Call it before anything is awaited: the page's first message comes soon. */
export function workerGlobals(): PageWorkerHost {
  const setup = new Promise<Setup>(resolve => {
    addEventListener('message', ({ data }) => {
      if (isSetup(data)) resolve(data)
    })
  })
  return {
    setup,
    caches: globalThis.caches,
    locks: originLocks(),
    timer,
    probeGpu,
    tell: notice => postMessage(notice),
  }
}
