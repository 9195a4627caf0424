// How many texts go to a daemon in one request: a few first, then as many as it does in a moment, so that its answers come steadily and their
// absence says something. Asks nobody.

/** What a request holds at most, in texts and in UTF-16 units. */
export const MOST_TEXTS = 512
export const MOST_UNITS = 2 ** 20
/** How long one request should take, ms. */
const MOMENT_MS = 2000
/** What a text costs besides its units. */
const TEXT_UNITS = 64
/** The first request: a few dozen short texts, or some long ones. */
const FIRST_UNITS = 4096
/** How fast requests may grow: what came from a cache says little of what comes next. */
const MOST_GROWTH = 4

/** The most that one request may take, ms: many times what it should, with the loading of a model. */
export const ANSWER_MS = 20_000

/** Why a daemon is left that ends the request of a single text. */
export const TOO_SLOW = 'the daemon ends requests before it has embedded one text (504)'

export class Portions {
  #units = FIRST_UNITS

  /** How many of `texts`, from the first, go together: at least one. */
  of(texts: Iterable<string>): number {
    let units = 0
    let count = 0
    for (const text of texts) {
      units += TEXT_UNITS + text.length
      if (count > 0 && (units > this.#units || count === MOST_TEXTS)) break
      count++
    }
    return count
  }

  /** A request of `texts` was answered after `ms`. */
  took(texts: readonly string[], ms: number): void {
    const fitting = (unitsOf(texts) * MOMENT_MS) / Math.max(1, ms)
    this.#units = Math.min(MOST_UNITS, Math.max(TEXT_UNITS, fitting), MOST_GROWTH * this.#units)
  }

  /** A request of `texts` took too long for the daemon: half of it next. False where there is no half. */
  tooMuch(texts: readonly string[]): boolean {
    this.#units = unitsOf(texts) / 2
    return texts.length > 1
  }
}

function unitsOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + TEXT_UNITS + text.length, 0)
}
