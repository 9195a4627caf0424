// A limit to how long somebody else's promise is waited for. Knows no medium.
import { fairTimer } from '../fair-timer.js'
import type { Timer } from '../ports.js'
import { yieldToEventLoop } from './yield-to-event-loop.js'

/** What {@link within} rejects with when the time is up. */
export class TimeUp extends Error {
  constructor(ms: number) {
    super(`no answer within ${Math.round(ms)} ms`)
  }
}

/** Whether this is what {@link within} rejected with, of whatever was thrown: `instanceof` throws for a revoked proxy. */
export function isTimeUp(error: unknown): boolean {
  try {
    return error instanceof TimeUp
  } catch {
    return false
  }
}

/** Somebody waits for this. */
export const timer: Timer = fairTimer

/**
 * What `work` answers, or {@link TimeUp} after `ms`: then `work` is told by its signal, and whatever it does later is ignored.
 * Without `ms`, as long as it takes, and without a signal.
 */
export async function within<T>(
  ms: number | undefined,
  work: (call?: { signal: AbortSignal }) => Promise<T>,
  after: Timer = timer,
): Promise<T> {
  if (ms === undefined) return work()
  return new Promise((resolve, reject) => {
    const controller = new AbortController()
    const cancel = after(ms, async () => {
      // Where this thread was busy itself, the answer may have come in time and wait to be read.
      await yieldToEventLoop()
      const error = new TimeUp(ms)
      reject(error)
      controller.abort(error)
    })
    // What throws at once is a rejection like any other.
    const answer = new Promise<T>(settle => settle(work({ signal: controller.signal })))
    answer.then(resolve, reject).finally(cancel)
  })
}

/** The same. Where it should have been an answer and is a promise, it is not left to be nobody's rejection. */
export function atOnce(answer: unknown): unknown {
  if (answer instanceof Promise) answer.catch(() => undefined)
  return answer
}
