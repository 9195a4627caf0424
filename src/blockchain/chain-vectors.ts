// The vectors of blocks: made in the background of a process that appends or searches, kept beside the chain, and searched. Never in the way
// of an append. Opens no file and no model by itself.
import { isOpDbusError, messageOf, OpDbusError } from '../errors.js'
import type { Kernels, Timer, Warn } from '../ports.js'
import type { BlockStore } from './ports.js'
import type { BlockFilter, ChainFault, OlderVectors, VectorStats } from './reports.js'
import type { SpaceRecord } from './store/vector-files.js'
import type { VectorFolder } from './store/vector-folder.js'
import { bringUp, type Embeddings, embedAgain, writing } from './vectors/bring-up.js'
import { countVectors } from './vectors/count.js'
import { type FaultsCall, type VectorCounts, vectorFaults } from './vectors/faults.js'
import { fuse } from './vectors/ranks.js'
import { DamagedRecord } from './vectors/row-index.js'
import { type Near, SpaceSearch } from './vectors/space-search.js'
import { untilAborted } from './vectors/until-aborted.js'

/** After an append: a process that ends at once is not to load a model for it. The next one goes on. */
const START_MS = 250
/** After a failure, then twice as long each time. */
const RETRY_MS = 1000
const MOST_RETRY_MS = 60_000
/** Blocks without a vector that a search waits for: a few seconds on a slow machine. With more, it says how many are missing. */
const WAITED_FOR = 256

/** Blocks that were damaged, and that a search looks at again. */
const MOST_AGAIN = 1000

export interface ChainVectorsParts {
  readonly store: BlockStore
  readonly embeddings: Embeddings
  readonly folder: VectorFolder
  readonly timer: Timer
  readonly warn: Warn
  /** Called when vectors are searched for the first time. */
  readonly openKernels: () => Promise<Kernels>
  /** Opens what made the vectors of another space; rejects where it is not to be had. Absent: it never is. */
  readonly openOlder?: ((record: SpaceRecord) => Promise<OlderEmbeddings>) | undefined
}

/** A model that served before. */
export interface OlderEmbeddings {
  readonly embeddings: Embeddings
  close(): Promise<void>
}

/** Blocks that have been looked at, of all. */
type Progress = (done: number, total: number) => void

export interface NearestCall {
  readonly signal?: AbortSignal | undefined
  /** Until every block has its vector, however many have none; what stands in the way of that is thrown. */
  readonly wait?: boolean | undefined
  readonly onProgress?: Progress | undefined
}

export interface NearBlocks {
  /** Best first. `score`: the cosine, or the sum of reciprocal ranks where two models were asked. */
  readonly near: readonly Near[]
  /** Whether these are all that fit. */
  readonly all: boolean
  readonly searched: number
  readonly pending: number
  /** Blocks that fit, and whose texts were refused or are damaged. */
  readonly refused: number
  readonly space: string
  readonly older?: OlderVectors
}

export class ChainVectors {
  readonly #parts: ChainVectorsParts
  readonly #closing = new AbortController()
  readonly #unlisten: () => void
  readonly #searches = new Map<string, SpaceSearch>()
  #older: { space: string; opened: Promise<OlderEmbeddings> } | undefined
  #kernels: Promise<Kernels> | undefined
  #working: Promise<void> | undefined
  #cancelTimer: (() => void) | undefined
  /** Something was appended while the work was under way. */
  #more = false
  #retryMs = RETRY_MS
  readonly #progress = new Set<Progress>()
  readonly #tell: Progress = (done, total) => {
    for (const told of this.#progress) told(done, total)
  }

  constructor(parts: ChainVectorsParts) {
    this.#parts = parts
    this.#unlisten = parts.store.onAppended(() => this.#soon(START_MS))
  }

