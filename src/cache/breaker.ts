// Leaves a medium that fails alone for a while, and then lets one call find out whether it is back; asks one that knows that by itself.
// Knows no medium.
import type { Clock, StoreStatus } from '../ports.js'

/** Failures in a row after which the medium is left alone. */
const FAILURES = 3
/** For how long, in ms. */
const PAUSE_MS = 10_000

export class Breaker {
  readonly #clock: Clock
  readonly #medium: { readonly status?: StoreStatus }
  #failures = 0
  #until = 0

  constructor(clock: Clock, medium: { readonly status?: StoreStatus } = {}) {
    this.#clock = clock
    this.#medium = medium
  }

  /** Whether the medium is left alone now. */
  get open(): boolean {
    const { status } = this.#medium
    if (status) return status.state === 'left-alone'
    return this.#failures >= FAILURES && this.#clock.monotonic() < this.#until
  }

  /** May the medium be asked? After a pause the first to ask may, and the others wait for what became of it. */
  enter(): boolean {
    const { status } = this.#medium
    if (status) return status.state !== 'left-alone'
    if (this.#failures < FAILURES) return true
    const now = this.#clock.monotonic()
    if (now < this.#until) return false
    this.#until = now + PAUSE_MS
    return true
  }

  succeeded(): void {
    this.#failures = 0
  }

  failed(): void {
    this.#failures++
    this.#until = this.#clock.monotonic() + PAUSE_MS
  }
}
