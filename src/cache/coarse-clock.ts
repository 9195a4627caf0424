// A clock that is read once for all who ask within a moment. Knows nothing else.
import type { Clock } from '../ports.js'

export class CoarseClock {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #resolutionMs: number
  #last: number | undefined

  /** `resolutionMs`: how long a reading may be used again; 0 reads the clock each time. */
  constructor(clock: Pick<Clock, 'monotonic'>, resolutionMs: number) {
    this.#clock = clock
    this.#resolutionMs = resolutionMs
  }

  /** Milliseconds, monotonic; up to a few more behind the clock, where this thread is busy. */
  read(): number {
    if (this.#last !== undefined) return this.#last
    const now = this.#clock.monotonic()
    if (this.#resolutionMs > 0) {
      this.#last = now
      const timer: { unref?(): void } | number = setTimeout(() => {
        this.#last = undefined
      }, this.#resolutionMs)
      if (typeof timer === 'object') timer.unref?.()
    }
    return now
  }
}
