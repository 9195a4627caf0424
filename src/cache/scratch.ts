// Memory that is used again and again for what is read and at once copied further. Keeps nothing: whoever resets it has done with
// all that it gave out.
import type { LentMemory } from '../ports.js'

/** What the store asks for at once is about as much; a larger piece gets a buffer of its own. */
const PIECE_BYTES = 512 * 2 ** 10

export class Scratch implements LentMemory {
  #buffer: ArrayBuffer | undefined
  #used = 0

  take(bytes: number): Uint8Array {
    this.#buffer ??= new ArrayBuffer(PIECE_BYTES)
    const at = this.#used
    if (at + bytes > PIECE_BYTES) return new Uint8Array(bytes)
    this.#used = (at + bytes + 7) & ~7
    return new Uint8Array(this.#buffer, at, bytes)
  }

  /** Nobody needs any more what was taken so far. */
  reset(): void {
    this.#used = 0
  }
}
