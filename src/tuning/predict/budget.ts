// How much prediction may cost: a token bucket that is filled by what its cache computes anyway. Arithmetic; knows no cache and no clock.

/** Of what the cache would have computed without prediction, so much may be computed in addition. */
const MOST_EXTRA = 0.05
/**
 * So many computations of average cost beside that, once: a bucket that begins empty would never prove anything. Of a thousand computations it
 * is less than 1 %.
 */
const START = 8

/**
 * What was computed, what would have been computed without prediction, and the difference. All in microseconds that were measured. What was
 * fetched and not asked for yet counts as wasted until somebody asks.
 */
export class Budget {
  readonly #start: number
  /** Without prediction. */
  #owed = 0
  /** Computations that `owed` is the sum of. */
  #count = 0
  /** In truth, what was fetched ahead included. */
  #done = 0
  /** Being fetched, as far as can be told before. */
  #reserved = 0

  /** `start`: what is in the bucket from the first computation on, in computations of average cost. */
  constructor(start = START) {
    this.#start = start
  }

  /** Somebody asked for what would have had to be computed then without prediction: `count` entries, together. */
  owe(micros: number, count = 1): void {
    this.#owed += micros
    this.#count += count
  }

  /** It was computed, for whomever. */
  did(micros: number): void {
    this.#done += micros
  }

  /** Computed beyond what would have been without prediction. */
  get extra(): number {
    return this.#done - this.#owed
  }

  /** Whether something that costs about so much may be fetched. */
  allows(micros: number): boolean {
    const start = this.#count === 0 ? 0 : (this.#start * this.#owed) / this.#count
    return this.extra + this.#reserved + micros <= MOST_EXTRA * this.#owed + start
  }

  /** The same, and it is reserved then, until {@link settle}. */
  reserve(micros: number): boolean {
    if (!this.allows(micros)) return false
    this.#reserved += micros
    return true
  }

  /** What was reserved is over, and took `spent`. */
  settle(reserved: number, spent: number): void {
    this.#reserved = Math.max(0, this.#reserved - reserved)
    this.did(spent)
  }
}
