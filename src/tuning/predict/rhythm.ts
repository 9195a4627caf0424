// How often one entry is asked for, and when it is likely to be asked for next. Arithmetic over times that it is told.

/** Weights of the newest interval: those of the round-trip estimator of TCP (Jacobson 1988; RFC 6298). */
const MEAN_WEIGHT = 1 / 8
const DEVIATION_WEIGHT = 1 / 4
/** Deviations (mean, absolute) within which most intervals lie, and nearly all: 4 is of the same source. */
const MOST = 2
const NEARLY_ALL = 4
/** What the first interval is thought to be off by: half of that of RFC 6298, which may wait, where here the next ask may come before. */
const FIRST_DEVIATION = 1 / 4
/** The estimate follows so many times faster while it stands on few intervals. */
const YOUNG = 8
/** Asks that are one are nearer to one another than this part of what they could be apart. */
const DENSE = 8

/** All times in ms. */
export class Rhythm {
  #last = Number.NEGATIVE_INFINITY
  #mean = 0
  #deviation = 0
  /** Intervals in a row that were no longer than asked for. */
  #run = 0
  /** Asks come all the time, not at the ends of intervals alone: in the last interval, and in this one. */
  #isDense = false
  #wasDense = false

  /** Asked at `now`. Asks within `together` of one another are one; an interval longer than `longest` begins anew. */
  note(now: number, together: number, longest: number): void {
    const interval = now - this.#last
    if (interval < together) {
      this.#isDense ||= interval > together / DENSE
      return
    }
    this.#last = now
    this.#wasDense = this.#isDense
    this.#isDense = false
    if (interval > longest) {
      this.#run = 0
      return
    }
    this.#run++
    if (this.#run === 1) {
      this.#mean = interval
      this.#deviation = FIRST_DEVIATION * interval
      return
    }
    const off = interval - this.#mean
    this.#deviation += Math.max(DEVIATION_WEIGHT, 1 / Math.min(this.#run, YOUNG)) * (Math.abs(off) - this.#deviation)
    this.#mean += Math.max(MEAN_WEIGHT, 1 / this.#run) * off
  }

  get run(): number {
    return this.#run
  }

  get mean(): number {
    return this.#mean
  }

  get deviation(): number {
    return this.#deviation
  }

  /** Whether it has been silent for longer than asks are apart. */
  isSilent(now: number): boolean {
    return now - this.#last > 2 * this.#mean + NEARLY_ALL * this.#deviation
  }

  /** The earliest time, not before `time`, at which the next ask is to be expected; asks may come `slack` early. */
  nextAfter(time: number, slack: number): number {
    if (this.#isDense || this.#wasDense) return time
    const early = MOST * this.#deviation + slack
    const ahead = Math.max(1, Math.ceil((time - early - this.#last) / this.#mean))
    return Math.max(time, this.#last + ahead * this.#mean - early)
  }
}
