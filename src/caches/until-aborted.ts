// Gives up waiting when a signal fires. The work itself goes on, for whoever else waits.
import type { AbortListeners } from '../abort-listeners.js'
import { abortError } from '../errors.js'

/** As `work` does, or ABORTED as soon as `signal` fires. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal, aborts: AbortListeners): Promise<T> {
  return new Promise((resolve, reject) => {
    const stay = aborts.add(signal, () => reject(abortError(signal)))
    work.then(resolve, reject).finally(stay)
  })
}
