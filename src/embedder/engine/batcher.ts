// Groups rows into batches, one after another. No timer: what was added in one turn goes together, the rest follows as soon as
// the batch before is done. Knows nothing of texts or tokens.

import { asFailure, type OpDbusError } from '../../errors.js'
import { LengthQueue } from './length-queue.js'

export interface BatcherOptions {
  /**
   * Most a batch may cost, asked for every batch and told what all that is queued costs. Every row of a batch costs as much as
   * its dearest one, since rows are padded to the longest. One row always fits.
   */
  budget(queuedCost: number): number
  /** Most rows in a batch. Default: no limit but the budget. */
  readonly maxRows?: number
  /** Whether somebody waits for a row that was added and is not settled. */
  waits(row: number): boolean
  /** These are in a batch from now on: whoever drops one of them need not say so. */
  cut(rows: readonly number[]): void
  /** Settles every row itself. A rejection means that none was settled. */
  run(rows: readonly number[]): Promise<void>
  /** Settles rows with an error. */
  fail(rows: readonly number[], error: OpDbusError): void
  /** Awaited between batches, so that what arrived in the meantime can join the next. */
  yieldToEventLoop?(): Promise<void>
}

/**
 * The oldest row is always in the next batch, with those nearest to it in cost. A batch that failed with EMBEDDER_FAILED is run
 * again in halves, down to the culprit.
 */
export class Batcher {
  readonly #options: BatcherOptions
  readonly #queue: LengthQueue
  #running = false
  #scheduled = false

  constructor(options: BatcherOptions) {
    this.#options = options
    this.#queue = new LengthQueue(row => options.waits(row))
  }

  /** Rows not yet in a batch. */
  get queued(): number {
    return this.#queue.rows
  }

  /** The sum of their costs. */
  get queuedCost(): number {
    return this.#queue.cost
  }

  /** Rows are added in ascending order; a cost is a whole number from 1 on. */
  add(row: number, cost: number): void {
    this.#queue.add(row, cost)
    this.#schedule()
  }

  /** Nobody waits any more for a row of this cost that is not yet in a batch. */
  dropped(cost: number): void {
    this.#queue.dropped(cost)
  }

  #schedule(): void {
    if (this.#scheduled || this.#running) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      if (this.#queue.rows > 0) void this.#next()
    })
  }

  async #next(): Promise<void> {
    this.#running = true
    const { budget, maxRows = Infinity, yieldToEventLoop } = this.#options
    const batch = this.#queue.cut(budget(this.#queue.cost), maxRows)
    this.#options.cut(batch)
    await this.#attempt(batch)
    if (this.#queue.rows > 0) await yieldToEventLoop?.()
    this.#running = false
    this.#schedule()
  }

  async #attempt(rows: readonly number[]): Promise<void> {
    const live = rows.filter(this.#options.waits)
    if (live.length === 0) return
    try {
      await this.#options.run(live)
    } catch (cause) {
      const error = asFailure(cause)
      if (live.length > 1 && error.code === 'EMBEDDER_FAILED') {
        const middle = live.length >> 1
        await this.#attempt(live.slice(0, middle))
        await this.#attempt(live.slice(middle))
      } else this.#options.fail(live.filter(this.#options.waits), error)
    }
  }
}
