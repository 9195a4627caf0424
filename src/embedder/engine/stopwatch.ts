// Where a thread's time goes, phase by phase: for whoever tunes, never for what is computed.

import type { Clock } from '../../ports.js'
import type { WorkTimes } from '../protocol.js'

export type Phase = Exclude<keyof WorkTimes, 'batches' | 'rows' | 'paddedTokens'>

/** The thread is in one phase at any time; it begins idle. */
export class Stopwatch {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #times: { -readonly [Name in keyof WorkTimes]: number } = {
    tokenizing: 0,
    packing: 0,
    running: 0,
    pooling: 0,
    answering: 0,
    starved: 0,
    idle: 0,
    batches: 0,
    rows: 0,
    paddedTokens: 0,
  }
  #phase: Phase = 'idle'
  #since: number

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
    this.#since = clock.monotonic()
  }

  get times(): WorkTimes {
    return { ...this.#times }
  }

  /** Another phase begins; answers the one before. */
  begin(phase: Phase): Phase {
    const now = this.#clock.monotonic()
    const before = this.#phase
    this.#times[before] += now - this.#since
    this.#since = now
    this.#phase = phase
    return before
  }

  /** `task` as a phase of its own, in the midst of whichever it is. */
  during<T>(phase: Phase, task: () => T): T {
    const before = this.begin(phase)
    try {
      return task()
    } finally {
      this.begin(before)
    }
  }

  ran(rows: number, paddedTokens: number): void {
    this.#times.batches++
    this.#times.rows += rows
    this.#times.paddedTokens += paddedTokens
  }
}
