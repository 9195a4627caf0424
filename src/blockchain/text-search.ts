// Blocks whose text holds some words, newest first. Reads the chain, in memory that does not grow with it; knows no vector.
import { throwIfAborted } from '../errors.js'
import type { Block } from './block.js'
import { fits } from './filter.js'
import type { BlockReader } from './ports.js'
import type { BlockFilter } from './reports.js'

/** Blocks of the first window, which is the end of the chain; each one before is twice as large. */
const FIRST_WINDOW = 256
const LAST_WINDOW = 16_384

export interface TextMatches {
  /** Newest first. */
  readonly blocks: readonly Block[]
  /** Blocks that fit the filter and were looked at: older ones are not where enough were found. */
  readonly searched: number
  /** Blocks that fit the filter, of the same stretch, whose text was pruned. */
  readonly pruned: number
}

/** The newest `k` whose text holds `text`, whatever its case (simple case folding of Unicode). @throws OpDbusError CHAIN_DAMAGED, STORE, ABORTED */
export async function searchText(
  store: BlockReader,
  text: string,
  k: number,
  filter: BlockFilter,
  signal?: AbortSignal,
): Promise<TextMatches> {
  const pattern = new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'iu')
  const blocks: Block[] = []
  let searched = 0
  let pruned = 0
  for (
    let end = store.size(), window = FIRST_WINDOW;
    end > 0 && blocks.length < k;
    window = Math.min(2 * window, LAST_WINDOW)
  ) {
    const start = Math.max(0, end - window)
    // Of this window the newest that are still wanted, oldest first.
    const found: Block[] = []
    for await (const piece of store.scan(start, end)) {
      throwIfAborted(signal)
      for (const block of piece) {
        if (!fits(block.header, filter)) continue
        if (block.body === undefined) {
          pruned++
          continue
        }
        searched++
        if (!pattern.test(block.body.text)) continue
        found.push(block)
        if (found.length > k - blocks.length) found.shift()
      }
    }
    blocks.push(...found.reverse())
    end = start
  }
  return { blocks, searched, pruned }
}
