// Gives up waiting when a signal fires. The work itself goes on.
import { OpDbusError } from '../../errors.js'

/** As `work` does, or ABORTED as soon as `signal` fires. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const abort = () => reject(new OpDbusError('ABORTED', 'the call was aborted', { cause: signal.reason }))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
