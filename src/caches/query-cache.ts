// What plugins answered, for a few seconds: memory, and small files for one-shot programs that ask again. Never older than the last
// change that somebody told, in any process: query-tokens.ts says how.

import type { CacheEvents } from '../cache/cache-events.js'
import type { NewPolicy } from '../cache/eviction.js'
import { type Loader, loadEach } from '../cache/loader.js'
import type { Answer } from '../cache/look-up.js'
import { MemoryTier } from '../cache/memory-tier.js'
import { TieredCache } from '../cache/tiered-cache.js'
import { within } from '../cache/within.js'
import type { Diagnostics } from '../diagnostics.js'
import { isOpDbusError, messageOf, OpDbusError } from '../errors.js'
import type { ChangeNews, Clock, Hash, Timer, Warn } from '../ports.js'
import { signalOf } from '../realms.js'
import type { AskAgain, QueryObserver } from './ahead.js'
import type { CachedAnswer, QueryCall } from './query-call.js'
import type { OpenedQueryDisk, QueryDisk } from './query-disk.js'
import { inWords, tellTooLarge } from './query-names.js'
import type { QueryTokens } from './query-tokens.js'
import { type CachedValue, type ComputeValue, ValueCache, valueEvents } from './value-cache.js'
import { type Held, heldBytes } from './values.js'

export interface QueryCacheOptions {
  /** ms; 0 = no caching. */
  readonly ttlMs: number
  /** How long past its time an answer is still served while it is asked for anew, ms. Default 0. */
  readonly staleMs?: number
  /** Bytes in memory. */
  readonly capacityBytes: number
  /** Default: least recently used. */
  readonly policy?: NewPolicy | undefined
  /** Absent: memory only, and nobody else is told of anything. */
  readonly disk?: QueryDisk
  /** Other machines that are told of what is invalidated here, and tell. Absent: there are none. */
  readonly news?: ChangeNews | undefined
  readonly clock: Clock
  readonly hash: Hash
  readonly warn: Warn
  readonly diagnostics?: Diagnostics
  readonly clockResolutionMs?: number
  readonly timer?: Timer
}

/** How long an end waits for what is asked anew, ms. */
const RENEWAL_MS = 5000

/** Asked by a plugin's name, of 1 to 1,000 characters; what it answered is good for as long as the TTL says. */
export class QueryCache extends ValueCache<string> {
  readonly #disk: OpenedQueryDisk | undefined
  readonly #tokens: QueryTokens | undefined
  readonly #news: ChangeNews | undefined
  #listens = false
  /** Asked for by name in this process: what may be kept. */
  readonly #asked = new Set<string>()
  readonly #clock: Clock
  readonly #ttlMs: number
  readonly #staleMs: number
  readonly #warn: Warn
  readonly #timer: Timer | undefined
  readonly #renewals = new Set<Promise<unknown>>()
  readonly #events: CacheEvents<Held> | undefined
  /** How often each is held in this process. */
  readonly #holds = new Map<string, number>()
  #observer: QueryObserver | undefined

  constructor(options: QueryCacheOptions) {
    const { ttlMs, clock, hash, warn, diagnostics } = options
    const staleMs = ttlMs > 0 ? (options.staleMs ?? 0) : 0
    const events = valueEvents('queries', hash, diagnostics)
    const memory = new MemoryTier<Held>({
      capacity: ttlMs > 0 ? Number.POSITIVE_INFINITY : 0,
      capacityBytes: options.capacityBytes,
      policy: options.policy,
      tooLarge: tellTooLarge(warn),
      sizeOf: heldBytes,
      ttlMs,
      ttlOf: held => held.ttlMs,
      staleMs,
      clock,
      events,
      clockResolutionMs: options.clockResolutionMs,
    })
    const dropped = (plugin: string) => this.#forget(plugin)
    const unkept = (plugin: string) => this.cache.keepNothing(plugin)
    const parts = { ttlMs, staleMs, clock, hash, warn, events, timer: options.timer, dropped, unkept }
    // Also where nothing is kept: others are told of changes all the same.
    const disk = options.disk?.(parts)
    super(new TieredCache({ memory, tiers: disk && ttlMs > 0 ? [disk.tier] : [], clock, events }))
    this.#tokens = disk?.tokens
    this.#disk = disk
    this.#news = options.news
    this.#clock = clock
    this.#ttlMs = ttlMs
    this.#staleMs = staleMs
    this.#warn = warn
    this.#timer = options.timer
    this.#events = events
  }

