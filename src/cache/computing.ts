// How long a cache has spent on computing what it did not have. Arithmetic; reads no clock.

/** Microseconds that computing this value took by itself; undefined where that is not known yet. */
export type CostOf<V> = (value: V) => number | undefined

export class Computing<V> {
  /** Values that were computed, as far as it is known how long that took; and how long, in microseconds. */
  rows = 0
  micros = 0
  readonly #costOf: CostOf<V> | undefined

  /** `costOf`: of values that are computed together with others. Absent: what the loader took is what the value took. */
  constructor(costOf: CostOf<V> | undefined) {
    this.#costOf = costOf
  }

  /** A value came, so many microseconds after its loader was asked; answers what it cost by itself. */
  took(value: V, micros: number): number | undefined {
    const cost = this.#costOf === undefined ? micros : this.#costOf(value)
    if (cost === undefined) return undefined
    this.rows++
    this.micros += cost
    return cost
  }
}
