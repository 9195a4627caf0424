// Gives the event loop a turn in any runtime. No policy: callers decide when.

/** Who waits for a turn, the first one first. One for the whole thread, as its event loop is: caches that knew nothing of one another
 * would put their turns together. */
const waiting: (() => void)[] = []

/**
 * Resolves after timers and I/O that were due had their turn; faster than `setTimeout(0)`, which browsers hold back. Whoever asks for a
 * turn gets one of their own: two that work for some milliseconds each do not add up to one long turn.
 */
export function yieldToEventLoop(): Promise<void> {
  return new Promise(resolve => {
    waiting.push(resolve)
    if (waiting.length === 1) nextTurn(resume)
  })
}

function resume(): void {
  const resolve = waiting.shift()!
  if (waiting.length > 0) nextTurn(resume)
  resolve()
}

function nextTurn(work: () => void): void {
  if (typeof setImmediate === 'function') {
    setImmediate(work)
    return
  }
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    port1.close()
    work()
  }
  port2.postMessage(undefined)
}
