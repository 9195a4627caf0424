// Whether blocks are asked for in a pattern, and which ones to read before they are: arithmetic over numbers. Reads nothing, keeps no block.

/** Steps that are followed: forwards or backwards, by one or by a stride. */
const LONGEST_STRIDE = 1000
/** Blocks read ahead at first, and as many at most: twice as many each time that all of them were asked for. */
const FIRST_WINDOW = 8
const LAST_WINDOW = 64
/** Of so many blocks read ahead at least half have to be asked for; else nothing is read ahead for PAUSE look-ups that miss. */
const JUDGED = 32
const PAUSE = 256

export interface ReadAheadCounts {
  /** Blocks that were read ahead, and asked for while memory had them. */
  readonly useful: number
  /** Those that nobody asked for. */
  readonly useless: number
  /** Those that may still be. */
  readonly waiting: number
  /** Spent on reading them. */
  readonly micros: number
  /** Too many were useless of late. */
  readonly off: boolean
}

/** Told of each block that was read ahead, when it came to its end, and what reading one took; and of each pause. */
export interface ReadAheadListener {
  ended(outcome: 'useful' | 'useless', blocks: number, micros: number): void
  paused(used: number, judged: number): void
}

/** What to read: `count` blocks from `from` on, `step` apart. The first is the one that was asked for. */
export interface Ahead {
  readonly from: number
  readonly step: number
  readonly count: number
}

/** Three numbers at one distance make a pattern. */
export class ReadAhead {
  readonly #mostBlocks: () => number
  #last = Number.NaN
  #step = 0
  #window = FIRST_WINDOW
  /** Read ahead, and not asked for yet. */
  readonly #waiting = new Set<number>()
  #useful = 0
  #useless = 0
  #micros = 0
  #arrivals = 0
  /** The same, since they were judged last. */
  #lately = { useful: 0, useless: 0 }
  #pause = 0

  readonly #listener: ReadAheadListener | undefined

  /** `mostBlocks`: how many there is room for now; 0: nothing is read ahead. */
  constructor(mostBlocks: () => number, listener?: ReadAheadListener) {
    this.#listener = listener
    this.#mostBlocks = mostBlocks
  }

  get counts(): ReadAheadCounts {
    return {
      useful: this.#useful,
      useless: this.#useless,
      waiting: this.#waiting.size,
      micros: this.#micros,
      off: this.#pause > 0,
    }
  }

  /** Memory had the block. */
  hit(number: number): void {
    if (number === this.#last) return
    this.#note(number)
    if (this.#waiting.size > 0 && this.#waiting.delete(number)) this.#count('useful', 1)
  }

  /** Memory did not have it: what to read at once, where there is a pattern that it goes on with. */
  miss(number: number): Ahead | undefined {
    const follows = this.#note(number)
    // Read ahead, and gone before it was asked for.
    if (this.#waiting.delete(number)) this.#count('useless', 1)
    if (this.#pause > 0) {
      this.#pause--
      return undefined
    }
    if (!follows) return undefined
    // What is left of another pattern, or went from memory.
    if (this.#waiting.size > 0) this.#window = FIRST_WINDOW
    this.#count('useless', this.#waiting.size)
    this.#waiting.clear()
    if (this.#pause > 0) return undefined
    const room = this.#mostBlocks()
    if (room < FIRST_WINDOW) return undefined
    const count = Math.min(this.#window, room)
    this.#window = Math.min(2 * this.#window, LAST_WINDOW)
    return { from: number, step: this.#step, count: count + 1 }
  }

  /** It was read ahead, and is in memory. */
  arrived(number: number): void {
    this.#arrivals++
    this.#waiting.add(number)
  }

  /** So long was spent on reading ahead just now. */
  took(micros: number): void {
    this.#micros += micros
  }

  /** Whether the number goes on with the two before it. */
  #note(number: number): boolean {
    const step = number - this.#last
    const follows = step === this.#step && step !== 0
    this.#step = Math.abs(step) <= LONGEST_STRIDE ? step : 0
    this.#last = number
    return follows
  }

  #count(what: 'useful' | 'useless', blocks: number): void {
    if (what === 'useful') this.#useful += blocks
    else this.#useless += blocks
    if (blocks > 0) this.#listener?.ended(what, blocks, this.#micros / Math.max(1, this.#arrivals))
    const { useful, useless } = this.#lately
    const lately = { useful, useless, [what]: (what === 'useful' ? useful : useless) + blocks }
    const judged = lately.useful + lately.useless >= JUDGED
    if (judged && lately.useless > lately.useful) {
      this.#pause = PAUSE
      this.#listener?.paused(lately.useful, lately.useful + lately.useless)
    }
    this.#lately = judged ? { useful: 0, useless: 0 } : lately
  }
}
