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

/** After this long it is left to Node, which waits for the thread whatever it does. */
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

/** For the worker: `factories` open a model, and their backends run, only while `gate` is open. */
export function gated(factories: readonly BackendFactory[], gate: ExitGate): BackendFactory[] {
  let inside = 0
  async function through<T>(work: () => Promise<T>): Promise<T> {
    if (inside++ === 0 && Atomics.compareExchange(gate, 0, IDLE, RUNNING) !== IDLE) park(gate)
    try {
      return await work()
    } finally {
      if (--inside === 0 && Atomics.compareExchange(gate, 0, RUNNING, IDLE) !== RUNNING) park(gate)
    }
  }
  return factories.map(factory => ({
    ...factory,
    async open(...how) {
      const backend = await through(() => factory.open(...how))
      return { ...backend, run: batch => through(() => backend.run(batch)) }
    },
  }))
}

/** Never returns: the thread waits for its end. */
function park(gate: ExitGate): void {
  Atomics.store(gate, 0, PARKED)
  Atomics.notify(gate, 0)
  Atomics.wait(gate, 0, PARKED)
}
