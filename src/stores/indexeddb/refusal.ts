// That the browser has refused to store more, and how long it is left alone for that. Touches no database.
import type { OpDbusError } from '../../errors.js'
import type { Clock } from '../../ports.js'
import { nameOf, storeError } from './problem.js'

/** After the browser refused to store more, writes pause this long, in ms, and twice as long each time, up to the second. */
const FULL_MS = 15_000
const FULL_MAX_MS = 4 * 60_000

export class Refusal {
  /** What writes fail with; undefined while there is room. */
  error: OpDbusError | undefined
  #until = 0
  #times = 0
  readonly #options: { readonly name: string; readonly database: string; readonly clock: Clock }

  constructor(options: { readonly name: string; readonly database: string; readonly clock: Clock }) {
    this.#options = options
  }

  get pausing(): boolean {
    return this.error !== undefined && this.#options.clock.monotonic() < this.#until
  }

  /** Not even a little goes in. */
  begin(cause: unknown): OpDbusError {
    const { name, database, clock } = this.#options
    this.#until = clock.monotonic() + Math.min(FULL_MS * 2 ** this.#times++, FULL_MAX_MS)
    const why = new Error('the browser gives this site no more storage\nnew values stay in memory only', { cause })
    this.error = storeError(name, database, why, 'full')
    return this.error
  }

  end(): void {
    this.error = undefined
    this.#times = 0
  }
}

/** Of what a transaction, or a call of the store, failed with. */
export function quotaExceeded(error: unknown): boolean {
  return [error, (error as Error | null | undefined)?.cause].some(one => nameOf(one) === 'QuotaExceededError')
}
