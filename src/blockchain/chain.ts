// The chain's face: what can be asked of it, each answered by a file beside. Keeps no block and opens no file by itself.
import { isOpDbusError, OpDbusError } from '../errors.js'
import { type Block, type Draft, type FootprintInput, NO_PREVIOUS } from './block.js'
import { known } from './calls.js'
import type { ChainParts } from './chain-parts.js'
import { draftOf } from './footprint.js'
import { listBlocks, streamBlocks } from './listing.js'
import { refuseOwn } from './own-folders.js'
import type { WriteCall } from './ports.js'
import type { RepairCall, RepairReport } from './repair-reports.js'
import type {
  BlockProof,
  ChainHead,
  ChainStats,
  ConsistencyProof,
  ExportCall,
  ExportReport,
  ImportCall,
  ImportReport,
  KeyCall,
  ListCall,
  LogKey,
  ProofCall,
  PruneCall,
  PruneReport,
  RestoreReport,
  SearchCall,
  SearchReport,
  SignedHead,
  SnapshotCall,
  SnapshotInfo,
  SnapshotPruneCall,
  SnapshotPruneReport,
  StatsCall,
  StreamCall,
  TilesCall,
  TilesReport,
  VerifyCall,
  VerifyReport,
} from './reports.js'
import { steadily } from './steadily.js'

/**
 * The chain of a machine: blocks with numbers from 0 on, each of which holds the hash of the one before. `openChain` opens it; any number
 * of processes may have it open.
 *
 * What writes answers once it is on the disk. What reads, and finds that a block is not what was written, rejects with CHAIN_DAMAGED and
 * names it in `details.block`; nothing wrong is handed out. After `close()` everything rejects with CLOSED.
 */
export class Chain {
  readonly #parts: ChainParts
  #closing: Promise<void> | undefined

  /** The root opens it. @internal */
  constructor(parts: ChainParts) {
    this.#parts = parts
    const { store, diagnostics } = parts
    store.onAppended(blocks => {
      if (!diagnostics.appended.heard) return
      diagnostics.appended.tell({ first: blocks[0]!.number, blocks: blocks.length, hash: blocks.at(-1)!.hash })
    })
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
    return steadily(store, async () => {
      store.mustBeWhole?.()
      const size = store.size()
      const hash = size === 0 ? NO_PREVIOUS : (store.read(size - 1)?.hash ?? NO_PREVIOUS)
      return { size, hash, root: await tree.root(size) }
    })
  }

  /**
   * Appends a block and answers when it is on the disk.
   * @throws OpDbusError INVALID_INPUT; STORE where nothing was appended, or (`details.uncertain`) nobody can tell; CHAIN_DAMAGED where the end of
   *   the chain is not what was written, and nothing is appended; ABORTED, CLOSED
   */
  async addFootprint(footprint: FootprintInput, call: WriteCall = {}): Promise<Block> {
    const [block] = await this.addBatch([footprint], call)
    return block!
  }

