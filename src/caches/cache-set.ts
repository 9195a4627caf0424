// All four caches as one: stats over them, clear, close. Names no adapter.
import type { LifetimeCounters, Tally } from '../cache/lifetime-counters.js'
import { rate } from '../cache/metrics.js'
import { NO_WORK, type Savings, SavingsMeter, savingsOf, type Work } from '../cache/savings.js'
import type { CacheStats } from '../cache/tiered-cache.js'
import { DIAGNOSTIC_NAMES, type DiagnosticEvents, type DiagnosticName, Diagnostics } from '../diagnostics.js'
import { messageOf, OpDbusError } from '../errors.js'
import type { PatternMode } from '../patterns/setting.js'
import type { PatternCounts } from '../patterns/templates.js'
import type { CacheName, Key, RunningEmbedder, ServingModel, StorageProblemKind, Warn } from '../ports.js'
import type { TuningState, Worth } from '../tuning/report.js'
import type { BlockCache } from './block-cache.js'
import type { DiffCache } from './diff-cache.js'
import type { EmbeddingCache } from './embedding-cache.js'
import type { QueryCache } from './query-cache.js'

const CACHE_NAMES: readonly CacheName[] = ['embeddings', 'blocks', 'queries', 'diffs']

/** Look-ups of every process that used this folder, this one included. */
export interface LifetimeStats {
  readonly hits: number
  readonly misses: number
  readonly evictions: number
  /** hits / (hits + misses); 0 before the first look-up. */
  readonly hitRate: number
  /** Seconds of computing, or of asking plugins, that hits made needless; see {@link Worth}. */
  readonly computeSeconds: number
  /** Seconds of reading the disk that memory made needless. */
  readonly diskSeconds: number
  /** Seconds spent on reading and writing the tiers below memory. */
  readonly spentSeconds: number
}

/** What is on disk, of any model: known without opening a model. */
export interface DiskSize {
  readonly entries: number
  readonly bytes: number
}

/** What patterns did in this process. */
export interface PatternStats extends PatternCounts {
  readonly mode: PatternMode
  /** The same counts over every process that used this folder. */
  readonly lifetime: PatternCounts
}

export interface OneCacheStats extends CacheStats {
  readonly lifetime: LifetimeStats
  /** What it was good for in this process. */
  readonly worth: Worth
  /** Everything of this cache on disk; absent where there is no disk tier. */
  readonly onDisk?: DiskSize
  /** How long an entry is good, in seconds; absent: for ever. */
  readonly ttl?: number
  /** Embeddings only, where patterns are on or ever were. */
  readonly patterns?: PatternStats
  /** Embeddings only: which model serves; absent before the first look-up, and for an embedder of the user's own. */
  readonly model?: ServingModel
  /** Embeddings only: what computes; absent before the first look-up, and for an embedder of the user's own. */
  readonly running?: RunningEmbedder
}

/** Browsers: the database behind the disk tier, and what the browser says of the origin's storage. */
export interface StorageStats {
  /** Of IndexedDB. */
  readonly database: string
  /**
   * Why vectors, or new ones, are not kept beyond this page's memory: one sentence for visitors. Absent while nothing is
   * known to be wrong, and again when it is not wrong any more.
   */
  readonly problem?: string
  /** The same for programs: there exactly when `problem` is. */
  readonly problemKind?: StorageProblemKind
  /** Of everything this origin stores; browsers round it. Absent where the browser does not say. */
  readonly usageBytes?: number
  readonly quotaBytes?: number
  /** Whether the browser promised to keep it when space runs out. */
  readonly persisted?: boolean
}

export type Stats = Readonly<Record<CacheName, OneCacheStats>> & {
  /** The folder of the disk tiers; absent where there is none. */
  readonly dir?: string
  /** Browsers only. */
  readonly storage?: StorageStats
}

/** Which caches `clear` empties; none named: all four. */
export type ClearSelection = { readonly [K in CacheName]?: boolean | undefined } & {
  /** Empties the shared store of `openCaches({ shared })` as well, if embeddings are among what is emptied. Default false. */
  readonly shared?: boolean | undefined
}

/** Names among the lifetime counters, as earlier versions wrote them. */
const TEMPLATES = 'embeddings.patterns.patterns'
const PATTERN_HITS = 'embeddings.patterns.hits'

interface Tuning {
  state(): TuningState
  loadAhead?(keys: readonly Key[], signal?: AbortSignal): Promise<LoadedAhead | undefined>
  close(): Promise<void>
}

