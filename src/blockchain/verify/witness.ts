// What somebody wrote down about the hashes of blocks (the tree), compared with the blocks. A witness may be wrong itself: the
// links between blocks tell which of the two is. Reads nothing by itself.
import type { Block } from '../block.js'
import type { Faults } from './faults.js'

export interface WitnessOptions {
  /** What is wrong where the witness is. */
  readonly kind: 'tree'
  /** For people. */
  readonly name: string
  /** The hash that it has of that block, 64 hexadecimal digits; undefined where it has none. */
  readonly recorded: (number: number) => string | undefined
  readonly faults: Faults
}

export class Witness {
  readonly #options: WitnessOptions
  /** Blocks one behind the other that it says otherwise; `recorded` is what it says of the last. */
  #differing: { from: number; to: number; recorded: string } | undefined

  constructor(options: WitnessOptions) {
    this.#options = options
  }

  /** Blocks in the order of their numbers. */
  take({ number, hash, header }: Block): void {
    if (this.#differing && this.#differing.to !== number - 1) this.#changed()
    const recorded = this.#options.recorded(number)
    if (this.#differing) {
      // The next block was appended when the witness looked, and names what was there.
      if (recorded === undefined || header.previous === this.#differing.recorded) this.#changed()
      else if (recorded === hash) this.#wrong()
    }
    if (recorded !== undefined && recorded !== hash) {
      this.#differing = { from: this.#differing?.from ?? number, to: number, recorded }
    }
  }

  /** After the last block; `size`: how many there are, where none was appended meanwhile. */
  end(size: number | undefined): void {
    if (this.#differing) this.#changed()
    const { faults, name, recorded } = this.#options
    if (size !== undefined && recorded(size) !== undefined) {
      faults.add('sequence', size, `block ${size} is missing, and perhaps others behind it: ${name} has it`)
    }
  }

  #changed(): void {
    const { from, to } = this.#differing!
    const { faults, name } = this.#options
    const which = from === to ? `block ${from} is not the one` : `blocks ${from} to ${to} are not those`
    faults.add(
      'hash',
      from,
      `${which} that ${name} recorded: rewritten, unless that record is damaged; a saved head tells`,
    )
    if (to !== from) faults.add('hash', to, `it is not the block that ${name} recorded`)
    this.#differing = undefined
  }

  #wrong(): void {
    const { from, to } = this.#differing!
    const { faults, kind, name } = this.#options
    const which = from === to ? `block ${from}` : `blocks ${from} to ${to}`
    faults.add(kind, from, `${name} has other hashes of ${which} than the blocks, which the next block confirms`)
    this.#differing = undefined
  }
}
