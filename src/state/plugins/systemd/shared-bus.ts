// The connection that questions go over: opened with the first, closed a while after the last, made anew where it was lost.
import type { Bus } from './bus.js'

export class SharedBus {
  readonly #open: (signal: AbortSignal) => Promise<Bus>
  readonly #idleMs: number
  #bus: Bus | undefined
  #users = 0
  #timer: NodeJS.Timeout | undefined

  constructor(open: (signal: AbortSignal) => Promise<Bus>, idleMs: number) {
    this.#open = open
    this.#idleMs = idleMs
  }

  /** `work` only reads: where a connection turns out to be lost that stood idle before, it is done again over a new one. */
  async use<T>(signal: AbortSignal, work: (bus: Bus) => Promise<T>): Promise<T> {
    clearTimeout(this.#timer)
    this.#users++
    try {
      const stood = this.#bus
      const bus = await this.#connected(signal)
      try {
        return await work(bus)
      } catch (error) {
        if (bus !== stood || !bus.closed || signal.aborted) throw error
        return await work(await this.#connected(signal))
      }
    } finally {
      this.#users--
      if (this.#users === 0) this.#timer = setTimeout(() => this.close(), this.#idleMs).unref()
    }
  }

  async #connected(signal: AbortSignal): Promise<Bus> {
    if (this.#bus !== undefined && !this.#bus.closed) return this.#bus
    const opened = await this.#open(signal)
    // Two may have opened one.
    if (this.#bus === undefined || this.#bus.closed) this.#bus = opened
    else opened.close()
    return this.#bus
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#bus?.close()
    this.#bus = undefined
  }
}
