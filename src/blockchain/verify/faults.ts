// What is wrong with a chain: the first thousand are told, all are counted. Finds nothing itself.
import type { ChainFault } from '../reports.js'

const TOLD = 1000

export class Faults {
  readonly #told = new Map<string, ChainFault>()
  #count = 0

  /** Of all that were found. */
  get count(): number {
    return this.#count
  }

  /** Told once for each block and kind: what else shows the same is no fault more. `block`: undefined where it is about the whole. */
  add(kind: ChainFault['kind'], block: number | undefined, message: string): void {
    const key = `${kind} ${block}`
    if (this.#told.has(key)) return
    this.#count++
    if (this.#told.size < TOLD) this.#told.set(key, { ...(block !== undefined && { block }), kind, message })
  }

  /** In the order of blocks; what is about the whole comes last. */
  told(): ChainFault[] {
    const place = ({ block }: ChainFault) => block ?? Number.POSITIVE_INFINITY
    return [...this.#told.values()].sort((one, other) => (place(one) === place(other) ? 0 : place(one) - place(other)))
  }
}
