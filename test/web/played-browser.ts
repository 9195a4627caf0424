// What of a browser the file cache stands on, as far as it is used: a Cache API in memory, locks of one origin, a timer.
import type { Timer } from '../../src/ports.js'

/** Runs what is waited for at once, and notes for how long it would have been. */
export function instantTimer(): { readonly timer: Timer; readonly waits: number[] } {
  const waits: number[] = []
  const timer: Timer = (ms, run) => {
    waits.push(ms)
    queueMicrotask(run)
    return () => undefined
  }
  return { timer, waits }
}

/** Never runs by itself: `fire` runs what waits, and answers how long that was to wait, in ms. */
export function heldTimer(): { readonly timer: Timer; fire(): number[] } {
  const waiting = new Map<() => void, number>()
  return {
    timer(ms, run) {
      waiting.set(run, ms)
      return () => void waiting.delete(run)
    },
    fire() {
      const due = [...waiting]
      waiting.clear()
      for (const [run] of due) run()
      return due.map(([, ms]) => ms)
    },
  }
}

export function playedCaches(): CacheStorage {
  const entries = new Map<string, Response>()
  const cache = {
    match: async (url: string) => entries.get(url)?.clone(),
    put: async (url: string, response: Response) => void entries.set(url, response),
    keys: async () => [...entries.keys()].map(url => ({ url })),
    delete: async (key: { url: string } | string) => entries.delete(typeof key === 'string' ? key : key.url),
  }
  return { open: async () => cache } as unknown as CacheStorage
}

/** One holder per name, the others in their order. */
export function playedLocks(): LockManager {
  const last = new Map<string, Promise<unknown>>()
  const request = (name: string, _options: object, run: () => Promise<unknown>) => {
    const mine = (last.get(name) ?? Promise.resolve()).then(run)
    last.set(
      name,
      mine.catch(() => undefined),
    )
    return mine
  }
  return { request } as unknown as LockManager
}
