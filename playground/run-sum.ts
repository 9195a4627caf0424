// What one press of Embed came to: how many lines from where, how long, how much that saved. Touches no page.
import type { Source } from '../src/public.js'
import type { Board } from './board.js'
import type { Outcome } from './look-up.js'

/** One finished press of Embed. */
export interface Run {
  readonly sources: Readonly<Partial<Record<Source, number>>>
  readonly lines: number
  /** Spent on look-ups, and not on drawing what came of them. */
  readonly ms: number
  /** Of that, for the line that loaded the model. */
  readonly loadMs: number
  /** What the same lines took when they were last computed, loading aside, less `ms`; undefined where not known. */
  readonly savedMs: number | undefined
}

export class RunSum {
  readonly #sources: Partial<Record<Source, number>> = {}
  #lines = 0
  #ms = 0
  #loadMs = 0
  /** Undefined as soon as it is not known of one line. */
  #computingMs: number | undefined = 0

  readonly #board: Pick<Board, 'computingMs'>

  constructor(board: Pick<Board, 'computingMs'>) {
    this.#board = board
  }

  /** After the board has taken the same. */
  add(chunk: readonly string[], outcomes: readonly Outcome[], cold: boolean): void {
    this.#lines += chunk.length
    for (const [i, outcome] of outcomes.entries()) {
      if ('error' in outcome) continue
      const { source, ms } = outcome.answer
      this.#sources[source] = (this.#sources[source] ?? 0) + 1
      this.#ms += ms
      if (cold) this.#loadMs += ms
      const alone = this.#board.computingMs(chunk[i]!)
      this.#computingMs = alone === undefined || this.#computingMs === undefined ? undefined : this.#computingMs + alone
    }
  }

  get run(): Run {
    const savedMs = this.#computingMs === undefined ? undefined : this.#computingMs - this.#ms
    return { sources: this.#sources, lines: this.#lines, ms: this.#ms, loadMs: this.#loadMs, savedMs }
  }
}
