// One thing that the daemon is asked: what it last answered, why it does not now, whether it is being asked. Draws nothing.
import { batch, signal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { asCallFailure, type CallFailure } from './failures.js'

export class Asked<T> {
  /** Stays while it is asked again, and when that fails. */
  readonly value = signal<T | undefined>(undefined)
  readonly failure = signal<CallFailure | undefined>(undefined)
  readonly busy = signal(false)
  /** When the value came, on a clock that never goes back, ms. */
  at = 0
  #stop: AbortController | undefined

  /** The newest question alone counts: one that is under way is given up. Undefined where it failed. */
  async ask(call: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    this.#stop?.abort()
    const stop = new AbortController()
    this.#stop = stop
    this.busy.value = true
    try {
      const value = await call(stop.signal)
      if (this.#stop !== stop) return undefined
      batch(() => {
        this.at = performance.now()
        this.value.value = value
        this.failure.value = undefined
        this.busy.value = false
      })
      return value
    } catch (error) {
      if (this.#stop !== stop) return undefined
      const failure = asCallFailure(error)
      batch(() => {
        if (failure.kind !== 'stopped') this.failure.value = failure
        this.busy.value = false
      })
      return undefined
    }
  }

  /** Gives up what is under way; what is known stays. */
  stop(): void {
    this.#stop?.abort()
    this.#stop = undefined
    this.busy.value = false
  }

  forget(): void {
    this.stop()
    batch(() => {
      this.value.value = undefined
      this.failure.value = undefined
    })
  }
}

/** Belongs to a view: what is under way is given up when the view goes. */
export function useAsked<T>(): Asked<T> {
  const asked = useMemo(() => new Asked<T>(), [])
  useEffect(() => () => asked.stop(), [asked])
  return asked
}
