// Writes that a medium has in hand, also those that nobody waits for any more: what arrives after it was removed would be served
// again. Knows no medium.
import type { Key } from '../ports.js'

export class WritesUnderWay {
  /** The last write of each key; settled without an error when the medium has done with it. */
  readonly #writes = new Map<Key, Promise<void>>()

  /** As `writing` does, and remembered until then. */
  follow(keys: readonly Key[], writing: Promise<void>): Promise<void> {
    const forget = () => {
      for (const key of keys) if (this.#writes.get(key) === ended) this.#writes.delete(key)
    }
    const ended: Promise<void> = writing.then(forget, forget)
    for (const key of keys) this.#writes.set(key, ended)
    return writing
  }

  /** Resolves when none of `keys`, or nothing at all, is under way any more. */
  async ended(keys: Iterable<Key> = this.#writes.keys()): Promise<void> {
    await Promise.all(Array.from(keys, key => this.#writes.get(key)))
  }
}
