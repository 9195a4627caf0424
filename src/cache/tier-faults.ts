// What a tier below memory does when its medium fails: says so, once to people and each time to who listens. Asks no medium.
import { messageOf } from '../errors.js'
import type { SkipReason, TierName, Warn } from '../ports.js'
import type { CacheEvents } from './cache-events.js'
import { isTimeUp } from './within.js'

export type Doing = 'read' | 'write'

export class TierFaults {
  readonly #source: TierName
  readonly #label: string
  readonly #warn: Warn
  readonly #events: CacheEvents<never>
  readonly #toldByStore: boolean

  /** `toldByStore`: the medium says by itself when it is lost. */
  constructor(source: TierName, label: string, warn: Warn, events: CacheEvents<never>, toldByStore = false) {
    this.#source = source
    this.#label = label
    this.#warn = warn
    this.#events = events
    this.#toldByStore = toldByStore
  }

  /** Why the medium is gone on without, of what it threw. */
  failed(what: Doing, error: unknown): SkipReason {
    const why = isTimeUp(error) ? 'timeout' : 'error'
    this.tell(what, why, messageOf(error), error)
    return why
  }

  /** A fault is an event each time, and one warning. */
  tell(what: Doing, why: 'error' | 'timeout' | 'damaged' | 'full', message: string, cause?: unknown): void {
    this.#events.fault({ tier: this.#source, what, why, message })
    if (this.#toldByStore && (why === 'error' || why === 'timeout')) return
    const name = `the ${this.#label} cache`
    const sentence =
      why === 'damaged' ? `not all that ${name} holds can be used: ` : `cannot ${what} ${name}, going on without it: `
    this.#warn(sentence + message, cause, `${this.#source} tier ${this.#label}`)
  }
}
