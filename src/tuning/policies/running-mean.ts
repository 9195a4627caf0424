// What things cost on average, where the last thousands count and those before fade.

/** How many of the last ones carry most of the weight. */
const LAST = 4096

export class RunningMean {
  #count = 0
  #mean = 0

  /** 0 before the first. */
  get value(): number {
    return this.#mean
  }

  add(value: number): void {
    if (this.#count < LAST) this.#count++
    this.#mean += (value - this.#mean) / this.#count
  }

  clear(): void {
    this.#count = 0
    this.#mean = 0
  }
}
