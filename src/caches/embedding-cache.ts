// The embedding cache: a text's vector from memory, else from disk, else from the embedder, once. The key in memory is
// the text itself; on disk it is a hash of space and text.
import { AbortListeners } from '../abort-listeners.js'
import type { LookUpFacts } from '../cache/cache-events.js'
import type { NewPolicy } from '../cache/eviction.js'
import type { MemoryInfo, MemoryTap } from '../cache/memory-tap.js'
import { type Counts, newCounts } from '../cache/metrics.js'
import { NO_WORK, type Work } from '../cache/savings.js'
import type { CacheStats, ClearOptions } from '../cache/tiered-cache.js'
import { abortError, OpDbusError } from '../errors.js'
import type { PatternCounts } from '../patterns/templates.js'
import type { CallOptions, RunningEmbedder, ServingModel, StoreStatus } from '../ports.js'
import { signalOf } from '../realms.js'
import { EmbeddingsAhead } from './ahead.js'
import { computeAnew } from './compute-anew.js'
import { copyOf, type MemoryCopy } from './copy-of.js'
import { EmbeddingBatch, type EmbeddingMatrix } from './embedding-batch.js'
import { EmbeddingLoader } from './embedding-loader.js'
import { EmbeddingMemory, type EmbeddingMemoryOptions } from './embedding-memory.js'
import type { EmbeddingParts, Opened } from './embedding-parts.js'
import { copyInto, vectorOf } from './embedding-pool.js'
import {
  type EmbeddingResult,
  type EmbeddingTrace,
  type EmbedManyCall,
  provenanceOf,
  type TraceCall,
  toResult,
  type UnopenedStore,
} from './embedding-result.js'
import { ProgressMeter } from './progress.js'
import { checkedTexts, checkText, idOf } from './texts.js'
import { untilAborted } from './until-aborted.js'

export interface EmbeddingCacheOptions extends EmbeddingMemoryOptions {
  /** Called at the first look-up that needs more than memory; again after it failed. The signal fires on close. */
  readonly open: (call: CallOptions) => Promise<EmbeddingParts>
  /** The shared store, for as long as no tier is open over it. */
  readonly shared?: UnopenedStore
}

export class EmbeddingCache {
  /** Who foresees what will be asked for, and has it embedded. @internal */
  readonly ahead = new EmbeddingsAhead()
  readonly #options: EmbeddingCacheOptions
  readonly #memory: EmbeddingMemory
  #opening: Promise<Opened> | undefined
  #opened: Opened | undefined
  readonly #onOpened: ((opened: Opened) => void)[] = []
  readonly #closing = new AbortController()
  readonly #aborts = new AbortListeners()

  constructor(options: EmbeddingCacheOptions) {
    this.#options = options
    this.#memory = new EmbeddingMemory(options)
  }

  /**
   * The shared vector in memory, or undefined. Synchronous, the fastest look-up there is, and the one whose result must
   * not be written to: every later caller sees the same array. Where patterns are on it is the template's.
   *
   * After a clear elsewhere: tabs tell one another at once. On Node nobody does, and this asks no disk: what another process
   * cleared is served from here until the next look-up that may (`get`, `getOrEmbed`, `embedMany`).
   */
  view(text: string): Float32Array | undefined {
    const opened = this.#opened
    return opened?.cache.peek(idOf(text, opened))?.vector
  }

  /**
   * The text's vector, computed only if no tier has it, once however many ask.
   * @throws OpDbusError INVALID_INPUT, ABORTED, DISABLED, MODEL_NOT_FOUND, UNSUPPORTED_MODEL, DEVICE_UNAVAILABLE,
   *   EMBEDDER_FAILED, OVERLOADED, WORKER_LOST
   */
  async getOrEmbed(text: string, call: CallOptions = {}): Promise<EmbeddingResult> {
    checkText(text)
    const signal = signalOf(call)
    if (signal?.aborted) throw abortError(signal)
    const { cache, loader, templates } = this.#opened ?? (await this.#open({ signal }))
    const template = templates?.of(text)
    const answer = cache.lookUp(template?.text ?? text, loader.atOnce, signal)
    this.ahead.observer?.asked(text, answer)
    const { value, source, joined } = answer instanceof Promise ? await answer : answer
    return toResult(value, template?.origin(source, !joined) ?? { source })
  }

