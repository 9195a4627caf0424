// What a cache saved, worked out from what it counted and measured. Arithmetic only.

/** Counts that only grow, for the lifetime counters as well. Times are microseconds. */
export interface Work {
  /** Look-ups that memory answered. */
  readonly memoryHits: number
  /** Values that were computed here, as far as it was measured how long that took; and how long. */
  readonly computed: number
  readonly computeMicros: number
  /** Values that the disk brought, and how long it was asked for them. */
  readonly reads: number
  readonly readMicros: number
  /** Asking the tiers below memory, whatever they had, and writing to them; and fetching what nobody asked for then. */
  readonly spentMicros: number
  /** Of the hits, those of what was fetched for them: only earlier than it would have been, so that nothing was saved. */
  readonly foreseen: number
}

export const NO_WORK: Work = {
  memoryHits: 0,
  computed: 0,
  computeMicros: 0,
  reads: 0,
  readMicros: 0,
  spentMicros: 0,
  foreseen: 0,
}

/** Microseconds. An estimate: a hit saved what the like of it took on average where it was measured. */
export interface Savings {
  /** Computing that hits of any tier made needless. */
  readonly computeMicros: number
  /** Reading of the disk that hits of memory made needless: what memory saved over having the disk alone, so no part of the above. */
  readonly diskMicros: number
}

/** What so much work saved, over all of it. */
export function savingsOf(hits: number, work: Work): Savings {
  return {
    computeMicros: Math.max(0, hits - work.foreseen) * (mean(work.computeMicros, work.computed) ?? 0),
    diskMicros: Math.max(0, work.memoryHits - work.foreseen) * (mean(work.readMicros, work.reads) ?? 0),
  }
}

/**
 * The same as it goes on: each hit counts by the mean of the time when it was looked at, so that the sums never fall. Hits of before anything
 * was measured wait until something was.
 */
export class SavingsMeter {
  #hits = 0
  #memoryHits = 0
  #computeMicros = 0
  #diskMicros = 0

  /** `others`: measured by other processes, and used as long as this one has not measured the like. */
  take(hits: number, work: Work, others: Work = NO_WORK): Savings {
    const [saving, memorySaving] = [hits - work.foreseen, work.memoryHits - work.foreseen]
    const compute = mean(work.computeMicros, work.computed) ?? mean(others.computeMicros, others.computed)
    if (compute !== undefined) {
      this.#computeMicros += Math.max(0, saving - this.#hits) * compute
      this.#hits = Math.max(this.#hits, saving)
    }
    const read = mean(work.readMicros, work.reads) ?? mean(others.readMicros, others.reads)
    if (read !== undefined) {
      this.#diskMicros += Math.max(0, memorySaving - this.#memoryHits) * read
      this.#memoryHits = Math.max(this.#memoryHits, memorySaving)
    }
    return { computeMicros: this.#computeMicros, diskMicros: this.#diskMicros }
  }
}

function mean(sum: number, count: number): number | undefined {
  return count > 0 ? sum / count : undefined
}
