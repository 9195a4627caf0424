// Whether a chain is what was written: every line of every segment is read, everything is worked out anew, and what is derived is compared
// with it. Believes no cache, no index and no tree, and repairs nothing.
import { yieldToEventLoop } from '../cache/yield-to-event-loop.js'
import { isOpDbusError, OpDbusError, throwIfAborted } from '../errors.js'
import { visible } from '../format.js'
import { MACHINE_IO } from '../fs/mutex.js'
import { NO_PREVIOUS } from './block.js'
import type { ChainParts } from './chain-parts.js'
import { markOf } from './exchange/mark.js'
import type { RawFault, RawLine } from './ports.js'
import type { VectorCheck, VerifyCall, VerifyReport } from './reports.js'
import { isUnderWay } from './store/rewrites.js'
import { Bodies, UNANNOUNCED } from './verify/bodies.js'
import { Faults } from './verify/faults.js'
import { Heads } from './verify/heads.js'
import { IndexCheck } from './verify/index-check.js'
import { GrowingRoot } from './verify/root.js'
import { TreeCheck } from './verify/tree-check.js'
import { ChainWalk, type Seen } from './verify/walk.js'

/** Lines between two turns of the event loop: some milliseconds. */
const IN_A_TURN = 200

/** How often it begins again where the chain is pruned or restored meanwhile. */
const TRIES = 3
/** What a restore takes to exchange files, about. */
const EXCHANGE_MS = 50

export async function verifyChain(parts: ChainParts, call: VerifyCall = {}): Promise<VerifyReport> {
  const { store } = parts
  for (let tries = 1; ; tries++) {
    const word = store.rewrites()
    const report = await verifyOnce(parts, call)
    const same = store.rewrites() === word
    if (report.ok || (same && (!isUnderWay(word) || tries === TRIES))) return inPlace(report, store.dir)
    if (tries === TRIES) throw new OpDbusError('STORE', 'the chain is pruned or restored while it is read: try again')
    await MACHINE_IO.sleep(EXCHANGE_MS, undefined)
  }
}

/** A disk that is not mounted is no sound chain. */
function inPlace(report: VerifyReport, dir: string): VerifyReport {
  if (report.size > 0 || !report.ok) return report
  throw new OpDbusError('STORE', `there is no chain in ${dir}: nothing was verified`, { details: { dir } })
}

async function verifyOnce(parts: ChainParts, call: VerifyCall): Promise<VerifyReport> {
  const check = new Check(parts, call)
  const total = sizeOf(parts) ?? 0
  let done = 0
  for await (const piece of parts.store.lines()) {
    for (let from = 0; from < piece.length; from += IN_A_TURN) {
      throwIfAborted(call.signal)
      const part = piece.slice(from, from + IN_A_TURN)
      for (const item of part) check.take(item)
      done += part.length
      call.onProgress?.(done, Math.max(done, total))
      await yieldToEventLoop()
    }
  }
  check.end()
  let vectors: VectorCheck | undefined
  if (call.vectors || call.full) {
    const { checkVectors } = await import('./verify/vectors.js')
    vectors = await checkVectors(parts, call, check.faults)
  }
  return { ...check.report(), ...(vectors !== undefined && { vectors }) }
}

class Check {
  readonly faults = new Faults()
  readonly #parts: ChainParts
  readonly #heads: Heads
  readonly #bodies = new Bodies()
  readonly #walk: ChainWalk
  readonly #root: GrowingRoot
  readonly #tree: TreeCheck | undefined
  readonly #index: IndexCheck | undefined
  readonly #full: boolean
  #size = 0
  #hash = NO_PREVIOUS
  #pruned = 0
  #unverified = 0
  #unannounced = 0

  constructor(parts: ChainParts, { full = false, ...saved }: VerifyCall) {
    this.#parts = parts
    this.#heads = new Heads(parts, saved, this.faults)
    const stored = parts.tree.stored()
    const tree = stored && new TreeCheck(stored, this.faults)
    this.#tree = tree
    this.#root = new GrowingRoot(tree && ((level, index, hash) => tree.subtree(level, index, hash)))
    this.#full = full
    if (full && parts.index) this.#index = new IndexCheck(parts.index, this.faults)
    this.#walk = new ChainWalk({ faults: this.faults, full, onBlock: seen => this.#block(seen) })
    this.#reached()
  }

  take(item: RawLine | RawFault): void {
    if ('fault' in item) this.faults.add('sequence', undefined, visible(item.fault))
    else this.#walk.take(item)
  }

  end(): void {
    const there = sizeOf(this.#parts)
    const more = there !== undefined && there > this.#size
    // Somebody appends: the end that was seen may be the middle of that.
    this.#walk.end({ more, acknowledged: this.#heads.acknowledged })
    sizeOf(this.#parts, this.faults)
    // What was appended since is in the tree, perhaps, and was not looked at.
    this.#tree?.end(more ? undefined : this.#size)
    for (const number of this.#bodies.unannounced()) {
      this.#unannounced++
      this.faults.add('body', number, UNANNOUNCED)
    }
    this.#heads.end(this.#size, this.#walk.lines)
  }

  report(): VerifyReport {
    const { savedSize } = this.#heads
    return {
      ok: this.faults.count === 0,
      faults: this.faults.told(),
      faultCount: this.faults.count,
      full: this.#full,
      size: this.#size,
      hash: this.#hash,
      root: this.#root.root(),
      pruned: this.#pruned,
      ...(this.#unannounced > 0 && { unannounced: this.#unannounced }),
      unverified: this.#unverified,
      ...(savedSize !== undefined && { head: { size: savedSize } }),
      ...(this.#index && this.#index.stale > 0 && { staleIndex: this.#index.stale }),
    }
  }

  #block(seen: Seen): void {
    const { block } = seen
    this.#size = block.number + 1
    this.#hash = block.hash
    if (block.body === undefined) this.#pruned++
    else if (markOf(block)?.verified === 'none') this.#unverified++
    this.#bodies.take(block)
    this.#tree?.take(block)
    this.#index?.take(seen)
    // Behind a gap there is no tree any more.
    if (this.#root.size !== block.number) return
    this.#root.push(block.hash)
    if (this.#tree?.size === this.#root.size) this.#tree.root(this.#root.root())
    this.#reached()
  }

  #reached(): void {
    this.#heads.reached(this.#root.size, this.#hash, () => this.#root.root())
  }
}

/** Undefined where the store itself refuses the chain, which is told where nothing else was found. */
function sizeOf({ store }: ChainParts, faults?: Faults): number | undefined {
  try {
    return store.size()
  } catch (error) {
    if (!isOpDbusError(error, 'CHAIN_DAMAGED') && !isOpDbusError(error, 'STORE')) throw error
    const { block } = error.details
    if (faults?.count === 0) faults.add('sequence', typeof block === 'number' ? block : undefined, error.message)
    return undefined
  }
}