  /**
   * As `getOrEmbed` or, where it is not to `compute`, as `get`; says as well how this very look-up went, whoever else asks for the same
   * meanwhile. @internal @throws what these throw
   */
  async trace(text: string, { compute = true, signal }: TraceCall = {}): Promise<EmbeddingTrace> {
    checkText(text)
    if (signal?.aborted) throw abortError(signal)
    const { cache, loader, templates, embedder } = this.#opened ?? (await this.#open({ signal }))
    const template = templates?.of(text)
    const id = template?.text ?? text
    let way: LookUpFacts | undefined
    const told = (facts: LookUpFacts) => {
      way = facts
    }
    const answer = await (compute ? cache.lookUp(id, loader.atOnce, signal, told) : cache.get(id, told))
    const { tiers, micros } = way ?? { tiers: [], micros: 0 }
    const trace = { id, dims: embedder.dims, tiers, micros }
    if (answer === undefined) return trace
    const { value, source, joined } = answer
    return { ...trace, result: toResult(value, template?.origin(source, compute && !joined) ?? { source }) }
  }

  /** Whether there is a tier that other machines share. @internal */
  get shares(): boolean {
    return this.#options.shared !== undefined
  }

  /** Whether it is known what computes: a look-up was made, or begun and not refused. @internal */
  get opened(): boolean {
    return this.#opened !== undefined
  }

