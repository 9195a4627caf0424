// A histogram with buckets of its own, which grow by a quarter of an octave: to count costs a logarithm and an addition. Knows no library.

const A_DOUBLING = 4
/** Values from 1 to 2^40, as microseconds 12 days; what is smaller or larger is in the first and the last. */
const BUCKETS = 40 * A_DOUBLING + 1

/** Of values that are 0 or more, in any unit in which 1 is small. */
export class Histogram {
  count = 0
  sum = 0
  /** Bucket `i` has values above 2^((i-1)/4), up to 2^(i/4). */
  readonly #counts = new Float64Array(BUCKETS)

  add(value: number, times = 1): void {
    const bucket = value > 1 ? Math.min(BUCKETS - 1, Math.ceil(Math.log2(value) * A_DOUBLING)) : 0
    this.#counts[bucket]! += times
    this.count += times
    this.sum += value * times
  }

  /** The value that `share` (0 to 1) of all values do not pass, at most 9 % off; 0 where there is none. */
  quantile(share: number): number {
    if (this.count === 0) return 0
    const wanted = Math.max(1, Math.ceil(share * this.count))
    let seen = 0
    let bucket = 0
    for (; bucket < BUCKETS - 1; bucket++) {
      seen += this.#counts[bucket]!
      if (seen >= wanted) break
    }
    return bucket === 0 ? 1 : 2 ** ((bucket - 0.5) / A_DOUBLING)
  }

  /** How many values are at most 2^`exponent`, which is a whole number; exact. */
  upTo(exponent: number): number {
    const last = Math.min(BUCKETS - 1, exponent * A_DOUBLING)
    let seen = 0
    for (let bucket = 0; bucket <= last; bucket++) seen += this.#counts[bucket]!
    return seen
  }
}
