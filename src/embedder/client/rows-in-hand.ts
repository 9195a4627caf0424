// The rows of all jobs that an embedder has in hand: which of them wait, who has the others, and whom a result is told.
// Computes nothing, and keeps no object for a single text: a job is one, and its rows are places in an array.

import { OpDbusError } from '../../errors.js'
import type { Device, EmbedJob } from '../../ports.js'

/** Who has a row: nobody while it waits, then a holder by its number, and nobody for good once it is told or dropped. */
export const WAITING = 0
const GONE = 0xffff
/** Holders are numbered from 1 up to this. */
export const MOST_HOLDERS = GONE - 1

interface Held {
  readonly job: EmbedJob
  /** When it came. */
  readonly at: number
  /** The number of row 0; that of row `i` is `first + i`. */
  readonly first: number
  /** Row by row. */
  readonly holders: Uint16Array
  /** Rows that are neither told nor dropped. */
  open: number
}

/** Rows that one holder takes at a time: `texts[i]` goes by `numbers[i]`, in ascending order. */
export interface Taken {
  readonly numbers: readonly number[]
  readonly texts: readonly string[]
}

/** Finished rows: row `i` of `matrix` (row-major) is the vector of `numbers[i]`. The others are as in `EmbeddedRows`. */
export interface Finished {
  readonly numbers: ArrayLike<number>
  readonly matrix: Float32Array
  readonly tokens: ArrayLike<number>
  readonly truncated: ArrayLike<number>
  readonly device: Device
}

/**
 * Rows are numbered in order of arrival, and no number is used twice: what comes late for a row that is told or dropped finds
 * nobody. The numbers are whole numbers below 2^53.
 */
export class RowsInHand {
  readonly #dims: number
  readonly #now: () => number
  /** In order of arrival, so of their numbers. Those whose rows are all gone are taken out now and then. */
  #jobs: Held[] = []
  #finishedJobs = 0
  readonly #heldOf = new Map<EmbedJob, Held>()
  #next = 1
  /** No row below this number waits. */
  #unsent = 0
  #open = 0
  /** Rows by holder; those that wait are the first. */
  readonly #counts: number[] = [0]

  /** `now`: of a clock, for who asks when a row came. */
  constructor(dims: number, now: () => number = () => 0) {
    this.#dims = dims
    this.#now = now
  }

  /** Rows that are neither told nor dropped. */
  get size(): number {
    return this.#open
  }

  /** Rows that nobody has taken yet. */
  get waiting(): number {
    return this.#counts[WAITING]!
  }

  /** Rows that `holder` has. */
  of(holder: number): number {
    return this.#counts[holder] ?? 0
  }

  /** When the row came; undefined where its job is over. */
  cameAt(number: number): number | undefined {
    const held = this.#jobs[this.#indexOf(number)]
    return held !== undefined && number < held.first + held.holders.length ? held.at : undefined
  }

