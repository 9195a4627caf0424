// What an entry counts for: its cost, as long as that can be believed. Arithmetic only.

/** No entry counts for more than so many times what the cache's entries usually cost: one computation that was held up for a minute is chance. */
const MOST_TIMES = 100
/** How much a new cost changes what is usual. */
const NEWS = 0.01

export class BelievedCost {
  /** Microseconds of an entry without a cost of its own: a read of the tier below. */
  readMicros: number
  /** The mean of the logarithms of costs, of late. */
  #usual: number | undefined

  constructor(readMicros: number) {
    this.readMicros = readMicros
  }

  /** Microseconds. */
  of(cost: number): number {
    if (!(cost > 0) || !Number.isFinite(cost)) return this.readMicros
    const logarithm = Math.log(cost)
    this.#usual ??= logarithm
    const most = this.#usual + Math.log(MOST_TIMES)
    this.#usual += NEWS * (Math.min(logarithm, most) - this.#usual)
    return logarithm > most ? Math.exp(most) : cost
  }
}
