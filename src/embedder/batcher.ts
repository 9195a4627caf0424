// Groups items into batches that share one call. No timer: what was added in one turn goes together, the rest follows
// as soon as a lane is free. Knows nothing of texts or tokens.

import { asFailure, type OpDbusError } from '../errors.js'

export interface BatcherOptions<T> {
  /**
   * Most a batch may cost; a function is asked for every batch, and told what all that is queued costs. Every row
   * of a batch costs as much as its dearest one, since rows are padded to the longest. One item always fits.
   */
  readonly budget: number | ((queuedCost: number) => number)
  /** Most rows in a batch. Default: no limit but the budget. */
  readonly maxRows?: number
  /** Batches that may run at the same time. Default 1. */
  readonly lanes?: number
  /** Run the halves of a batch that failed with EMBEDDER_FAILED, down to the culprit; else the whole batch fails. */
  readonly halve: boolean
  /** At least 1. */
  cost(item: T): number
  /** Settles every item itself. A rejection means that none was settled. `signal`: every item was dropped. */
  run(items: readonly T[], signal: AbortSignal): Promise<void>
  /** Settles one item with an error. */
  fail(item: T, error: OpDbusError): void
  /** Awaited between batches, so that what arrived in the meantime can join the next. */
  yieldToEventLoop?(): Promise<void>
}

interface Entry<T> {
  readonly item: T
  readonly cost: number
  batch: Batch | undefined
}

interface Batch {
  readonly controller: AbortController
  /** Items that somebody still waits for. */
  waiting: number
}

/** The oldest item is always in the next batch, with those nearest to it in cost. */
export class Batcher<T> {
  readonly #options: BatcherOptions<T>
  readonly #entries = new Map<T, Entry<T>>()
  /** In order of arrival; what was dropped stays until the next batch is cut. */
  #queue: Entry<T>[] = []
  #queued = 0
  #queuedCost = 0
  #running = 0
  #scheduled = false

  constructor(options: BatcherOptions<T>) {
    this.#options = options
  }

  /** Items queued or running. */
  get size(): number {
    return this.#entries.size
  }

  /** Items not yet in a batch. */
  get queued(): number {
    return this.#queued
  }

  /** The sum of their costs. */
  get queuedCost(): number {
    return this.#queuedCost
  }

  add(item: T): void {
    const entry: Entry<T> = { item, cost: this.#options.cost(item), batch: undefined }
    this.#entries.set(item, entry)
    this.#queue.push(entry)
    this.#queued++
    this.#queuedCost += entry.cost
    this.#schedule()
  }

  /** Forgets an item, for good: it is settled by its owner. Nothing happens when it is not (or no longer) here. */
  drop(item: T): void {
    const entry = this.#entries.get(item)
    if (!entry) return
    this.#entries.delete(item)
    if (!entry.batch) {
      this.#queued--
      this.#queuedCost -= entry.cost
      if (this.#queue.length > 2 * this.#queued + 1024) this.#queue = this.#live()
    } else if (--entry.batch.waiting === 0) entry.batch.controller.abort()
  }

  #schedule(): void {
    if (this.#scheduled || this.#running >= (this.#options.lanes ?? 1)) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      while (this.#queued > 0 && this.#running < (this.#options.lanes ?? 1)) void this.#lane(this.#take())
    })
  }

  async #lane(batch: Entry<T>[]): Promise<void> {
    this.#running++
    const controller = new AbortController()
    const shared: Batch = { controller, waiting: batch.length }
    for (const entry of batch) entry.batch = shared
    await this.#attempt(batch, controller.signal)
    if (this.#queued > 0) await this.#options.yieldToEventLoop?.()
    this.#running--
    this.#schedule()
  }

  async #attempt(batch: readonly Entry<T>[], signal: AbortSignal): Promise<void> {
    const live = batch.filter(entry => this.#entries.has(entry.item))
    if (live.length === 0) return
    try {
      await this.#options.run(
        live.map(entry => entry.item),
        signal,
      )
      for (const entry of live) this.#entries.delete(entry.item)
    } catch (cause) {
      const error = asFailure(cause)
      if (this.#options.halve && live.length > 1 && error.code === 'EMBEDDER_FAILED') {
        const middle = live.length >> 1
        await this.#attempt(live.slice(0, middle), signal)
        await this.#attempt(live.slice(middle), signal)
        return
      }
      for (const entry of live) if (this.#entries.delete(entry.item)) this.#options.fail(entry.item, error)
    }
  }

  #live(): Entry<T>[] {
    return this.#queue.filter(entry => this.#entries.has(entry.item))
  }

  /** Cuts the queue, sorted by cost, into batches, and takes the one with the oldest item. */
  #take(): Entry<T>[] {
    const { maxRows = Infinity, budget: limit } = this.#options
    const budget = typeof limit === 'number' ? limit : limit(this.#queuedCost)
    const live = this.#live()
    const oldest = live[0]
    const byCost = [...live].sort((a, b) => b.cost - a.cost)
    let start = 0
    let found = false
    let end = 0
    for (; end < byCost.length; end++) {
      const rows = end - start + 1
      if (rows > 1 && (rows > maxRows || rows * byCost[start]!.cost > budget)) {
        if (found) break
        start = end
      }
      found ||= byCost[end] === oldest
    }
    const batch = byCost.slice(start, end)
    const taken = new Set(batch)
    this.#queue = live.filter(entry => !taken.has(entry))
    this.#queued = this.#queue.length
    this.#queuedCost = this.#queue.reduce((sum, entry) => sum + entry.cost, 0)
    return batch
  }
}
