// Whether the predictions of one template are to be believed: only while most were right of late. Counts.

/** Of the last so many predictions, this part has to be right. */
const WINDOW = 16
const OPENS = 0.8
/** A gate opens after so many in a row at the earliest, all of them right. */
const LEAST = 4

export class Gate {
  /** A bit for each of the last predictions, the newest lowest; 1: it was right. */
  #bits = 0
  #count = 0

  note(right: boolean): void {
    this.#bits = ((this.#bits << 1) | (right ? 1 : 0)) & ((1 << WINDOW) - 1)
    if (this.#count < WINDOW) this.#count++
  }

  get open(): boolean {
    if (this.#count < LEAST) return false
    return ones(this.#bits) >= OPENS * this.#count
  }
}

function ones(bits: number): number {
  let count = 0
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++
  return count
}
