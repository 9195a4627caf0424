// What people are told of the server: that it is lost and back, each time once; that it is full, or forbids something, once. Words only.
import type { StoreStatus, Warn } from '../../ports.js'
import { later } from './deadline.js'
import { inOneLine } from './node-link.js'

const KINDS = ['well', 'partly', 'lost'] as const
type Kind = (typeof KINDS)[number]

/** What is better has to stay so for so long until it is told, ms: a connection that comes and goes is lost once. */
const STEADY_MS = 1000

export class Tell {
  readonly #at: string
  readonly #warn: Warn
  #now: Kind = 'well'
  #told: Kind = 'well'
  #cancel = () => {}
  #times = 0

  constructor(at: string, warn: Warn) {
    this.#at = at
    this.#warn = warn
  }

  status({ state, problem }: StoreStatus): void {
    const now = problem === undefined ? 'well' : state === 'serving' ? 'partly' : 'lost'
    if (now === this.#now) return
    this.#now = now
    this.#cancel()
    this.#cancel = () => {}
    const change = KINDS.indexOf(now) - KINDS.indexOf(this.#told)
    if (change > 0) this.#tell(now, problem)
    else if (change < 0) this.#cancel = later(STEADY_MS, () => this.#tell(now, problem))
  }

  close(): void {
    this.#cancel()
  }

  #tell(now: Kind, problem: string | undefined): void {
    this.#told = now
    this.#times++
    if (now === 'lost') this.#say(`cannot be used, going on without it: ${problem}`, `lost ${this.#times}`)
    else if (now === 'partly')
      this.#say(`serves in part, going on without the rest: ${problem}`, `partly ${this.#times}`)
    else this.#say('serves again', `back ${this.#times}`)
  }

  /** What an answer that is an error means for those that follow. */
  fault(error: Error): 'full' | 'forbidden' | 'other' {
    const said = inOneLine(error)
    if (/^OOM\b/.test(said)) {
      const advice = 'give it more memory, or let it make room by itself: maxmemory-policy allkeys-lfu'
      this.#say(`is full and takes no more vectors; those that it has are read. ${advice}`, 'full')
      return 'full'
    }
    if (/^(NOPERM|READONLY|NOAUTH)\b/.test(said)) {
      this.#say(`does not allow what the cache needs (docs/shared.md has the access list): ${said}`, 'forbidden')
      return 'forbidden'
    }
    return 'other'
  }

  #say(what: string, about: string): void {
    this.#warn(`the shared cache at ${this.#at} ${what}`, undefined, `${this.#at} ${about}`)
  }
}
