// Bodies that are gone, compared with what prunes said of them: each says which it takes, in a block behind those. Looks at blocks alone.
import type { Block } from '../block.js'
import { pruneNoteIn, type Range } from '../prune-record.js'
import type { Faults } from './faults.js'

export class Bodies {
  readonly #faults: Faults
  /** Blocks without a body, one behind the other. */
  readonly #gone: [from: number, to: number][] = []
  readonly #told: Range[] = []

  constructor(faults: Faults) {
    this.#faults = faults
  }

  /** Blocks in the order of their numbers. */
  take(block: Block): void {
    if (block.body === undefined) {
      const last = this.#gone.at(-1)
      if (last?.[1] === block.number - 1) last[1] = block.number
      else this.#gone.push([block.number, block.number])
    } else {
      const note = pruneNoteIn(block)
      if (note) this.#told.push(...note.ranges)
    }
  }

  /** After the last block. */
  end(): void {
    const told = this.#told.sort(([one], [other]) => one - other)
    let at = 0
    /** Up to here a prune speaks of every block since the last that none does. */
    let covered = -1
    for (const [from, to] of this.#gone) {
      for (let number = from; number <= to; number++) {
        for (; at < told.length && told[at]![0] <= number; at++) covered = Math.max(covered, told[at]![1])
        if (number <= covered) number = Math.min(covered, to)
        else this.#faults.add('body', number, 'it has no body, and no prune says so: somebody took it away')
      }
    }
  }
}
