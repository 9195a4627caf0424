// Values of one length, as bytes, in rows of a few large arrays: no object for each, which at the start of a process would cost more than
// reading it. Knows nothing of what they mean.

/** Bytes of a slab, about: malloc takes so much from the system and gives it back by itself. */
const SLAB_BYTES = 256 * 2 ** 10

/** Rows lie densely: where one goes, the last one takes its place. */
export class ByteRows {
  /** Rows in use. */
  count = 0
  readonly #rowBytes: number
  readonly #rowsPerSlab: number
  #slabs: Uint8Array[] = []

  /** `slabBytes`: tests take few. */
  constructor(rowBytes: number, slabBytes = SLAB_BYTES) {
    this.#rowBytes = rowBytes
    this.#rowsPerSlab = Math.max(1, Math.floor(slabBytes / rowBytes))
  }

  /** Copies rows, one behind the other in `bytes`: the first one's number is the count before. */
  add(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const slab = Math.floor(this.count / this.#rowsPerSlab)
      const row = this.count % this.#rowsPerSlab
      const part = bytes.subarray(from, from + this.#rowBytes * (this.#rowsPerSlab - row))
      this.#slabs[slab] ??= new Uint8Array(this.#rowsPerSlab * this.#rowBytes)
      this.#slabs[slab].set(part, this.#rowBytes * row)
      this.count += part.length / this.#rowBytes
      from += part.length
    }
  }

  /** A copy, the caller's own. */
  copy(row: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#view(row))
  }

  /** The last row, the number of which is the count from now on, takes the place of this one. */
  remove(row: number): void {
    this.count--
    if (row < this.count) this.#view(row).set(this.#view(this.count))
    // One empty slab is kept at hand, for rows that come and go at its border.
    this.#slabs.length = Math.min(this.#slabs.length, Math.ceil(this.count / this.#rowsPerSlab) + 1)
  }

  clear(): void {
    this.count = 0
    this.#slabs = []
  }

  #view(row: number): Uint8Array {
    const at = this.#rowBytes * (row % this.#rowsPerSlab)
    return this.#slabs[Math.floor(row / this.#rowsPerSlab)]!.subarray(at, at + this.#rowBytes)
  }
}
