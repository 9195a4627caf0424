// Room for values that are handed out one by one: many lie in one buffer, since a buffer of its own costs half as much as
// reading the record. Room is given out once and never again, so that no value changes under who holds it.

/** Who keeps a value keeps so much. */
const SLAB_BYTES = 64 * 2 ** 10

export class ValueSlab {
  #buffer = new ArrayBuffer(0)
  #used = 0

  copyOf(value: Uint8Array): Uint8Array {
    const { length } = value
    if (length > SLAB_BYTES / 8) return new Uint8Array(value)
    if (this.#used + length > this.#buffer.byteLength) {
      this.#buffer = new ArrayBuffer(SLAB_BYTES)
      this.#used = 0
    }
    const copy = new Uint8Array(this.#buffer, this.#used, length)
    copy.set(value)
    // The next one begins where floats may.
    this.#used += (length + 7) & ~7
    return copy
  }
}