  /** Calls `listener` once it is known what computes, at once where it is. It must not throw. @internal */
  onOpened(listener: (opened: Opened) => void): void {
    if (this.#opened) listener(this.#opened)
    else this.#onOpened.push(listener)
  }

  /**
   * A copy of what memory holds, at most `most` entries, most recently used first: ids (texts or, where patterns are on, templates), and a row
   * for each. @internal
   */
  copyMemory(most = Number.POSITIVE_INFINITY): MemoryCopy {
    return copyOf(this.#opened?.cache, this.#opened?.embedder.dims ?? 0, most)
  }

  /**
   * What `getOrEmbed` answers where memory has it, at once: the vector is copied to the beginning of `target`, so that neither a promise nor
   * an array is made. Else undefined, and nothing is counted: ask again with `getOrEmbed`. @internal @throws OpDbusError CLOSED
   */
  atOnce(text: string, target: Float32Array): Omit<EmbeddingResult, 'vector'> | undefined {
    const opened = this.#opened
    if (opened === undefined) return undefined
    const template = opened.templates?.of(text)
    const value = opened.cache.atOnce(template?.text ?? text)
    if (value !== undefined) copyInto(value, target, 0)
    if (value !== undefined) this.ahead.observer?.hit(text)
    return value && provenanceOf(value, template?.origin('memory', false))
  }

  /** The text's vector if some tier has it, else undefined. Never computes. Where patterns are on: its template's. */
  async get(text: string): Promise<EmbeddingResult | undefined> {
    checkText(text)
    const { cache, templates } = this.#opened ?? (await this.#open())
    const template = templates?.of(text)
    const answer = await cache.get(template?.text ?? text)
    if (answer === undefined) return undefined
    const { value, source } = answer
    return toResult(value, template?.origin(source, false) ?? { source })
  }

  /** Whether `get` would answer. Not counted as a look-up. */
  async has(text: string): Promise<boolean> {
    checkText(text)
    const opened = this.#opened ?? (await this.#open())
    return opened.cache.has(idOf(text, opened))
  }

  /**
   * Removes what `get` would answer from every tier; true when some tier had it. Other processes see it at their next read
   * from disk. Where patterns are on, that is the vector of every text of the template.
   * @throws OpDbusError STORE where a tier could not be reached (`details.tier` says which): it may still have the entry, and
   *   the nearer ones have not
   */
  async delete(text: string): Promise<boolean> {
    checkText(text)
    const opened = this.#opened ?? (await this.#open())
    return opened.cache.delete(idOf(text, opened))
  }

  /**
   * Vectors for many texts, in their order; equal texts are computed once. Rows that finish stay cached even when others
   * fail or the call is aborted.
   * @throws BatchError (PARTIAL_FAILURE) with `failed: { index, error }[]`, and what getOrEmbed throws
   */
  async embedMany(texts: readonly string[], call: EmbedManyCall = {}): Promise<EmbeddingMatrix> {
    return this.#embedMany(texts, call, false)
  }

  /** The same, refused where one text would be. @internal @throws OpDbusError OVERLOADED, of the batch as a whole; what `embedMany` does */
  async embedManyBounded(texts: readonly string[], call: CallOptions): Promise<EmbeddingMatrix> {
    return this.#embedMany(texts, call, true)
  }

  async #embedMany(asked: readonly string[], call: EmbedManyCall, isBounded: boolean): Promise<EmbeddingMatrix> {
    const texts = checkedTexts(asked)
    const signal = signalOf(call)
    if (signal?.aborted) throw abortError(signal)
    const { cache, embedder, loader, templates } = this.#opened ?? (await this.#open({ signal }))
    const meter = new ProgressMeter(texts.length, this.#options.clock, call?.onProgress)
    const began = this.#options.clock.monotonic()
    this.ahead.observer?.batchBegins()
    const batch = new EmbeddingBatch(texts, embedder.dims, templates, meter)
    const bounded = isBounded ? loader.bounded() : undefined
    await cache.getOrLoadMany(batch, bounded?.load ?? loader.inTurn, batch, { signal })
    meter.end()
    this.ahead.observer?.batch(texts, batch.result.sources, began)
    if (meter.thrown) throw meter.thrown.error
    if (bounded?.refused) throw bounded.refused
    return batch.finish()
  }

  /**
   * What computes: its space, how long its vectors are and, unless it is the user's own, the model. Loads no model. @internal
   * @throws OpDbusError DISABLED, MODEL_NOT_FOUND and what else opening says; ABORTED, CLOSED
   */
  async computing(
    call: CallOptions = {},
  ): Promise<{ readonly space: string; readonly dims: number; readonly model?: string }> {
    const { embedder, model } = this.#opened ?? (await this.#open(call))
    return { space: embedder.space, dims: embedder.dims, ...(model && { model: model.serves }) }
  }

  /** Vectors computed now, row-major, whatever the tiers have; kept nowhere. @internal @throws what `getOrEmbed` does */
  async compute(texts: readonly string[], { signal }: CallOptions = {}): Promise<Float32Array> {
    if (signal?.aborted) throw abortError(signal)
    const opened = this.#opened ?? (await this.#open({ signal }))
    const ids = texts.map(text => idOf(text, opened))
    return computeAnew(ids, opened.embedder.dims, opened.loader.inTurn, signal)
  }

  /**
   * What memory holds, most recently used first: each text (where patterns are on: each template) and a copy of its vector.
   * Counts nothing and marks nothing as used; the iterator is not to be kept over an await.
   */
  *entries(): IterableIterator<readonly [text: string, vector: Float32Array]> {
    for (const [id, embedding] of this.#opened?.cache.entries() ?? []) yield [id, vectorOf(embedding)]
  }

  /** Empties memory alone: the next look-ups are answered from disk. */
  forgetMemory(): void {
    this.#opened?.cache.clearMemory()
  }

  /**
   * Another capacity of memory, in entries; 0 switches it off. What was used least recently goes first.
   * @throws OpDbusError INVALID_INPUT
   */
  resize(capacity: number): void {
    if (!Number.isSafeInteger(capacity) || capacity < 0) {
      throw new OpDbusError('INVALID_INPUT', `a capacity is a whole number of at least 0, not ${capacity}`)
    }
    this.#memory.resize(capacity, this.#options.capacityBytes)
  }

  /**
   * As `TunableMemory` has it, which its declaration cannot say: these are not in it. So are the next three. Each holds for what is opened
   * later as well. @internal
   */
  memoryInfo(): MemoryInfo {
    return this.#memory.memoryInfo()
  }

  /** @internal */
  resizeMemory(capacity: number, capacityBytes: number): void {
    this.#memory.resizeMemory(capacity, capacityBytes)
  }

  /** @internal */
  setPolicy(policy: NewPolicy): void {
    this.#memory.setPolicy(policy)
  }

  /** @internal */
  tap(tap: MemoryTap): () => void {
    return this.#memory.tap(tap)
  }

  /** Empties memory and, where it is open, the disk; with `shared` also what other machines share. */
  async clear(options: ClearOptions = {}): Promise<void> {
    if (this.#closing.signal.aborted) throw new OpDbusError('CLOSED', 'the embedding cache is closed')
    const opened = await this.#settled()
    this.ahead.observer?.cleared()
    if (opened !== undefined) await opened.cache.clear(options)
    else if (options.shared) await this.#options.shared?.clear()
  }

  /** Whether the shared store can be asked, where it says so: known before the first look-up. @internal */
  get sharedStatus(): StoreStatus | undefined {
    return this.#options.shared?.status
  }

  /** Look-ups and evictions of this process. @internal */
  counts(): Counts {
    return this.#opened?.cache.counts() ?? newCounts()
  }

  /** What was measured in this process, and by how much it was of use. @internal */
  work(): Work {
    return this.#opened?.cache.work() ?? NO_WORK
  }

  /** What patterns did in this process. */
  patternCounts(): PatternCounts {
    return this.#opened?.templates?.counts() ?? { templates: 0, hits: 0 }
  }

  async stats(): Promise<CacheStats & { readonly model?: ServingModel; readonly running?: RunningEmbedder }> {
    const opened = await this.#settled()
    const stats = await (opened?.cache ?? this.#memory.unopened({ tiers: [] }, 0)).stats()
    const model = opened?.model
    const running = opened?.embedder.running
    return { ...stats, ...(model && { model }), ...(running && { running }) }
  }

  /** Writes what is pending, unloads the model, ends the worker. */
  async close(): Promise<void> {
    this.#closing.abort(new OpDbusError('CLOSED', 'the embedding cache was closed'))
    const opened = await this.#settled()
    opened?.loader.tellAll()
    await opened?.embedder.close()
    await (opened?.cache ?? this.#options.shared)?.close()
  }

  /** Opens once for all callers; the signal ends only its own caller's wait. */
  async #open({ signal }: CallOptions = {}): Promise<Opened> {
    const closing = this.#closing.signal
    if (closing.aborted) throw new OpDbusError('CLOSED', 'the embedding cache is closed')
    this.#opening ??= this.#options.open({ signal: closing }).then(
      parts => {
        const cache = this.#memory.open(parts, parts.embedder.dims)
        this.#opened = { ...parts, cache, loader: new EmbeddingLoader(parts.embedder, this.#options.clock) }
        this.ahead.opened(this.#opened)
        for (const listener of this.#onOpened) listener(this.#opened)
        return this.#opened
      },
      error => {
        this.#opening = undefined
        throw closing.aborted ? closing.reason : error
      },
    )
    return signal ? untilAborted(this.#opening, signal, this.#aborts) : this.#opening
  }

  /** What is open, or about to be; undefined when nothing was asked for yet, or opening failed. */
  async #settled(): Promise<Opened | undefined> {
    return this.#opened ?? this.#opening?.catch(() => undefined)
  }
}
