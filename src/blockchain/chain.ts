// The chain's face: what can be asked of it, each answered by a file beside. Keeps no block and opens no file by itself.
import { OpDbusError } from '../errors.js'
import { type Block, type FootprintInput, NO_PREVIOUS } from './block.js'
import type { ChainParts } from './chain-parts.js'
import { draftOf } from './footprint.js'
import { listBlocks, streamBlocks } from './listing.js'
import type { WriteCall } from './ports.js'
import type { ChainHead, ListCall, SearchCall, SearchReport, StreamCall, VerifyCall, VerifyReport } from './reports.js'

export class Chain {
  readonly #parts: ChainParts
  #closing: Promise<void> | undefined

  /** The root opens it. @internal */
  constructor(parts: ChainParts) {
    this.#parts = parts
  }

  /** How many blocks there are, whoever appended them. @throws OpDbusError STORE, CHAIN_DAMAGED */
  size(): number {
    this.#enter()
    return this.#parts.store.size()
  }

  /** @throws OpDbusError STORE, CHAIN_DAMAGED */
  async head(): Promise<ChainHead> {
    this.#enter()
    const { store, tree } = this.#parts
    const size = store.size()
    const hash = size === 0 ? NO_PREVIOUS : (store.read(size - 1)?.hash ?? NO_PREVIOUS)
    return { size, hash, root: await tree.root(size) }
  }

  /**
   * Appends a block and answers when it is on the disk.
   * @throws OpDbusError INVALID_INPUT; STORE where nothing was appended, or (`details.uncertain`) nobody can tell; ABORTED
   */
  async addFootprint(footprint: FootprintInput, call: WriteCall = {}): Promise<Block> {
    const [block] = await this.addBatch([footprint], call)
    return block!
  }

  /** As {@link addFootprint}, for all or none of several, one behind the other. */
  async addBatch(footprints: readonly FootprintInput[], call: WriteCall = {}): Promise<readonly Block[]> {
    this.#enter()
    if (!Array.isArray(footprints)) throw new OpDbusError('INVALID_INPUT', 'a batch is a list of footprints')
    const now = this.#parts.clock.now()
    return this.#parts.store.append(
      footprints.map(footprint => draftOf(footprint, now)),
      call,
    )
  }

  /**
   * The block of that number, that hash or beginning of a hash (at least 4 digits), or the `latest`; undefined where there is none.
   * @throws OpDbusError INVALID_INPUT for what is none of these, and where several hashes begin so; CHAIN_DAMAGED, STORE
   */
  async getBlock(which: number | string): Promise<Block | undefined> {
    this.#enter()
    return this.#parts.blocks.get(which)
  }

  /** The block of that number where memory has it: synchronous, and the fastest look-up there is. */
  view(number: number): Block | undefined {
    return this.#closing === undefined ? this.#parts.blocks.view(number) : undefined
  }

  /** Blocks `from` to `to` (not included). @throws OpDbusError CHAIN_DAMAGED, STORE, INVALID_INPUT */
  async range(from: number, to: number): Promise<readonly Block[]> {
    this.#enter()
    return this.#parts.blocks.range(from, to)
  }

  /** The newest blocks that fit, newest first. @throws OpDbusError CHAIN_DAMAGED, STORE, INVALID_INPUT, ABORTED */
  async list(call: ListCall = {}): Promise<readonly Block[]> {
    this.#enter()
    return listBlocks(this.#parts.store, call)
  }

  /** Blocks in order, and with `follow` those to come. @throws OpDbusError CHAIN_DAMAGED, STORE, INVALID_INPUT, ABORTED */
  stream(call: StreamCall = {}): AsyncIterableIterator<Block> {
    this.#enter()
    return streamBlocks(this.#parts.store, call)
  }

  /** Whether the chain is what was written; trusts no cache. @throws OpDbusError STORE, INVALID_INPUT for a head that is none, ABORTED */
  async verify(call: VerifyCall = {}): Promise<VerifyReport> {
    this.#enter()
    return (await import('./verify.js')).verifyChain(this.#parts, call)
  }

  /**
   * Blocks by meaning, by text, or both.
   * @throws OpDbusError INVALID_INPUT, DISABLED where embedding is switched off, and what the embedder throws; CHAIN_DAMAGED, STORE
   */
  async search(text: string, call: SearchCall = {}): Promise<SearchReport> {
    this.#enter()
    return (await import('./search.js')).searchBlocks(this.#parts, text, call)
  }

  /** Ends what works in the background; what is acknowledged is on the disk anyway. Closing twice is fine. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #enter(): void {
    if (this.#closing !== undefined) throw new OpDbusError('CLOSED', 'the chain is closed')
  }

  async #close(): Promise<void> {
    const { vectors, blocks, store, release } = this.#parts
    blocks.close()
    const ended = await Promise.allSettled([vectors.close(), store.close()])
    await release()
    const failed = ended.find(outcome => outcome.status === 'rejected')
    if (failed) throw failed.reason
  }
}