  /**
   * What is held of this plugin's answer, and how old it is. Asks nobody, counts nothing, and keeps nothing longer than it would be; undefined
   * where a look-up would ask the plugin.
   * @throws OpDbusError INVALID_INPUT, CLOSED
   */
  async about(plugin: string): Promise<CachedAnswer | undefined> {
    const id = this.idOf(plugin)
    this.enter(id)
    if (this.#holds.has(id) || (this.#tokens && !this.#tokens.stands(id))) return undefined
    const held = await this.cache.peekLife(id)
    if (held === undefined) return undefined
    const { value, source, leftMs = 0 } = held
    const ttlMs = value.ttlMs ?? this.#ttlMs
    return { ageMs: Math.max(0, ttlMs - leftMs), ttlMs, source, bytes: heldBytes(value, id) }
  }

  /** How long an answer is good, ms; 0: nothing is kept. @internal */
  get ttlMs(): number {
    return this.#ttlMs
  }

  /**
   * As that of the other caches; `fresh` and `ttlMs` are this cache's own.
   * @throws OpDbusError INVALID_INPUT, UNCACHEABLE, ABORTED
   */
  override async getOrCompute<T>(
    plugin: string,
    compute: ComputeValue<T>,
    call: QueryCall = {},
  ): Promise<CachedValue<T>> {
    const { ttlMs } = call
    if (ttlMs !== undefined && !(Number.isFinite(ttlMs) && ttlMs >= 0)) {
      throw new OpDbusError('INVALID_INPUT', `ttlMs is a number of at least 0, not ${ttlMs}`)
    }
    return super.getOrCompute(plugin, compute, call)
  }

  /**
   * The plugin's state changed: nothing that was asked before this is served after it, in any process, from memory or from disk, not
   * even an answer that is still under way. In this process that holds as soon as the call was made.
   * @throws OpDbusError INVALID_INPUT
   */
  override async delete(plugin: string): Promise<boolean> {
    const id = this.idOf(plugin)
    this.#events?.invalidated(id, false)
    const deleted = this.cache.delete(id)
    this.#observer?.dropped(id)
    this.#tokens?.renew(id)
    this.#news?.tell(id)
    try {
      return await deleted
    } catch (error) {
      if (isOpDbusError(error, 'CLOSED')) throw error
      // A file that cannot be removed does no harm: its token is not current any more.
      return true
    }
  }

  /**
   * As `delete`, for changes that are told in bursts: what follows on another within 10 ms is told to other processes together.
   * In this process it holds as soon as the call was made; when the promise settles the others know.
   * @throws OpDbusError INVALID_INPUT
   */
  async invalidate(plugin: string): Promise<void> {
    const id = this.idOf(plugin)
    this.#events?.invalidated(id, false)
    this.#forget(id)
    this.#news?.tell(id)
    await this.#tokens?.renewSoon(id)
  }

  /**
   * The plugin's state is going to change step by step: as `delete`, and until the function that this answers was called, or this
   * process is gone, what any process asks is answered, to all who ask meanwhile, and not kept. That function is as `delete` too.
   * @throws OpDbusError INVALID_INPUT
   */
  async hold(plugin: string): Promise<() => Promise<void>> {
    const id = this.idOf(plugin)
    const count = this.#holds.get(id) ?? 0
    this.#holds.set(id, count + 1)
    // Before the token: whoever asks under the new one sees it.
    if (count === 0) this.#tokens?.hold(id)
    await this.delete(id)
    let ended = false
    return async () => {
      if (ended) return
      ended = true
      await this.#letGo(id)
    }
  }

  /**
   * Resolves when nothing is being asked anew in the background any more, or after 5 s: who asks once and ends would else be told
   * what is late, time after time.
   */
  async settled(): Promise<void> {
    const renewals = [...this.#renewals]
    if (renewals.length > 0) await within(RENEWAL_MS, () => Promise.allSettled(renewals), this.#timer).catch(() => {})
  }

  /** Who is told of what is asked for, from now on, and may have it asked again. @internal */
  observe(observer: QueryObserver | undefined): void {
    this.#observer = observer
  }

  /** Nobody is asked again for those who asked so far: their plugins are about to be let go. @internal */
  endAhead(): void {
    this.#observer?.cleared()
  }

  /** How long what memory holds is still good, ms; undefined where it holds nothing that would be served. @internal */
  leftMs(id: string): number | undefined {
    if (this.#holds.has(id) || (this.#tokens && !this.#tokens.stands(id))) return undefined
    return this.cache.leftMs(id)
  }

  override async clear(): Promise<void> {
    await super.clear()
    this.#observer?.cleared()
  }

  override async close(): Promise<void> {
    if (this.#renewals.size > 0) await this.settled()
    this.#tokens?.close()
    await this.#news?.flush()
    await super.close()
    await this.#disk?.close()
  }

  protected override idOf(plugin: string): string {
    if (typeof plugin === 'string' && plugin.length > 0 && plugin.length <= 1000) return plugin
    throw new OpDbusError('INVALID_INPUT', 'a plugin name has 1 to 1,000 characters')
  }

  protected override enter(id: string): void {
    // What was asked before the hold began was forgotten then: what is under way now began since.
    if (this.#holds.has(id)) this.cache.keepNothing(id)
    if (this.#ttlMs === 0) return
    this.#tokens?.enter(id)
    if (this.#news) this.#listenTo(this.#news, id)
  }

  protected override peek(id: string): Held | undefined {
    if (this.#holds.has(id) || (this.#tokens && !this.#tokens.stands(id))) return undefined
    // Nobody is here who could ask anew.
    if (this.#staleMs > 0 && this.cache.late(id)) return undefined
    const held = super.peek(id)
    if (this.#observer && held !== undefined) this.#observer.hit(id)
    return held
  }

  protected override ask(id: string, load: Loader<Held>, call: QueryCall): Answer<Held> | Promise<Answer<Held>> {
    if (call.fresh) {
      this.#observer?.missed(id, this.#again(id, load), true)
      return this.cache.lookUpAnew(id, load, signalOf(call))
    }
    const answer = super.ask(id, load, call)
    if (this.#observer) {
      if (!(answer instanceof Promise) && answer.source === 'memory') this.#observer.hit(id)
      else this.#observer.missed(id, this.#again(id, load), false)
    }
    if (this.#staleMs > 0 && !(answer instanceof Promise) && this.#isLate(id, answer)) this.#renew(id, load)
    return answer
  }

  protected override loader(compute: ComputeValue<unknown>, call: QueryCall): Loader<Held> {
    return loadEach(async (id, ended) => {
      const began = this.#clock.monotonic()
      const held = call.ttlMsNow ? { ...call, ttlMs: call.ttlMsNow() } : call
      const answer = this.keep(await compute(ended), held)
      this.#observer?.computed(id, 1000 * (this.#clock.monotonic() - began), answer.ttlMs ?? this.#ttlMs)
      return answer
    })
  }

  protected override keep(value: unknown, call: QueryCall): Held {
    const held = super.keep(value, call)
    const { ttlMs = 0 } = call
    return ttlMs > this.#ttlMs ? { ...held, ttlMs } : held
  }

  #again(id: string, load: Loader<Held>): AskAgain {
    return signal => {
      this.enter(id)
      return this.#holds.has(id) || this.#tokens?.isHeld(id) ? undefined : this.cache.renew(id, load, signal)
    }
  }

  #forget(id: string): void {
    this.cache.forget(id)
    this.#observer?.dropped(id)
  }

  /** From the first question on. A program that asks once has ended before anything could be told. */
  #listenTo(news: ChangeNews, id: string): void {
    this.#asked.add(id)
    if (this.#listens) return
    this.#listens = true
    news.onTold(plugin => {
      for (const name of plugin === undefined ? [...this.#asked] : [plugin]) this.#changedElsewhere(name)
    })
  }

  #changedElsewhere(id: string): void {
    this.#events?.invalidated(id, true)
    this.#forget(id)
    // Nor is it good for other processes of this machine, which may not have heard.
    void this.#tokens?.renewSoon(id)
  }

  async #letGo(id: string): Promise<void> {
    const left = this.#holds.get(id)! - 1
    if (left > 0) this.#holds.set(id, left)
    else {
      this.#holds.delete(id)
      await this.#tokens?.letGo(id)
    }
    await this.delete(id).catch((error: unknown) => {
      // Closed caches keep nothing; others do once this process is gone.
      if (!isOpDbusError(error, 'CLOSED')) throw error
    })
  }

  #isLate(id: string, { value, source }: Answer<Held>): boolean {
    return source === 'disk' ? value.late === true : this.cache.late(id)
  }

  #renew(id: string, load: Loader<Held>): void {
    const renewal: Promise<unknown> | undefined = this.cache.renew(id, load)?.catch((error: unknown) => {
      if (isOpDbusError(error, 'CLOSED')) return
      this.#warn(
        `${inWords(id)} could not be asked anew, so its last answer is served until its time is up: ${messageOf(error)}`,
        error,
        `renewal of ${id}`,
      )
    })
    if (renewal === undefined) return
    this.#renewals.add(renewal)
    void renewal.then(() => this.#renewals.delete(renewal))
  }
}
