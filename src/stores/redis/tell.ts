// What people are told of the server: that it is lost and back, each time once; that it is full, or forbids something, once. Words only.
import type { StoreStatus, Warn } from '../../ports.js'
import { inOneLine } from './node-link.js'

export class Tell {
  readonly #at: string
  readonly #warn: Warn
  #problem: string | undefined
  #since = 0
  #times = 0

  constructor(at: string, warn: Warn) {
    this.#at = at
    this.#warn = warn
  }

  status({ problem }: StoreStatus): void {
    if ((problem === undefined) === (this.#problem === undefined)) {
      this.#problem = problem
      return
    }
    this.#problem = problem
    if (problem !== undefined) {
      this.#since = performance.now()
      this.#times++
      this.#say(`cannot be used, going on without it: ${problem}`, `lost ${this.#times}`)
      return
    }
    const seconds = ((performance.now() - this.#since) / 1000).toFixed(1)
    this.#say(`serves again, after ${seconds} s`, `back ${this.#times}`)
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
