// What is wrong with a chain: the first thousand are told, all are counted. Finds nothing itself.
import type { ChainFault } from '../reports.js'

const TOLD = 1000
const MOST_SEEN = 2 ** 24 - 1

export class Faults {
  readonly #told: ChainFault[] = []
  /** By kind: blocks, and what was said of the whole. */
  readonly #seen = new Map<ChainFault['kind'], Set<number | string>>()
  #count = 0

  /** Of all that were found. */
  get count(): number {
    return this.#count
  }

  /**
   * Counted once for each block and kind: what else shows the same is no fault more. `block`: undefined where it is about the whole, of which
   * several things may be wrong.
   */
  add(kind: ChainFault['kind'], block: number | undefined, message: string): void {
    if (!this.#isNew(kind, block ?? message)) return
    this.#count++
    if (this.#told.length < TOLD) this.#told.push({ ...(block !== undefined && { block }), kind, message })
  }

  /** In the order of blocks; what is about the whole comes last. */
  told(): ChainFault[] {
    const place = ({ block }: ChainFault) => block ?? Number.POSITIVE_INFINITY
    return [...this.#told].sort((one, other) => (place(one) === place(other) ? 0 : place(one) - place(other)))
  }

  #isNew(kind: ChainFault['kind'], of: number | string): boolean {
    const seen = this.#seen.get(kind) ?? new Set()
    this.#seen.set(kind, seen)
    if (seen.has(of)) return false
    // A set has room for no more; where there are so many faults, their number is not what matters.
    if (seen.size < MOST_SEEN) seen.add(of)
    return true
  }
}
