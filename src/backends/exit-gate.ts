// Keeps a worker thread out of native code while the application ends: see process-node.ts for what would happen. Only
// where the embedding worker has to be a thread. It does not help where a thread of the application is terminated.

import type { BackendFactory } from '../ports.js'
import { atExit } from './at-exit.js'

/** One number that both threads see. */
export type ExitGate = Int32Array<SharedArrayBuffer>

const IDLE = 0
const RUNNING = 1
/** The application ends: nothing may begin. */
const CLOSED = 2
/** Closed, and what ran is over. */
const PARKED = 3

/** Node itself waits for the thread after this long, and so for as long as the batch takes. */
const MOST_MS = 10_000

const gates = new Set<ExitGate>()
let noLonger = () => {}

/** For the thread that starts a worker: `forget` is called when the worker is gone. */
export function exitGate(): { readonly gate: ExitGate; readonly forget: () => void } {
  const gate = new Int32Array(new SharedArrayBuffer(4))
  if (gates.size === 0) noLonger = atExit(closeAll)
  gates.add(gate)
  const forget = () => {
    gates.delete(gate)
    if (gates.size === 0) noLonger()
  }
  return { gate, forget }
}

/** Nothing begins any more; returns when nothing runs. */
function closeAll(): void {
  const running = [...gates].filter(gate => Atomics.exchange(gate, 0, CLOSED) === RUNNING)
  for (const gate of running) Atomics.wait(gate, 0, CLOSED, MOST_MS)
}

/** For the worker: the backends that `factory` opens run only while `gate` is open. */
export function gated(factory: BackendFactory, gate: ExitGate): BackendFactory {
  return {
    ...factory,
    async open(...how) {
      const backend = await factory.open(...how)
      let inside = 0
      return {
        ...backend,
        async run(batch) {
          if (inside++ === 0 && Atomics.compareExchange(gate, 0, IDLE, RUNNING) !== IDLE) park(gate)
          try {
            return await backend.run(batch)
          } finally {
            if (--inside === 0 && Atomics.compareExchange(gate, 0, RUNNING, IDLE) !== RUNNING) park(gate)
          }
        },
      }
    },
  }
}

/** Never returns: the thread waits for its end. */
function park(gate: ExitGate): void {
  Atomics.store(gate, 0, PARKED)
  Atomics.notify(gate, 0)
  Atomics.wait(gate, 0, PARKED)
}