  /** As {@link addFootprint}, for all or none of several, one behind the other. Of one that is wrong `details.index` says which. */
  async addBatch(footprints: readonly FootprintInput[], call: WriteCall = {}): Promise<readonly Block[]> {
    this.#enter()
    known('addBatch', call)
    if (!Array.isArray(footprints)) throw new OpDbusError('INVALID_INPUT', 'a batch is a list of footprints')
    const now = this.#parts.clock.now()
    return this.#parts.store.append(
      // Not `map`, which leaves holes out.
      Array.from(footprints, (footprint, index) => draftIn(footprint, now, index, footprints.length)),
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
    known('list', call)
    return listBlocks(this.#parts.store, call)
  }

  /** Blocks in order, and with `follow` those to come. @throws OpDbusError CHAIN_DAMAGED, STORE, INVALID_INPUT, ABORTED */
  stream(call: StreamCall = {}): AsyncIterableIterator<Block> {
    this.#enter()
    known('stream', call)
    return streamBlocks(this.#parts.store, call)
  }

  /**
   * Whether the chain is what was written; trusts no cache.
   * @throws OpDbusError STORE, also where there is no chain; INVALID_INPUT for a head that is none, ABORTED; with `vectors` what the embedder
   *   throws
   */
  async verify(call: VerifyCall = {}): Promise<VerifyReport> {
    this.#enter()
    known('verify', call)
    return (await import('./verify.js')).verifyChain(this.#parts, call)
  }

  /**
   * Blocks as JSON Lines, as they lie on the disk. `write` gets one or more whole lines at a time, and is waited for.
   * @throws OpDbusError CHAIN_DAMAGED at the first block that is not what was written, STORE, INVALID_INPUT, ABORTED; what `write` throws
   */
  async export(write: (lines: string) => void | Promise<void>, call: ExportCall = {}): Promise<ExportReport> {
    this.#enter()
    known('export', call)
    if (typeof write !== 'function')
      throw new OpDbusError('INVALID_INPUT', 'export is given a function that takes lines')
    return (await import('./exchange/export.js')).exportBlocks(this.#parts, write, call)
  }

  /**
   * Blocks of this chain from another copy of it, taken over as they are; or those of op-dbus and op-dbus-p1, which become new blocks that
   * say where they came from. `source`: the path of a file or folder, which is read and checked first, so that a damaged one leaves nothing;
   * or the bytes of blocks, of which all before the damage stays. What is here already is left out.
   * @throws OpDbusError INVALID_INPUT where it is damaged (`details`: file or line, and how many blocks were `imported`), CONFLICT where it is
   * of another chain, or leaves a gap; STORE, ABORTED
   */
  async import(source: string | AsyncIterable<Uint8Array>, call: ImportCall = {}): Promise<ImportReport> {
    this.#enter()
    known('import', call)
    return (await import('./exchange/import.js')).importBlocks(this.#parts, source, call)
  }

  /**
   * Blocks by meaning, by text, or both.
   * @throws OpDbusError INVALID_INPUT, DISABLED where embedding is switched off, and what the embedder throws; CHAIN_DAMAGED, STORE, ABORTED
   */
  async search(text: string, call: SearchCall = {}): Promise<SearchReport> {
    this.#enter()
    known('search', call)
    return (await import('./search.js')).searchBlocks(this.#parts, text, call)
  }

  /** The key that heads are signed with; made where there is none. @throws OpDbusError CONFLICT, INVALID_INPUT, STORE, ABORTED */
  async key(call: KeyCall = {}): Promise<LogKey> {
    this.#enter()
    known('key', call)
    return (await import('./log/log.js')).logKey(this.#parts, call)
  }

  /**
   * The head of now, signed: save it, and compare later. The same text until a block comes.
   * @throws OpDbusError CONFLICT where the chain does not continue what was signed before; CHAIN_DAMAGED, STORE, ABORTED
   */
  async checkpoint(call: { readonly signal?: AbortSignal | undefined } = {}): Promise<SignedHead> {
    this.#enter()
    return (await import('./log/log.js')).signedHead(this.#parts, call.signal)
  }

  /**
   * That a block is in the chain, for anybody who has the verifier key. `which`: as {@link getBlock} has it.
   * @throws OpDbusError INVALID_INPUT where there is no such block, or the head is none of this chain's keys; CHAIN_DAMAGED where the block or
   *   the saved head is not the chain's; CONFLICT, STORE, ABORTED
   */
  async proof(which: number | string, call: ProofCall = {}): Promise<BlockProof> {
    this.#enter()
    known('proof', call)
    return (await import('./log/proofs.js')).proveBlock(this.#parts, which, call)
  }

  /** That the chain continues a head that was saved before. @throws OpDbusError as {@link proof} */
  async consistency(head: string, call: Pick<ProofCall, 'signal'> = {}): Promise<ConsistencyProof> {
    this.#enter()
    known('consistency', call)
    if (typeof head !== 'string') throw new OpDbusError('INVALID_INPUT', 'a head is the text of a signed checkpoint')
    return (await import('./log/proofs.js')).proveConsistency(this.#parts, head, call)
  }

  /**
   * Writes the chain's headers, its tree and a signed head into a folder, as C2SP tlog-tiles: what a static host serves to strangers. Only
   * what is new is written.
   * @throws OpDbusError INVALID_INPUT where the folder holds another log; CONFLICT, CHAIN_DAMAGED, STORE, ABORTED
   */
  async exportTiles(dir: string, call: TilesCall = {}): Promise<TilesReport> {
    this.#enter()
    known('exportTiles', call)
    return (await import('./log/export-tiles.js')).exportTiles(this.#parts, dir, call)
  }

  /**
   * Takes the bodies away of all blocks that no rule keeps. Headers and hashes stay, so that every proof holds. What is gone is gone, but
   * from snapshots.
   * @throws OpDbusError INVALID_INPUT where nothing would be kept; CHAIN_DAMAGED, with nothing changed; STORE, ABORTED
   */
  async prune(call: PruneCall = {}): Promise<PruneReport> {
    this.#enter()
    known('prune', call)
    const { pruneChain } = await import('./prune.js')
    return pruneChain(this.#parts, call).finally(() => this.#parts.blocks.forget())
  }

  /**
   * Keeps the chain as it is under a name; default: the time. Shares what it can with the chain's files.
   * @throws OpDbusError INVALID_INPUT for a name that is none or is taken, and for an empty chain; CHAIN_DAMAGED, STORE, ABORTED
   */
  async snapshot(name?: string, call: WriteCall = {}): Promise<SnapshotInfo> {
    this.#enter()
    known('snapshot', call)
    return (await import('./snapshots.js')).makeSnapshot(this.#parts, name, call)
  }

  /** The oldest first; what is damaged says so. @throws OpDbusError STORE, ABORTED */
  async snapshots(call: SnapshotCall = {}): Promise<readonly SnapshotInfo[]> {
    this.#enter()
    known('snapshots', call)
    return (await import('./snapshots.js')).listSnapshots(this.#parts, call)
  }

  /**
   * Puts a snapshot in the chain's place, whole or not at all, once every byte of it was looked at. What the chain was is kept as a snapshot
   * before that.
   * @throws OpDbusError INVALID_INPUT where there is none of that name; CHAIN_DAMAGED where it is not what was written; STORE, ABORTED
   */
  async restore(name: string, call: WriteCall = {}): Promise<RestoreReport> {
    this.#enter()
    known('restore', call)
    const { restoreSnapshot } = await import('./snapshots.js')
    return restoreSnapshot(this.#parts, name, call).finally(() => this.#parts.blocks.forget())
  }

  /**
   * Cuts a damaged chain behind its last block that is sound, so that it takes blocks again. All that was there is kept as a snapshot before.
   * @throws OpDbusError STORE, ABORTED, with nothing changed
   */
  async repair(call: RepairCall = {}): Promise<RepairReport> {
    this.#enter()
    known('repair', call)
    const { repairChain } = await import('./repair.js')
    return repairChain(this.#parts, call).finally(() => this.#parts.blocks.forget())
  }

  /** @throws OpDbusError INVALID_INPUT where there is none of that name; STORE */
  async deleteSnapshot(name: string): Promise<void> {
    this.#enter()
    return (await import('./snapshots.js')).deleteSnapshot(this.#parts, name)
  }

  /** Removes all snapshots that no rule keeps; damaged ones stay. @throws OpDbusError INVALID_INPUT where nothing would be kept; STORE */
  async pruneSnapshots(call: SnapshotPruneCall = {}): Promise<SnapshotPruneReport> {
    this.#enter()
    known('pruneSnapshots', call)
    return (await import('./snapshots.js')).pruneSnapshots(this.#parts, call)
  }

  /**
   * For who writes a file where somebody says, before that: refuses what would take the place of the chain's own files.
   * @throws OpDbusError INVALID_INPUT for a path in the chain's folder, or in that of its snapshots
   */
  checkOutside(path: string): void {
    refuseOwn(this.#parts, path)
  }

  /** Counts, by a look at every block. @throws OpDbusError CHAIN_DAMAGED, STORE, ABORTED */
  async stats(call: StatsCall = {}): Promise<ChainStats> {
    this.#enter()
    known('stats', call)
    return (await import('./stats.js')).statsOf(this.#parts, call)
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

/** One of a batch; what is wrong with it says which it is. */
function draftIn(footprint: FootprintInput, now: number, index: number, count: number): Draft {
  try {
    return draftOf(footprint, now)
  } catch (error) {
    if (!isOpDbusError(error)) throw error
    const message = count === 1 ? error.message : `footprint ${index}: ${error.message}`
    throw new OpDbusError(error.code, message, { cause: error, details: { ...error.details, index } })
  }
}
