// What `--watch` waits for: names of what has changed, gathered until somebody asks. Knows no plugin and no file.

export class Changes {
  readonly #signal: AbortSignal
  #names = new Set<string>()
  #wake: (() => void) | undefined

  /** `signal` ends the wait. */
  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', () => this.#wake?.(), { once: true })
  }

  tell(name: string): void {
    this.#names.add(name)
    this.#wake?.()
  }

  /** Each set once, as soon as there is one: what comes while somebody is at work on the last set comes together. Ends with the signal. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ReadonlySet<string>> {
    for (;;) {
      if (this.#names.size === 0 && !this.#signal.aborted) await new Promise<void>(resolve => (this.#wake = resolve))
      if (this.#signal.aborted) return
      const names = this.#names
      this.#names = new Set()
      yield names
    }
  }
}