/** Entries that were loaded into memory by their names on disk. */
export interface LoadedAhead {
  readonly entries: number
  /** What memory had already. */
  readonly there: number
  /** What is not on disk. */
  readonly gone: number
}

/** What only a root knows about its disk. All of it optional: no runtime has all of it. */
export interface CacheSetExtras {
  readonly dir?: string | undefined
  readonly storage?: (() => Promise<StorageStats>) | undefined
  readonly counters?: LifetimeCounters | undefined
  /** What each disk folder holds, whatever is open. */
  readonly onDisk?: { readonly [K in CacheName]?: (() => Promise<DiskSize>) | undefined }
  /** Empties what no open tier covers: the vectors of every other model. */
  readonly clearEmbeddings?: (() => Promise<void>) | undefined
  /** Removes the index of the chain, which is kept beside the caches. */
  readonly clearBlocks?: (() => Promise<void>) | undefined
  readonly ttl?: { readonly [K in CacheName]?: number }
  /** Absent: off. */
  readonly patterns?: PatternMode
  readonly warn?: Warn
  readonly diagnostics?: Diagnostics
  /** What tunes these caches; absent where nothing does. Ends before they close. */
  readonly tuning?: Tuning | undefined
  /** Called last by close, whatever failed before. */
  readonly release?: () => void
}

export interface FourCaches {
  readonly embeddings: EmbeddingCache
  readonly queries: QueryCache
  readonly diffs: DiffCache
  readonly blocks: BlockCache
}

export class CacheSet {
  readonly embeddings: EmbeddingCache
  readonly queries: QueryCache
  readonly diffs: DiffCache
  readonly blocks: BlockCache
  /** What else works on these caches tells it here. @internal */
  readonly diagnostics: Diagnostics
  /** The folder of the disk tiers. @internal */
  readonly dir: string | undefined
  readonly #extras: CacheSetExtras
  readonly #savings = new Map(CACHE_NAMES.map(name => [name, new SavingsMeter()]))
  #closing: Promise<void> | undefined

  /** Roots open them. @internal */
  constructor({ embeddings, queries, diffs, blocks }: FourCaches, extras: CacheSetExtras = {}) {
    this.embeddings = embeddings
    this.queries = queries
    this.diffs = diffs
    this.blocks = blocks
    this.#extras = extras
    this.dir = extras.dir
    this.diagnostics = extras.diagnostics ?? new Diagnostics()
  }

  /**
   * Calls `listener` with each event of that kind from now on, at once and on the thread that the caches run on; the function
   * that it returns ends that. Events hold no text. What a listener throws is told as a warning, and fails nothing.
   */
  on<N extends DiagnosticName>(name: N, listener: (event: DiagnosticEvents[N]) => void): () => void {
    if (!DIAGNOSTIC_NAMES.includes(name)) {
      throw new OpDbusError(
        'INVALID_INPUT',
        `no event is called ${String(name)}; there are: ${DIAGNOSTIC_NAMES.join(', ')}`,
      )
    }
    if (typeof listener !== 'function') throw new OpDbusError('INVALID_INPUT', 'a listener is a function')
    return this.diagnostics.on(name, listener)
  }

  /** Policies, what the tuner changed, what was fetched ahead and loaded at the start; undefined in a page. */
  tuning(): TuningState | undefined {
    return this.#extras.tuning?.state()
  }

  /**
   * Loads embeddings into memory by their names on disk, the last used first, as far as there is room. Undefined where nothing is kept on
   * disk, or it is not known yet what computes. @internal
   */
  async loadAhead(keys: readonly Key[], signal?: AbortSignal): Promise<LoadedAhead | undefined> {
    return this.#extras.tuning?.loadAhead?.(keys, signal)
  }

  /** What each cache holds and did: in this process, on disk, and over all processes so far. */
  async stats(): Promise<Stats> {
    const totals: Tally = (await this.#extras.counters?.totals().catch(() => undefined)) ?? this.tally()
    const stats = {} as Record<CacheName, OneCacheStats>
    for (const name of CACHE_NAMES) {
      const onDisk = await this.#extras.onDisk?.[name]?.().catch((error: unknown) => {
        this.#extras.warn?.(`cannot look at the ${name} on disk: ${messageOf(error)}`, error)
        return undefined
      })
      const ttl = this.#extras.ttl?.[name]
      const now = await this[name].stats()
      stats[name] = {
        ...now,
        lifetime: lifetimeOf(name, totals),
        worth: this.#worthOf(name, totals, { memoryBytes: now.memory.bytes, diskBytes: onDisk?.bytes ?? 0 }),
        ...(onDisk && { onDisk }),
        ...(ttl !== undefined && { ttl }),
        ...(name === 'embeddings' && this.#patterns(totals)),
      }
    }
    const { dir, storage } = this.#extras
    return { ...stats, ...(dir !== undefined && { dir }), ...(storage && { storage: await storage() }) }
  }

