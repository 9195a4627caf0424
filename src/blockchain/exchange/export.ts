// Blocks of the chain as JSON Lines, each as it lies on the disk. Writes nowhere itself.
import { OpDbusError, throwIfAborted } from '../../errors.js'
import type { Block } from '../block.js'
import type { ChainParts } from '../chain-parts.js'
import { checkFilter, fits } from '../filter.js'
import { bodyFault } from '../footprint.js'
import { lineText } from '../line.js'
import type { ExportCall, ExportReport } from '../reports.js'

/** Characters that are handed out together, about. */
const PIECE = 1 << 18

export async function exportBlocks(
  { store }: Pick<ChainParts, 'store'>,
  write: (lines: string) => void | Promise<void>,
  call: ExportCall,
): Promise<ExportReport> {
  checkFilter(call)
  if (call.to === undefined) store.mustBeWhole?.()
  const size = store.size()
  const from = numberOf(call.from ?? 0, 'from')
  const to = Math.min(size, numberOf(call.to ?? size, 'to'))
  const out = new Output(write)
  if (from < to) {
    let done = 0
    for await (const blocks of store.scan(from, to)) {
      throwIfAborted(call.signal)
      for (const block of blocks) if (fits(block.header, call)) await out.take(block)
      done += blocks.length
      call.onProgress?.(done, to - from)
    }
  }
  return out.end()
}

class Output {
  readonly #write: (lines: string) => void | Promise<void>
  #lines = ''
  #blocks = 0
  #first: Block | undefined
  #last: Block | undefined

  constructor(write: (lines: string) => void | Promise<void>) {
    this.#write = write
  }

  async take(block: Block): Promise<void> {
    const fault = block.body && bodyFault(block.header, block.body)
    if (fault !== undefined) {
      // What is whole goes out before it.
      await this.#flush()
      throw new OpDbusError('CHAIN_DAMAGED', `block ${block.number} is damaged: ${fault}`, {
        details: { block: block.number },
      })
    }
    this.#first ??= block
    this.#last = block
    this.#blocks++
    this.#lines += lineText(block)
    if (this.#lines.length >= PIECE) await this.#flush()
  }

  async end(): Promise<ExportReport> {
    await this.#flush()
    const [first, last] = [this.#first, this.#last]
    return {
      blocks: this.#blocks,
      ...(first && { first: { number: first.number, hash: first.hash } }),
      ...(last && { last: { number: last.number, hash: last.hash } }),
    }
  }

  async #flush(): Promise<void> {
    const lines = this.#lines
    this.#lines = ''
    if (lines !== '') await this.#write(lines)
  }
}

function numberOf(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new OpDbusError('INVALID_INPUT', `${name} must be the number of a block: a whole number, at least 0`)
}
