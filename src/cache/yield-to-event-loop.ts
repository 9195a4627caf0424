// Gives the event loop a turn in any runtime. No policy: callers decide when.

/** Resolves after timers and I/O that were due had their turn; faster than `setTimeout(0)`, which browsers hold back. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise(resolve => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve)
      return
    }
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
