// One computation per key, shared by everyone who waits for it. Knows nothing of tiers or values.
import { AbortListeners } from '../abort-listeners.js'
import { abortError } from '../errors.js'

/** A computation under way. `stale` turns true when its key is deleted, invalidated or cleared meanwhile. */
export interface Flight {
  /** Fires when the last waiter has left. */
  readonly signal: AbortSignal
  /** A stale flight still answers those who wait for it, but its result must not be stored anywhere. */
  readonly stale: boolean
}

interface Entry<T> {
  readonly promise: Promise<T>
  readonly reject: (error: unknown) => void
  waiters: number
  stale: boolean
  readonly controller: AbortController
}

/** Flights by key. An AbortSignal ends only its own caller's wait; the work ends when nobody waits any more. */
export class InFlight<T> {
  readonly #entries = new Map<string, Entry<T>>()
  /** Those that were detached too. */
  readonly #all = new Set<Entry<T>>()
  readonly #aborts = new AbortListeners()

  get size(): number {
    return this.#entries.size
  }

  /** Waits for the flight of `id`, if there is one. */
  join(id: string, signal?: AbortSignal): Promise<T> | undefined {
    const entry = this.#entries.get(id)
    return entry && this.#wait(id, entry, signal)
  }

  /** Begins the flight of `id`; there must be none. `run` is called at once. */
  start(id: string, run: (flight: Flight) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const controller = new AbortController()
    let resolve!: (value: T) => void
    let reject!: (error: unknown) => void
    const promise = new Promise<T>((yes, no) => {
      resolve = yes
      reject = no
    })
    const entry: Entry<T> = { promise, reject, waiters: 0, stale: false, controller }
    const flight: Flight = {
      signal: controller.signal,
      get stale() {
        return entry.stale
      },
    }
    this.#entries.set(id, entry)
    this.#all.add(entry)
    const ended = () => {
      this.#remove(id, entry)
      this.#all.delete(entry)
    }
    run(flight).finally(ended).then(resolve, reject)
    // Every waiter may have left: then nobody else handles the rejection.
    promise.catch(() => {})
    return this.#wait(id, entry, signal)
  }

  /** Whoever asks for `id` from now on starts anew, and what is under way is stale. */
  detach(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    entry.stale = true
    this.#entries.delete(id)
  }

  detachAll(): void {
    for (const id of [...this.#entries.keys()]) this.detach(id)
  }

  /** Ends everything: every waiter gets `error`, every computation its signal, and nothing is stored. */
  abortAll(error: unknown): void {
    for (const entry of this.#all) {
      entry.stale = true
      entry.reject(error)
      entry.controller.abort(error)
    }
    this.#all.clear()
    this.#entries.clear()
  }

  #remove(id: string, entry: Entry<T>): void {
    if (this.#entries.get(id) === entry) this.#entries.delete(id)
  }

  #wait(id: string, entry: Entry<T>, signal: AbortSignal | undefined): Promise<T> {
    entry.waiters++
    if (signal === undefined) return entry.promise
    return new Promise<T>((resolve, reject) => {
      const leave = () => {
        entry.waiters--
        if (entry.waiters === 0) {
          // Who comes after this begins a new computation rather than join one that is being aborted.
          this.#remove(id, entry)
          entry.controller.abort(signal.reason)
        }
        reject(abortError(signal))
      }
      if (signal.aborted) return leave()
      const stay = this.#aborts.add(signal, leave)
      entry.promise.then(resolve, reject).finally(stay)
    })
  }
}
