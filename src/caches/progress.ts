// How far a batch is, told now and then. Must not slow the batch down.
import type { Clock, Source } from '../ports.js'

export interface Progress {
  readonly done: number
  readonly total: number
  /** Rows by where they came from, and those that failed. */
  readonly from: Readonly<Partial<Record<Source | 'failed', number>>>
}

const EVERY_MS = 50

export class ProgressMeter {
  readonly #from: Partial<Record<Source | 'failed', number>> = {}
  #done = 0
  #tellAt = 0
  /** What the listener threw; it is not called again. */
  thrown: { readonly error: unknown } | undefined

  constructor(
    private readonly total: number,
    private readonly clock: Clock,
    private tell: ((progress: Progress) => void) | undefined,
  ) {}

  count(from: Source | 'failed'): void {
    if (this.tell === undefined) return
    this.#done++
    this.#from[from] = (this.#from[from] ?? 0) + 1
    if ((this.#done & 15) !== 0) return
    const now = this.clock.monotonic()
    if (now < this.#tellAt) return
    this.#tellAt = now + EVERY_MS
    this.end()
  }

  /** Tells where things stand. */
  end(): void {
    try {
      this.tell?.({ done: this.#done, total: this.total, from: { ...this.#from } })
    } catch (error) {
      // The rows are not to blame for their listener: they finish first, then the call fails with its error.
      this.tell = undefined
      this.thrown = { error }
    }
  }
}
