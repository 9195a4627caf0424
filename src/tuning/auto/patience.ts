// How long something has to look well before it is tried, and how long it is left alone after it did not pay. Counts periods; knows no time.

/** Periods that something is left alone for after it failed; twice as many each time, up to the most. */
const FIRST_WAIT = 4
const MOST_WAIT = 256

export class Patience {
  #period = 0
  /** Periods in a row in which it looked well. */
  #streaks = new Map<string, number>()
  readonly #waits = new Map<string, { readonly until: number; readonly periods: number }>()

  nextPeriod(): void {
    this.#period++
  }

  /** What looked well in this period; the streak of all others ends. */
  seen(keys: readonly string[]): void {
    this.#streaks = new Map(keys.map(key => [key, (this.#streaks.get(key) ?? 0) + 1]))
  }

  /** Whether it has looked well for so many periods, and is not left alone. */
  has(key: string, periods: number): boolean {
    return (this.#streaks.get(key) ?? 0) >= periods && this.#period >= (this.#waits.get(key)?.until ?? 0)
  }

  failed(key: string): void {
    const periods = Math.min(MOST_WAIT, 2 * (this.#waits.get(key)?.periods ?? FIRST_WAIT / 2))
    this.#waits.set(key, { until: this.#period + periods, periods })
  }

  paid(key: string): void {
    const wait = this.#waits.get(key)
    if (wait) this.#waits.set(key, { until: 0, periods: Math.max(FIRST_WAIT / 2, wait.periods / 2) })
  }
}
