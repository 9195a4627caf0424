// One listener per AbortSignal, however many texts wait under it: Node warns of a leak from the eleventh on.

export class AbortListeners {
  readonly #callbacks = new Map<AbortSignal, { readonly set: Set<() => void>; readonly listener: () => void }>()

  /** Calls `callback` when `signal` fires, unless the function it returns was called before. */
  listen(signal: AbortSignal, callback: () => void): () => void {
    const { set } = this.#callbacks.get(signal) ?? this.#start(signal)
    set.add(callback)
    return () => {
      set.delete(callback)
      if (set.size === 0) this.#stop(signal)
    }
  }

  #start(signal: AbortSignal) {
    const set = new Set<() => void>()
    const listener = () => {
      for (const callback of [...set]) callback()
    }
    const group = { set, listener }
    this.#callbacks.set(signal, group)
    signal.addEventListener('abort', listener, { once: true })
    return group
  }

  #stop(signal: AbortSignal): void {
    const group = this.#callbacks.get(signal)
    if (group) signal.removeEventListener('abort', group.listener)
    this.#callbacks.delete(signal)
  }
}
