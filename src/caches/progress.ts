// How far a batch is, told now and then. Must not slow the batch down.
import type { Clock, Source } from '../ports.js'

export interface EmbedProgress {
  readonly done: number
  readonly total: number
  /** Rows by where they came from, and those that failed. */
  readonly from: Readonly<Partial<Record<Source | 'failed', number>>>
}

const EVERY_MS = 50

export class ProgressMeter {
  readonly #total: number
  readonly #clock: Clock
  #listener: ((progress: EmbedProgress) => void) | undefined
  readonly #from: Partial<Record<Source | 'failed', number>> = {}
  #done = 0
  #tellAt = 0
  /** What the listener threw; it is not called again. */
  thrown: { readonly error: unknown } | undefined

  constructor(total: number, clock: Clock, listener: ((progress: EmbedProgress) => void) | undefined) {
    this.#total = total
    this.#clock = clock
    this.#listener = listener
  }

  count(from: Source | 'failed'): void {
    if (this.#listener === undefined) return
    this.#done++
    this.#from[from] = (this.#from[from] ?? 0) + 1
    if ((this.#done & 15) !== 0) return
    const now = this.#clock.monotonic()
    if (now < this.#tellAt) return
    this.#tellAt = now + EVERY_MS
    this.end()
  }

  /** Tells where things stand. */
  end(): void {
    try {
      this.#listener?.({ done: this.#done, total: this.#total, from: { ...this.#from } })
    } catch (error) {
      // The rows are not to blame for their listener: they finish first, then the call fails with its error.
      this.#listener = undefined
      this.thrown = { error }
    }
  }
}
