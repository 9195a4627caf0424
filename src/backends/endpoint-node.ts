// The end of a worker thread's or a process's messages on Node, in the shape of a WorkerEndpoint.

import type { WorkerEndpoint } from '../ports.js'

/** What Node's workers, ports and processes have in common. */
interface MessageSource {
  on(event: 'message', listener: (data: unknown) => void): unknown
  off(event: 'message', listener: (data: unknown) => void): unknown
}

/** Messages of `source` as the DOM's `message` events, which is what comlink listens for; `post` sends one. */
export function messageEndpoint(source: MessageSource, post: WorkerEndpoint['postMessage']): WorkerEndpoint {
  const wrapped = new Map<EventListenerOrEventListenerObject, (data: unknown) => void>()
  return {
    postMessage: post,
    addEventListener(_type, listener) {
      const receive = (data: unknown) => {
        const event = { data } as MessageEvent
        if (typeof listener === 'function') listener(event)
        else listener.handleEvent(event)
      }
      wrapped.set(listener, receive)
      source.on('message', receive)
    },
    removeEventListener(_type, listener) {
      const receive = wrapped.get(listener)
      if (receive) source.off('message', receive)
      wrapped.delete(listener)
    },
  }
}
