// Tabs of this page share one database: each tells the others that all was forgotten, and hears it from them.

export class Tabs {
  /** Undefined where the browser has none, or forbids it: then other tabs see it at their next look-up. */
  readonly #channel: BroadcastChannel | undefined

  constructor(onForgotten: () => void) {
    try {
      this.#channel = new BroadcastChannel('op-dbus-playground')
      this.#channel.onmessage = onForgotten
    } catch {
      // As above.
    }
  }

  tellForgotten(): void {
    this.#channel?.postMessage('forgotten')
  }
}
