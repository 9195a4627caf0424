// Whether a predictor is worth it: of what it fetched lately at least half has to be asked for, else it pauses. Counts; has no clock.

/** Of so many fetches at least half have to be used. As in the read-ahead of blocks (src/blockchain/read-ahead.ts). */
const JUDGED = 32
/** After a pause it is judged by so many. */
const SAMPLE = 8
/** Occasions to fetch that the first pause lasts, and the longest: each is twice as long as the one before. */
const FIRST_PAUSE = 64
const LONGEST_PAUSE = 4096

export interface Verdict {
  readonly used: number
  readonly judged: number
  /** Occasions that are passed over now. */
  readonly pause: number
}

export class Judge {
  #used = 0
  #judged = 0
  #window = JUDGED
  #next = FIRST_PAUSE
  #pause = 0

  get paused(): boolean {
    return this.#pause > 0
  }

  /** There is something to fetch: whether it may be. */
  occasion(): boolean {
    if (this.#pause === 0) return true
    this.#pause--
    return false
  }

  /** What was fetched came to its end. The verdict, where it begins a pause. */
  note(used: boolean): Verdict | undefined {
    this.#judged++
    if (used) this.#used++
    if (this.#judged < this.#window) return undefined
    const [judged, good] = [this.#judged, this.#used]
    this.#judged = 0
    this.#used = 0
    if (2 * good >= judged) {
      this.#window = JUDGED
      this.#next = FIRST_PAUSE
      return undefined
    }
    this.#window = SAMPLE
    this.#pause = this.#next
    this.#next = Math.min(2 * this.#next, LONGEST_PAUSE)
    return { used: good, judged, pause: this.#pause }
  }
}
