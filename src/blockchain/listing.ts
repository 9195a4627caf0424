// Blocks one after the other: the newest that fit, or all from one on. Keeps none.
import { abortError, OpDbusError, throwIfAborted } from '../errors.js'
import { signalOf } from '../realms.js'
import type { Block } from './block.js'
import { checkFilter, fits, hasTime, mayFit } from './filter.js'
import { mustFollow, ofOneChain } from './one-chain.js'
import type { BlockReader, BlockStore, BlockTimes } from './ports.js'
import type { BlockFilter, ListCall, StreamCall } from './reports.js'
import { sound } from './sound.js'
import { PER_FILE } from './store/index-format.js'

const DEFAULT_LIMIT = 20
/** Blocks that are read at a time, from the end on: few at first, since the newest often are what is wanted. */
const FIRST_PIECE = 64
const LAST_PIECE = 512

/**
 * The newest blocks that fit, newest first. Where a time is asked for, thousands of blocks that are known to be of other times are left out
 * unread. A clock may have gone back, so that no block says anything of those before it.
 */
export async function listBlocks(
  reader: BlockReader & Pick<BlockStore, 'rewrites'>,
  call: ListCall,
): Promise<readonly Block[]> {
  const { limit = DEFAULT_LIMIT } = call
  const signal = signalOf(call)
  checkFilter(call)
  if (limit !== Number.POSITIVE_INFINITY && (!Number.isSafeInteger(limit) || limit < 0)) {
    throw new OpDbusError('INVALID_INPUT', 'limit is a whole number, at least 0')
  }
  const { before } = call
  if (before !== undefined && (!Number.isSafeInteger(before) || before < 0)) {
    throw new OpDbusError('INVALID_INPUT', 'before is the number of a block')
  }
  throwIfAborted(signal)
  reader.mustBeWhole?.()
  return ofOneChain(reader, () => newest(reader, limit, call, signal))
}

async function newest(
  reader: BlockReader,
  limit: number,
  call: ListCall,
  signal: AbortSignal | undefined,
): Promise<readonly Block[]> {
  const found: Block[] = []
  /** The first of what was read last; undefined where blocks before it were left out. */
  let behind: Block | undefined
  let piece = Math.min(Math.max(limit, FIRST_PIECE), LAST_PIECE)
  const { before = Number.POSITIVE_INFINITY } = call
  for (let end = Math.min(reader.size(), before); end > 0 && found.length < limit; ) {
    const unread = startOfOtherTimes(reader, end - 1, call)
    if (unread !== undefined) {
      end = unread
      behind = undefined
      continue
    }
    // Not across two thousands: it may be known of the next that none of it fits.
    const from = Math.max(end - piece, end - 1 - ((end - 1) % PER_FILE))
    const fitting: Block[] = []
    let first: Block | undefined
    let last: Block | undefined
    for await (const blocks of reader.scan(from, end)) {
      throwIfAborted(signal)
      for (const block of blocks) if (fits(block.header, call)) fitting.push(block)
      first ??= blocks[0]
      last = blocks.at(-1)
    }
    if (behind !== undefined) mustFollow(last, behind)
    behind = first
    // Not by arguments: there may be more of them than a call takes.
    for (let i = fitting.length - 1; i >= 0 && found.length < limit; i--) found.push(sound(fitting[i]!))
    end = from
    piece = LAST_PIECE
  }
  return found
}

/** The first number of a range up to `last` in which no block can fit; undefined where that is not known. */
function startOfOtherTimes(reader: BlockReader, last: number, filter: BlockFilter): number | undefined {
  if (!hasTime(filter)) return undefined
  const times = reader.times?.(last)
  // Of blocks behind `last` it may say what was true before the chain was restored.
  if (times === undefined || times.last > last || mayFit(times, filter)) return undefined
  return isOfThisChain(reader, times) ? times.first : undefined
}

/** The hash of a block settles all blocks before it, and so when they were appended. */
function isOfThisChain(reader: BlockReader, { last, hash }: BlockTimes): boolean {
  return reader.read(last)?.hash === hash
}

/**
 * Blocks from `from` on in order; with `follow` those to come as well, until the signal fires. Ended by `return` at once, also while it
 * waits.
 */
export function streamBlocks(reader: BlockReader, call: StreamCall): AsyncIterableIterator<Block> {
  return new BlockStream(reader, call)
}

class BlockStream implements AsyncIterableIterator<Block> {
  readonly #signal: AbortSignal | undefined
  /** Ends a wait: fired by `return`, and by the caller's own signal. */
  readonly #ended = new AbortController()
  readonly #end = () => this.#ended.abort()
  readonly #blocks: AsyncGenerator<Block, void>

  constructor(reader: BlockReader, call: StreamCall) {
    const { from, follow = false } = call
    if (from !== undefined && (!Number.isSafeInteger(from) || from < 0)) {
      throw new OpDbusError('INVALID_INPUT', `a stream begins at the number of a block, not at ${String(from)}`)
    }
    if (typeof follow !== 'boolean') throw new OpDbusError('INVALID_INPUT', 'follow is true or false')
    // Now, not at the first `next`: what is appended in between is to be seen.
    const start = from ?? (follow ? reader.size() : 0)
    this.#blocks = blocksFrom(reader, start, follow, this.#ended.signal)
    this.#signal = signalOf(call)
    if (this.#signal?.aborted) this.#end()
    else this.#signal?.addEventListener('abort', this.#end, { once: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Block, void>> {
    const result = await this.#blocks.next().catch((error: unknown) => {
      // What was waited for ended with the stream.
      if (this.#ended.signal.aborted) return undefined
      this.#signal?.removeEventListener('abort', this.#end)
      throw error
    })
    if (result?.done === false) return result
    this.#signal?.removeEventListener('abort', this.#end)
    if (this.#ended.signal.aborted && this.#signal?.aborted) throw abortError(this.#signal)
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<Block, void>> {
    this.#signal?.removeEventListener('abort', this.#end)
    this.#end()
    // Behind what it waits for, which ends now.
    await this.#blocks.return().catch(() => {})
    return { done: true, value: undefined }
  }
}

async function* blocksFrom(
  reader: BlockReader,
  from: number,
  follow: boolean,
  ended: AbortSignal,
): AsyncGenerator<Block, void> {
  let at = from
  let before: string | undefined
  while (!ended.aborted) {
    const size = reader.size()
    if (at < size) {
      for await (const blocks of reader.scan(at, size)) {
        for (const block of blocks) {
          if (ended.aborted) return
          if (before !== undefined && block.header.previous !== before) throw replaced(block.number)
          before = block.hash
          at = block.number + 1
          yield sound(block)
        }
      }
    }
    if (ended.aborted) return
    reader.mustBeWhole?.()
    if (!follow) return
    await reader.moreThan(at, ended)
  }
}

function replaced(number: number): OpDbusError {
  return new OpDbusError(
    'STORE',
    `the chain was restored while its blocks were followed: block ${number} does not follow the one that was given before it; begin anew`,
    { details: { block: number } },
  )
}
