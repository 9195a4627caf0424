// One listener on an AbortSignal, however many wait under it: Node warns of a leak from the eleventh on.

/** However many wait under a signal: a batch of a thousand rows shares its caller's. */
export class AbortListeners {
  readonly #waiting = new WeakMap<AbortSignal, { readonly all: Set<() => void>; readonly fire: () => void }>()

  /** Calls `leave` when `signal` fires, unless the function it returns is called before. Nothing stays on the signal then. */
  add(signal: AbortSignal, leave: () => void): () => void {
    let waiting = this.#waiting.get(signal)
    if (waiting === undefined) {
      const all = new Set<() => void>()
      const fire = () => {
        for (const one of [...all]) one()
      }
      waiting = { all, fire }
      this.#waiting.set(signal, waiting)
      signal.addEventListener('abort', fire, { once: true })
    }
    const { all, fire } = waiting
    all.add(leave)
    return () => {
      if (!all.delete(leave) || all.size > 0 || this.#waiting.get(signal)?.all !== all) return
      this.#waiting.delete(signal)
      signal.removeEventListener('abort', fire)
    }
  }
}
