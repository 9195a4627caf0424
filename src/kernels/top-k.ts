// The k highest of many scores. Ties go to the lower index, or all to the higher one, so that every device gives the same rows.
import type { NearestRows } from '../ports.js'

/** The `k` highest of the scores that it is given: a heap with the worst on top. */
export class Highest {
  readonly #rows: Uint32Array
  readonly #scores: Float32Array
  readonly #higher: boolean
  #size = 0

  /** `higher`: of equal scores the one with the higher row comes first. */
  constructor(k: number, higher: boolean) {
    this.#rows = new Uint32Array(k)
    this.#scores = new Float32Array(k)
    this.#higher = higher
  }

  get full(): boolean {
    return this.#size === this.#rows.length
  }

  /** The lowest score that it has. */
  get worst(): number {
    return this.#scores[0]!
  }

  add(row: number, score: number): void {
    if (!this.full) {
      this.#rise(this.#size++, row, score)
    } else if (this.#size > 0 && this.#isBehind(this.#rows[0]!, this.#scores[0]!, row, score)) {
      this.#sink(row, score, this.#size)
    }
  }

  /** What it has, best first. Ends it. */
  take(): NearestRows {
    const [rows, scores] = [this.#rows.subarray(0, this.#size), this.#scores.subarray(0, this.#size)]
    // The worst goes to the end, one after the other: what is left is in order.
    for (let end = this.#size - 1; end > 0; end--) {
      const [row, score] = [rows[end]!, scores[end]!]
      rows[end] = rows[0]!
      scores[end] = scores[0]!
      this.#sink(row, score, end)
    }
    this.#size = 0
    return { rows, scores }
  }

  /** Whether row `a` belongs behind row `b`. */
  #isBehind(a: number, scoreOfA: number, b: number, scoreOfB: number): boolean {
    return scoreOfA < scoreOfB || (scoreOfA === scoreOfB && a > b !== this.#higher)
  }

  #rise(from: number, row: number, score: number): void {
    const [rows, scores] = [this.#rows, this.#scores]
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isBehind(row, score, rows[parent]!, scores[parent]!)) break
      rows[at] = rows[parent]!
      scores[at] = scores[parent]!
      at = parent
    }
    rows[at] = row
    scores[at] = score
  }

  /** In place of the one on top, among the first `end`. */
  #sink(row: number, score: number, end: number): void {
    const [rows, scores] = [this.#rows, this.#scores]
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= end) break
      if (child + 1 < end && this.#isBehind(rows[child + 1]!, scores[child + 1]!, rows[child]!, scores[child]!)) child++
      if (!this.#isBehind(rows[child]!, scores[child]!, row, score)) break
      rows[at] = rows[child]!
      scores[at] = scores[child]!
      at = child
    }
    rows[at] = row
    scores[at] = score
  }
}

/**
 * The `k` highest of `scores`, best first; all of them where there are fewer. Most scores cost one comparison, whatever k is. `higher`: of
 * equal scores the one with the higher index comes first.
 */
export function topK(scores: Float32Array, k: number, higher = false): NearestRows {
  const size = Math.min(k, scores.length)
  const best = new Highest(size, higher)
  // Looked at from the end that wins ties: an equal score that comes later belongs behind all that are in.
  const last = scores.length - 1
  for (let i = 0; i < size; i++) {
    const index = higher ? last - i : i
    best.add(index, scores[index]!)
  }
  if (size > 0) {
    let { worst } = best
    for (let i = size; i < scores.length; i++) {
      const index = higher ? last - i : i
      if (!(scores[index]! > worst)) continue
      best.add(index, scores[index]!)
      worst = best.worst
    }
  }
  return best.take()
}

/** Those of at least `least`. */
export function cutBelow({ rows, scores }: NearestRows, least: number): NearestRows {
  let kept = scores.length
  while (kept > 0 && scores[kept - 1]! < least) kept--
  return { rows: rows.slice(0, kept), scores: scores.slice(0, kept) }
}
