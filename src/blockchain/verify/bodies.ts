// Bodies that are gone, compared with what prunes said of them: each says which it takes, in a block behind those. Looks at blocks alone.
import type { Block } from '../block.js'
import { pruneNoteIn, type Range } from '../prune-record.js'

/** What is told of each block that {@link Bodies.unannounced} names. */
export const UNANNOUNCED = 'it has no body, and no prune says so: somebody took it away'

export class Bodies {
  /** Blocks without a body, one behind the other. */
  readonly #gone: [from: number, to: number][] = []
  /** What prunes said, and in which block. */
  readonly #told: { readonly range: Range; readonly by: number }[] = []

  /** Blocks in the order of their numbers. */
  take(block: Block): void {
    const { number } = block
    if (block.body === undefined) {
      const last = this.#gone.at(-1)
      if (last?.[1] === number - 1) last[1] = number
      else this.#gone.push([number, number])
    } else {
      for (const range of pruneNoteIn(block)?.ranges ?? []) this.#told.push({ range, by: number })
    }
  }

  /** Blocks without a body of which no prune speaks, in order. Only the first `size` blocks count, where that is given. */
  *unannounced(size = Number.POSITIVE_INFINITY): Generator<number> {
    const told = this.#told.filter(({ by }) => by < size).map(({ range }) => range)
    told.sort(([one], [other]) => one - other)
    let at = 0
    /** Up to here a prune speaks of every block since the last that none does. */
    let covered = -1
    for (const [from, to] of this.#gone) {
      for (let number = from; number <= to && number < size; number++) {
        for (; at < told.length && told[at]![0] <= number; at++) covered = Math.max(covered, told[at]![1])
        if (number <= covered) number = Math.min(covered, to)
        else yield number
      }
    }
  }
}
