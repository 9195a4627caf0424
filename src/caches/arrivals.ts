// Finished rows on their way from the embedder into the cache: however many arrive at once, they are told in pieces, with turns of
// the event loop between. Computes nothing and stores nothing.
import { yieldToEventLoop } from '../cache/yield-to-event-loop.js'
import type { Clock } from '../ports.js'

/** How long rows are told without a turn between, in ms, and after how many of them the clock is looked at. */
const TURN_MS = 2
const PIECE_ROWS = 128

interface Part {
  readonly rows: number
  /** Tells those from `from` up to `to`, without it. Must not throw. */
  readonly tell: (from: number, to: number) => void
  next: number
}

export class Arrivals {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #parts: Part[] = []
  #telling = false

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  /** Calls `tell` for pieces of `rows` in order, at once as far as this turn's time goes. It must not throw. */
  add(rows: number, tell: Part['tell']): void {
    this.#parts.push({ rows, tell, next: 0 })
    if (!this.#telling) this.#tell(this.#clock.monotonic() + TURN_MS)
  }

  /** Tells all that is left, without a turn between. */
  tellAll(): void {
    if (!this.#telling) return
    this.#tell(Number.POSITIVE_INFINITY)
  }

  #tell(until: number): void {
    this.#telling = true
    for (let part = this.#parts[0]; part !== undefined; part = this.#parts[0]) {
      const from = part.next
      part.next = Math.min(part.rows, from + PIECE_ROWS)
      if (part.next === part.rows) this.#parts.shift()
      part.tell(from, part.next)
      if (this.#parts.length > 0 && this.#clock.monotonic() >= until) {
        void yieldToEventLoop().then(() => this.#tell(this.#clock.monotonic() + TURN_MS))
        return
      }
    }
    this.#telling = false
  }
}
