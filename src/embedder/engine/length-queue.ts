// Rows that wait for a batch, by what they cost: cutting a batch sorts nothing. Knows nothing of texts, and runs nothing.

/** Rows that were dropped and still stand in a bucket before it is put in order, beside as many as wait in it. */
const MOST_DROPPED = 1024

/** Rows of one cost, oldest first, from `head` on. Those that were dropped stay until they are passed. */
interface Bucket {
  rows: number[]
  head: number
  waiting: number
}

/**
 * A row is a whole number; later rows have higher ones. Its cost is a whole number from 1 on. `waits` says whether somebody
 * still waits for a row that was added and not yet cut.
 */
export class LengthQueue {
  readonly #waits: (row: number) => boolean
  /** By cost. */
  readonly #buckets: Bucket[] = []
  #rows = 0
  #cost = 0

  constructor(waits: (row: number) => boolean) {
    this.#waits = waits
  }

  get rows(): number {
    return this.#rows
  }

  /** The sum of their costs. */
  get cost(): number {
    return this.#cost
  }

  add(row: number, cost: number): void {
    while (this.#buckets.length <= cost) this.#buckets.push({ rows: [], head: 0, waiting: 0 })
    const bucket = this.#buckets[cost]!
    bucket.rows.push(row)
    bucket.waiting++
    this.#rows++
    this.#cost += cost
  }

  /** A row of that cost does not wait any more. */
  dropped(cost: number): void {
    const bucket = this.#buckets[cost]!
    this.#leave(bucket, cost, 1)
    if (bucket.rows.length - bucket.head <= 2 * bucket.waiting + MOST_DROPPED) return
    bucket.rows = bucket.rows.slice(bucket.head).filter(this.#waits)
    bucket.head = 0
  }

  /**
   * Cuts all that waits, dearest first, into batches of at most `maxRows` rows whose number times the cost of their dearest is at
   * most `budget`, a row that alone costs more in one of its own; and takes out the batch that has the oldest row of all. Of
   * rows that cost the same the oldest are taken. Empty when nothing waits.
   */
  cut(budget: number, maxRows: number): number[] {
    const oldest = this.#costOfOldest()
    let cost = this.#below(this.#buckets.length)
    let left = this.#buckets[cost]?.waiting ?? 0
    while (cost > 0) {
      const most = Math.max(1, Math.min(maxRows, Math.floor(budget / cost)))
      const shares: [cost: number, rows: number][] = []
      let found = false
      for (let room = most; room > 0 && cost > 0; ) {
        const share = Math.min(room, left)
        // The oldest row is the first of its bucket, which a batch reaches that takes all that is left of it from the start.
        found ||= cost === oldest && left === this.#buckets[cost]!.waiting
        shares.push([cost, share])
        room -= share
        left -= share
        if (left > 0) continue
        cost = this.#below(cost)
        left = this.#buckets[cost]?.waiting ?? 0
      }
      if (found) return shares.flatMap(([of, rows]) => this.#take(of, rows))
    }
    return []
  }

  /** 0 when nothing waits. */
  #costOfOldest(): number {
    let oldest = Infinity
    let found = 0
    for (let cost = this.#below(this.#buckets.length); cost > 0; cost = this.#below(cost)) {
      const row = this.#first(this.#buckets[cost]!)
      if (row >= oldest) continue
      oldest = row
      found = cost
    }
    return found
  }

  /** The next lower cost of which a row waits; 0 where there is none. */
  #below(cost: number): number {
    do cost--
    while (cost > 0 && this.#buckets[cost]!.waiting === 0)
    return Math.max(cost, 0)
  }

  /** The oldest row of a bucket in which one waits. */
  #first(bucket: Bucket): number {
    while (!this.#waits(bucket.rows[bucket.head]!)) bucket.head++
    return bucket.rows[bucket.head]!
  }

  #take(cost: number, count: number): number[] {
    const bucket = this.#buckets[cost]!
    const taken: number[] = []
    while (taken.length < count) {
      taken.push(this.#first(bucket))
      bucket.head++
    }
    this.#leave(bucket, cost, count)
    return taken
  }

  #leave(bucket: Bucket, cost: number, rows: number): void {
    bucket.waiting -= rows
    this.#rows -= rows
    this.#cost -= rows * cost
    if (bucket.waiting > 0 && bucket.head * 2 < bucket.rows.length) return
    // What lies before the head was cut; where nothing waits the rest was dropped.
    bucket.rows = bucket.waiting > 0 ? bucket.rows.slice(bucket.head) : []
    bucket.head = 0
  }
}