  /**
   * Empties the caches named, or all four: memory, and every file that is ours. Other processes on the same folder
   * notice at their next look-up. What other machines share goes only with `shared: true`. Counters go on.
   * @throws OpDbusError STORE with what could not be emptied first; all else is. CLOSED
   */
  async clear(selection: ClearSelection = {}): Promise<void> {
    if (this.#closing !== undefined) throw new OpDbusError('CLOSED', 'the caches are closed')
    const named = CACHE_NAMES.filter(name => selection[name])
    const failed: unknown[] = []
    for (const name of named.length > 0 ? named : CACHE_NAMES) {
      // What can be emptied is, whatever else cannot.
      const cleared = name === 'embeddings' ? this.embeddings.clear({ shared: selection.shared }) : this[name].clear()
      await cleared.catch((error: unknown) => failed.push(error))
      const { clearEmbeddings, clearBlocks } = this.#extras
      const beside = { embeddings: clearEmbeddings, blocks: clearBlocks, queries: undefined, diffs: undefined }[name]
      await beside?.().catch((error: unknown) => failed.push(error))
    }
    if (failed.length > 0) throw failed[0]
  }

  /** Writes what is pending, unloads the model, ends the worker. Closing twice is fine. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Counts of this process, for the lifetime counters. @internal */
  tally(): Tally {
    const tally: Record<string, number> = {}
    for (const name of CACHE_NAMES) {
      const counts = { ...this[name].counts(), ...this[name].work() }
      for (const [what, count] of Object.entries(counts)) tally[`${name}.${what}`] = count
    }
    const { templates, hits } = this.embeddings.patternCounts()
    return { ...tally, [TEMPLATES]: templates, [PATTERN_HITS]: hits }
  }

  #worthOf(name: CacheName, totals: Tally, held: Pick<Worth, 'memoryBytes' | 'diskBytes'>): Worth {
    const work = this[name].work()
    const saved = this.#savings.get(name)!.take(this[name].counts().hits, work, workOf(name, totals))
    return { ...inSeconds(saved, work), ...held }
  }

  #patterns(totals: Tally): { patterns?: PatternStats } {
    const { patterns: mode = 'off' } = this.#extras
    const lifetime = { templates: totals[TEMPLATES] ?? 0, hits: totals[PATTERN_HITS] ?? 0 }
    if (mode === 'off' && lifetime.templates + lifetime.hits === 0) return {}
    return { patterns: { mode, ...this.embeddings.patternCounts(), lifetime } }
  }

  async #close(): Promise<void> {
    await this.#extras.tuning?.close()
    try {
      await this.#extras.counters?.flush()
    } catch {
      // The caches themselves have said what is wrong with the folder; counts may be lost.
    }
    const closed = await Promise.allSettled(CACHE_NAMES.map(name => this[name].close()))
    this.#extras.release?.()
    const failed = closed.find(outcome => outcome.status === 'rejected')
    if (failed) throw failed.reason
  }
}

function lifetimeOf(name: CacheName, totals: Tally): LifetimeStats {
  const of = (what: string) => totals[`${name}.${what}`] ?? 0
  const [hits, misses] = [of('hits'), of('misses')]
  const work = workOf(name, totals)
  const hitRate = rate(hits, hits + misses)
  return { hits, misses, evictions: of('evictions'), hitRate, ...inSeconds(savingsOf(hits, work), work) }
}

function workOf(name: CacheName, totals: Tally): Work {
  const work: Record<keyof Work, number> = { ...NO_WORK }
  for (const what of Object.keys(NO_WORK) as (keyof Work)[]) work[what] = totals[`${name}.${what}`] ?? 0
  return work
}

function inSeconds(saved: Savings, { spentMicros }: Work) {
  return {
    computeSeconds: saved.computeMicros / 1e6,
    diskSeconds: saved.diskMicros / 1e6,
    spentSeconds: spentMicros / 1e6,
  }
}