  /**
   * Resolves when every block that there was has its vector.
   * @throws OpDbusError what the embedder throws; STORE, CHAIN_DAMAGED, ABORTED, CLOSED
   */
  async bringUp(signal?: AbortSignal, onProgress?: Progress): Promise<void> {
    const closing = this.#closing.signal
    if (closing.aborted) throw closed()
    const size = this.#parts.store.size()
    if (onProgress !== undefined) this.#progress.add(onProgress)
    try {
      do {
        this.#working ??= bringUp({ ...this.#parts, onProgress: this.#tell }, closing).finally(() => this.#ended())
        await untilAborted(this.#working, signal).catch(error => {
          throw closing.aborted ? closed() : error
        })
      } while (!closing.aborted && (await this.#lacks(size)))
    } finally {
      if (onProgress !== undefined) this.#progress.delete(onProgress)
    }
  }

  /**
   * The blocks that are nearest to `text`: at least `k`, where there are so many. They are what the files say: look at the chain before you
   * hand one out.
   * @throws OpDbusError DISABLED and what else the embedder throws; STORE, ABORTED, CLOSED
   */
  async nearest(text: string, k: number, filter: BlockFilter, call: NearestCall = {}): Promise<NearBlocks> {
    if (this.#closing.signal.aborted) throw closed()
    const { signal, wait = false, onProgress } = call
    const { embeddings, store, folder } = this.#parts
    const { space } = await embeddings.computing({ signal })
    const query = (await embeddings.getOrEmbed(text, { signal })).vector
    const size = store.size()
    const few = size - (await this.#next(space)) <= WAITED_FOR
    if (wait) await this.bringUp(signal, onProgress)
    else if (few) await this.bringUp(signal).catch(error => this.#failed(error, signal))
    else this.#soon(0)

    let ours = await this.#searched(space, query, k, filter, 0)
    if (ours.damaged.length > 0 && (await this.#embedAgain(space, ours.damaged, signal)))
      ours = await this.#searched(space, query, k, filter, 0)
    const next = await this.#next(space)
    const refused = ours.refused + ours.damaged.length
    const base = { pending: Math.max(0, store.size() - next), refused, space }
    const olderRecord = base.pending > 0 ? folder.spaces().find(other => other.space !== space) : undefined
    if (olderRecord === undefined) {
      return { ...base, near: ours.near, all: ours.near.length >= ours.fitting, searched: ours.fitting }
    }
    const older = await this.#nearestOlder(olderRecord, text, k, { filter, from: next, signal })
    const near = older.near.length === 0 ? ours.near : fused(ours.near, older.near)
    const searched = ours.fitting + older.report.searched
    return { ...base, near, all: near.length >= searched, searched, older: older.report }
  }

  /**
   * Takes out the vectors of blocks that were pruned, in every space. Waits for who writes vectors just now. `words`: what `rewrites` of the
   * chain said before and after just these went: then nobody has to look for them again. @throws OpDbusError STORE, ABORTED
   */
  async forget(
    numbers: Iterable<number>,
    signal?: AbortSignal,
    words?: { readonly before: string; readonly after: string },
  ): Promise<void> {
    const { folder } = this.#parts
    const gone = new Set(numbers)
    for (const record of gone.size === 0 ? [] : folder.spaces()) {
      await writing(this.#parts, record, signal, async writer => {
        await writer.forget(gone, writer.seal().rewrites === words?.before ? words.after : undefined)
      })
    }
  }

  /** How many there are in each space, as its files say. @throws OpDbusError STORE */
  stats(): Promise<VectorStats[]> {
    return countVectors(this.#parts.folder, this.#parts.store.size())
  }

  /** What is wrong with the vectors on the disk; with `recompute` each text is embedded again, which `counts` tells. @throws OpDbusError STORE, ABORTED, and what the embedder throws */
  faults(
    call: FaultsCall = {},
    counts: VectorCounts = { compared: 0, passed: 0, missing: 0 },
  ): AsyncIterable<ChainFault> {
    return vectorFaults(this.#parts, call, counts)
  }

  /** Ends what works in the background: what is not finished is begun again where it stopped. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort(closed())
    this.#unlisten()
    this.#cancelTimer?.()
    await this.#working?.catch(() => undefined)
    for (const search of this.#searches.values()) await search.close()
    await (await this.#older?.opened.catch(() => undefined))?.close()
    ;(await this.#kernels?.catch(() => undefined))?.close()
  }

  async #nearestOlder(
    record: SpaceRecord,
    text: string,
    k: number,
    { filter, from, signal }: { filter: BlockFilter; from: number; signal: AbortSignal | undefined },
  ): Promise<{ near: readonly Near[]; report: OlderVectors }> {
    const { space } = record
    try {
      const { embeddings } = await this.#openOlder(record)
      const query = (await embeddings.getOrEmbed(text, { signal })).vector
      const { near, fitting } = await this.#searched(space, query, k, filter, from)
      return { near, report: { space, searched: fitting } }
    } catch (error) {
      if (isOpDbusError(error, 'ABORTED')) throw error
      const problem = `the model of the older vectors cannot be opened any more: ${messageOf(error)}`
      this.#parts.warn(problem, error, `older vectors ${space}`)
      return { near: [], report: { space, searched: 0, problem } }
    }
  }

  async #openOlder(record: SpaceRecord): Promise<OlderEmbeddings> {
    const { openOlder } = this.#parts
    if (this.#older?.space !== record.space) {
      const before = this.#older
      const opened = (async () => {
        await (await before?.opened.catch(() => undefined))?.close()
        if (openOlder === undefined)
          throw new OpDbusError('MODEL_NOT_FOUND', `there is nothing here that opens ${record.model ?? record.space}`)
        const older = await openOlder(record)
        const { space } = await older.embeddings.computing()
        if (space === record.space) return older
        await older.close()
        throw new OpDbusError('MODEL_NOT_FOUND', `${record.model ?? 'the embedder'} makes other vectors now`)
      })()
      opened.catch(() => (this.#older = undefined))
      this.#older = { space: record.space, opened }
    }
    return this.#older.opened
  }

  async #searched(space: string, query: Float32Array, k: number, filter: BlockFilter, from: number) {
    const search = await this.#searchOf(space)
    for (let tries = 1; ; tries++) {
      try {
        return await search.nearest(query, k, filter, from)
      } catch (error) {
        if (!(error instanceof DamagedRecord) || tries > 2) throw told(error, this.#parts.folder.dir)
        await this.#mend(space, error)
      }
    }
  }

  /** Whether blocks that were damaged are sound again, and have their vectors now. */
  async #embedAgain(space: string, damaged: readonly number[], signal: AbortSignal | undefined): Promise<boolean> {
    const record = this.#parts.folder.spaces().find(one => one.space === space)
    if (record === undefined) return false
    const closing = this.#closing.signal
    const work = embedAgain(this.#parts, record, damaged.slice(0, MOST_AGAIN), closing)
    return untilAborted(work, signal).then(
      made => made > 0,
      error => {
        this.#failed(error, signal)
        return false
      },
    )
  }

  /** Cuts damaged vectors off, and has them made anew. */
  async #mend(space: string, { place }: DamagedRecord): Promise<void> {
    const { folder, warn } = this.#parts
    const record = folder.spaces().find(one => one.space === space)
    if (record === undefined) return
    const signal = this.#closing.signal
    const cut = await writing(this.#parts, record, signal, async writer => {
      const isDamaged =
        writer.floatsAt(place) === undefined || writer.scanAt(place)?.number !== writer.floatsAt(place)?.number
      // Otherwise somebody wrote while it was read.
      if (isDamaged && place < writer.seal().records) await writer.cut(place)
      return isDamaged
    })
    if (cut)
      warn(
        `vectors of blocks were damaged on the disk (${folder.dir}): they are made anew`,
        undefined,
        `damage ${space} ${place}`,
      )
    await this.bringUp().catch(error => this.#failed(error, undefined))
  }

  async #searchOf(space: string): Promise<SpaceSearch> {
    this.#kernels ??= this.#parts.openKernels()
    const kernels = await this.#kernels
    const search = this.#searches.get(space) ?? new SpaceSearch(this.#parts.folder, kernels, space)
    this.#searches.set(space, search)
    return search
  }

  /** The first block that has not been looked at in a space. */
  async #next(space: string): Promise<number> {
    const files = this.#parts.folder.open(space)
    try {
      return files?.seal().next ?? 0
    } finally {
      files?.close()
    }
  }

  /** Whether blocks before `size` were not looked at, of those that are still there. */
  async #lacks(size: number): Promise<boolean> {
    const { space } = await this.#parts.embeddings.computing()
    return (await this.#next(space)) < Math.min(size, this.#parts.store.size())
  }

  #soon(ms: number): void {
    if (this.#working !== undefined) this.#more = true
    if (this.#closing.signal.aborted || this.#cancelTimer !== undefined || this.#working !== undefined) return
    this.#cancelTimer = this.#parts.timer(ms, () => {
      this.#cancelTimer = undefined
      void this.bringUp().then(
        () => {
          this.#retryMs = RETRY_MS
        },
        error => this.#failed(error, undefined),
      )
    })
  }

  #ended(): void {
    this.#working = undefined
    if (this.#more) this.#soon(START_MS)
    this.#more = false
  }

  /** Whoever waits gives up; the background tries later, but where nothing is to be embedded at all. @throws what ends the wait itself */
  #failed(error: unknown, signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw error
    if (this.#closing.signal.aborted || isOpDbusError(error, 'DISABLED')) return
    this.#parts.warn(
      `the vectors of blocks cannot be made now, and are tried later: ${messageOf(error)}`,
      error,
      `vectors ${messageOf(error)}`,
    )
    this.#soon(this.#retryMs)
    this.#retryMs = Math.min(2 * this.#retryMs, MOST_RETRY_MS)
  }
}

/** Two models' cosines do not compare, so ranks decide. */
function fused(ours: readonly Near[], older: readonly Near[]): Near[] {
  const hashes = new Map([...ours, ...older].map(({ number, hash }) => [number, hash]))
  return fuse([ours, older]).map(({ number, score }) => ({ number, score, hash: hashes.get(number)! }))
}

function told(error: unknown, dir: string): unknown {
  return error instanceof DamagedRecord
    ? new OpDbusError('STORE', `${error.message}\nremove the folder ${dir}: it is made anew`, { details: { dir } })
    : error
}

function closed(): OpDbusError {
  return new OpDbusError('CLOSED', 'the chain is closed')
}