  add(job: EmbedJob): void {
    const open = job.texts.length
    if (open === 0) return
    const held: Held = { job, at: this.#now(), first: this.#next, holders: new Uint16Array(open), open }
    this.#jobs.push(held)
    this.#heldOf.set(job, held)
    this.#next += open
    this.#open += open
    this.#counts[WAITING]! += open
  }

  /** Gives the oldest rows that wait to `holder`, `most` at most. */
  take(holder: number, most: number): Taken {
    const count = Math.min(most, this.waiting)
    const numbers = new Array<number>(count)
    const texts = new Array<string>(count)
    let taken = 0
    for (let at = Math.max(0, this.#indexOf(this.#unsent)); taken < count; at++) {
      const { job, first, holders } = this.#jobs[at]!
      let row = Math.max(0, this.#unsent - first)
      for (; row < holders.length && taken < count; row++) {
        if (holders[row] !== WAITING) continue
        holders[row] = holder
        numbers[taken] = first + row
        texts[taken++] = job.texts[row]!
      }
      this.#unsent = first + row
    }
    this.#counts[WAITING]! -= count
    this.#counts[holder] = this.of(holder) + count
    return { numbers, texts }
  }

  /** Tells each job its part, as far as somebody waits for it; answers how many rows that were. */
  tell(finished: Finished): number {
    const { numbers } = finished
    let told = 0
    for (const [held, places] of this.#byJob(numbers)) {
      // Looked at only now: who was told before may have dropped some of these.
      const live = places.filter(place => this.#settle(held, numbers[place]! - held.first))
      told += live.length
      if (live.length === 0) continue
      const rows = live.map(place => numbers[place]! - held.first)
      const { tokens, truncated, device } = finished
      held.job.done({
        rows,
        matrix: this.#rowsOf(finished.matrix, live),
        tokens: live.map(place => tokens[place]!),
        truncated: live.map(place => truncated[place]!),
        device,
      })
    }
    return told
  }

  /** Tells these rows that they failed, as far as somebody waits for them; answers how many they were. */
  fail(numbers: ArrayLike<number>, error: OpDbusError): number {
    let told = 0
    for (const [held, places] of this.#byJob(numbers)) {
      const rows = places.map(place => numbers[place]! - held.first).filter(row => this.#settle(held, row))
      told += rows.length
      if (rows.length > 0) held.job.failed(rows, error)
    }
    return told
  }

  /** The same with all that `holder` has, or with all rows there are. */
  failAll(error: OpDbusError, holder?: number): void {
    const failed: [EmbedJob, number[]][] = []
    for (const held of [...this.#jobs]) {
      const rows: number[] = []
      for (const [row, who] of held.holders.entries())
        if ((holder === undefined || who === holder) && this.#settle(held, row)) rows.push(row)
      if (rows.length > 0) failed.push([held.job, rows])
    }
    for (const [job, rows] of failed) job.failed(rows, error)
  }

  /** Nobody waits for these any more. Answers the numbers of those that somebody has, by holder. */
  drop(job: EmbedJob, rows: readonly number[]): ReadonlyMap<number, readonly number[]> {
    const taken = new Map<number, number[]>()
    const held = this.#heldOf.get(job)
    if (!held) return taken
    for (const row of rows) {
      const holder = held.holders[row]
      if (!this.#settle(held, row) || holder === undefined || holder === WAITING) continue
      const numbers = taken.get(holder)
      if (numbers) numbers.push(held.first + row)
      else taken.set(holder, [held.first + row])
    }
    return taken
  }

  /** False where the row is gone already, or is none. */
  #settle(held: Held, row: number): boolean {
    const holder = held.holders[row]
    if (holder === undefined || holder === GONE) return false
    held.holders[row] = GONE
    this.#open--
    this.#counts[holder]!--
    if (--held.open === 0) this.#finish(held)
    return true
  }

  #finish({ job }: Held): void {
    this.#heldOf.delete(job)
    if (++this.#finishedJobs * 2 <= this.#jobs.length) return
    this.#jobs = this.#jobs.filter(held => held.open > 0)
    this.#finishedJobs = 0
  }

  /** The places in `numbers` that belong to each job. */
  #byJob(numbers: ArrayLike<number>): ReadonlyMap<Held, number[]> {
    const groups = new Map<Held, number[]>()
    let held: Held | undefined
    let places: number[] = []
    for (let place = 0; place < numbers.length; place++) {
      const number = numbers[place]!
      if (!held || number < held.first || number >= held.first + held.holders.length) {
        held = this.#jobs[this.#indexOf(number)]
        if (!held) continue
        places = groups.get(held) ?? []
        groups.set(held, places)
      }
      places.push(place)
    }
    return groups
  }

  /** The index of the last job that begins at `number` or before; -1 where there is none. */
  #indexOf(number: number): number {
    let low = -1
    let high = this.#jobs.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (this.#jobs[middle]!.first <= number) low = middle
      else high = middle
    }
    return low
  }

  /** Rows that lie side by side as a view, but one alone as a copy: it may be kept for long, and the whole matrix with it. */
  #rowsOf(matrix: Float32Array, places: readonly number[]): Float32Array {
    const dims = this.#dims
    const first = places[0]!
    const end = places.at(-1)! + 1
    if (places.length > 1 && end - first === places.length)
      return places.length * dims === matrix.length ? matrix : matrix.subarray(first * dims, end * dims)
    const own = new Float32Array(places.length * dims)
    for (const [to, from] of places.entries()) own.set(matrix.subarray(from * dims, (from + 1) * dims), to * dims)
    return own
  }
}

/** What is thrown where more texts are handed over than there is room for. */
export function overloaded(maxQueue: number): OpDbusError {
  return new OpDbusError('OVERLOADED', `${maxQueue} texts are waiting already`, { details: { maxQueue } })
}
