// The lines of a run and their answers: one array that is changed in place, so that 10,000 lines cost nothing per answer.
import { signal } from '@preact/signals'
import type { Answer } from './look-up.js'
import type { Way } from './sources.js'

export interface Row {
  readonly text: string
  readonly answer?: Answer
  /** Why there is no answer. */
  readonly error?: string
  /** How it was looked up: what is switched on may be other things by now. */
  readonly way?: Way
  /** The model was loaded for it: its time says nothing of the next one. */
  readonly cold?: boolean
}

/** Read like a signal. The array stays the same one while its rows change. */
export class Rows {
  #rows: Row[] = []
  readonly #version = signal(0)

  /** Whoever reads it hears of changes. */
  get value(): readonly Row[] {
    this.#version.value
    return this.#rows
  }

  peek(): readonly Row[] {
    return this.#rows
  }

  begin(lines: readonly string[]): void {
    this.#rows = lines.map(text => ({ text }))
    this.#version.value++
  }

  /** Puts rows in from `at` on, over those that are there. */
  put(at: number, rows: readonly Row[]): void {
    for (const [i, row] of rows.entries()) this.#rows[at + i] = row
    this.#version.value++
  }
}
