// What computing an embedding takes of late: told by whatever computes, a batch at a time. Arithmetic; reads no clock.
import type { Embedding } from '../ports.js'

/** How much a batch counts for by itself, at most: a fifth, so that one that met a busy machine changes little. */
const SHARE = 0.2

export class CostMeter {
  /** Microseconds; undefined before any batch. */
  #perToken: number | undefined
  #perRow: number | undefined

  /** A batch of so many texts took so long. `tokens`: of all of them, without padding; 0 where nobody counts them. */
  ran(rows: number, tokens: number, micros: number): void {
    if (rows > 0) this.#perRow = blend(this.#perRow, micros / rows)
    if (tokens > 0) this.#perToken = blend(this.#perToken, micros / tokens)
  }

  /**
   * Microseconds of computing one text of so many tokens, within batches as they were of late: its share of them by tokens, or by texts where
   * nobody counts tokens. Undefined before the first batch.
   */
  readonly costOf = ({ tokens }: Pick<Embedding, 'tokens'>): number | undefined =>
    tokens > 0 && this.#perToken !== undefined ? tokens * this.#perToken : this.#perRow
}

function blend(before: number | undefined, now: number): number {
  return before === undefined ? now : (1 - SHARE) * before + SHARE * now
}
