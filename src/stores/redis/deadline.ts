// How long a call to the server is waited for: node-redis itself ends only what it has not sent yet. Knows no server.

import { fairTimer } from '../../fair-timer.js'

/** The time of a call was up. */
export class Late extends Error {
  constructor(ms: number) {
    super(`no answer within ${Math.round(ms)} ms`)
  }
}

/** What `work` answers, or {@link Late} after `ms`; what it does later is ignored. Keeps the process alive meanwhile, unless told. */
export function within<T>(ms: number, work: Promise<T>, keepAlive = true): Promise<T> {
  return new Promise((resolve, reject) => {
    // Where this thread was busy itself, the answer may have come in time and wait to be read.
    const late = () => void setImmediate(() => reject(new Late(ms)))
    const cancel = keepAlive ? fairTimer(ms, late) : later(ms, late)
    work.then(resolve, reject).finally(cancel)
  })
}

/** Runs `run` after `ms`, unless cancelled. Keeps no process alive. */
export function later(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms)
  timer.unref()
  return () => clearTimeout(timer)
}

/** The same again and again. */
export function every(ms: number, run: () => void): () => void {
  const timer = setInterval(run, ms)
  timer.unref()
  return () => clearInterval(timer)
}
