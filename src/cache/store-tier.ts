// A tier over a Store: turns values into bytes and back, and keeps a medium that is slow, failing or lying from harming its
// callers. How much it is trusted says its policy (tier-policy.ts).
import type { Clock, LentMemory, Load, Store, StoreCounters, TierName, Timer, Warn } from '../ports.js'
import { CacheEvents } from './cache-events.js'
import type { Codec } from './codec.js'
import type { LookUp } from './look-up.js'
import { newStoreCounts, type StoreCounts, type StoreTierStats, type TierTimes, tierStats } from './metrics.js'
import { clearStore, insist, wholeNumber } from './store-calls.js'
import { TierClaims } from './tier-claims.js'
import { TierFaults } from './tier-faults.js'
import type { Kept, Wanted } from './tier-parts.js'
import { DISK_POLICY, type TierPolicy } from './tier-policy.js'
import { type Found, TierReads } from './tier-reads.js'
import { TierWrites } from './tier-writes.js'
import { atOnce, timer, within } from './within.js'

export interface StoreTierOptions<V> {
  readonly source: TierName
  readonly store: Store
  readonly codec: Codec<V>
  readonly clock: Clock
  /** Default: that of a disk. */
  readonly policy?: TierPolicy
  /** What messages call this tier. Default: the store's name. */
  readonly label?: string
  /** Told when the medium fails; `about` names the tier, which is one thing to be told of once. */
  readonly warn: Warn
  readonly events?: CacheEvents<V>
  /** What the medium may hold; for the stats only, a store keeps its own bounds. */
  readonly capacity?: number
  readonly capacityBytes?: number
  readonly timer?: Timer
}

/** Reads and writes never reject. What could not be looked at is `skipped`, with a reason, and is not written back. */
export class StoreTier<V> {
  readonly source: TierName
  readonly policy: TierPolicy
  readonly counts: StoreCounts = newStoreCounts()
  readonly times: TierTimes = { reads: 0, readMicros: 0, spentMicros: 0 }
  readonly #store: Store
  readonly #codec: Codec<V>
  readonly #options: StoreTierOptions<V>
  readonly #timer: Timer
  readonly #reads: TierReads<V>
  readonly #writes: TierWrites<V>
  readonly #claims: TierClaims<V>

  constructor(options: StoreTierOptions<V>) {
    const { source, store, codec, clock, policy = DISK_POLICY, label = store.name, warn } = options
    this.#options = options
    this.source = source
    this.policy = policy
    this.#store = store
    this.#codec = codec
    this.#timer = options.timer ?? timer
    const events: CacheEvents<never> = options.events ?? CacheEvents.silent()
    const faults = new TierFaults(source, label, warn, events, store.status !== undefined)
    const { counts, times } = this
    const parts = { store, codec, policy, clock, timer: this.#timer, counts, times, faults }
    this.#writes = new TierWrites({
      ...parts,
      stored: (entries, bytes, ms) => {
        times.spentMicros += 1000 * ms
        events.stored(source, entries, bytes, ms)
      },
    })
    this.#reads = new TierReads({ ...parts, pending: key => this.#writes.pending(key) })
    this.#claims = new TierClaims({
      store,
      timer: this.#timer,
      written: () => this.flush(),
      failed: error => void this.#reads.failed(error),
    })
  }

  /** Can this medium answer without a promise? One with a time limit is not asked so: nothing could interrupt it. */
  get synchronous(): boolean {
    return this.#store.getSync !== undefined && this.policy.readTimeoutMs === undefined
  }

  get hasTickets(): boolean {
    return this.#codec.ticket !== undefined
  }

  /** The codec's ticket, or undefined where there is none to be had. Does not reject. */
  async ticket(id: string): Promise<unknown> {
    try {
      return await this.#codec.ticket?.(id)
    } catch (error) {
      this.#writes.failed(error)
      return undefined
    }
  }

  /** Of each what the medium has, in `lent` perhaps, or that it was not looked at. Where `synchronous`. */
  getManySync(wanted: readonly Wanted[], lent?: LentMemory): Load<Found<V>>[] {
    return this.#reads.getManySync(wanted, lent)
  }

  /** The same of any medium. What is asked for in one turn goes to it as one question. */
  getMany(wanted: readonly Wanted[]): Promise<Load<Found<V>>[]> {
    return this.#reads.getMany(wanted)
  }

  /** The same of what was asked before and may be there by now: what is not counts once. */
  getManyAgain(wanted: readonly Wanted[], ms?: number): Promise<Load<Found<V>>[]> {
    return this.#reads.getManyAgain(wanted, ms)
  }

  /** What the medium takes to answer a question, ms; 0 before it is known. */
  get answerMs(): number {
    return this.#reads.answerMs
  }

  /** Whether the medium can say who computes what, and can be asked. */
  get claims(): boolean {
    return this.#store.claimMany !== undefined && !this.#reads.paused
  }

  /** Those that this process is to compute: all of them where the medium does not say so within `ms`. Does not reject. */
  async claim(lookUps: readonly LookUp<V>[], ms = this.policy.readTimeoutMs): Promise<readonly LookUp<V>[]> {
    return this.claims ? this.#claims.claim(lookUps, ms) : lookUps
  }

  /** Resolves after `ms`. */
  pause(ms: number): Promise<void> {
    return new Promise(resolve => void this.#timer(ms, resolve))
  }

  /** Whether it would be found. Not counted; false when the medium cannot be asked. */
  has(id: string): Promise<boolean> {
    return this.#reads.has(id)
  }

  /** What is there, uncounted; undefined also where the medium cannot be asked. */
  peek(id: string): Promise<Found<V> | undefined> {
    return this.#reads.peek(id)
  }

  set(id: string, value: V): void {
    this.#writes.setMany([{ id, key: undefined, value }])
  }

  /** Stores soon: what is set together, or in one turn, goes to the medium as one batch. False where some of it is not taken. */
  setMany(kept: readonly Kept<V>[]): boolean {
    return kept.length === 0 || this.#writes.setMany(kept)
  }

  /** Resolves when what was set so far has reached the store, or has failed to. */
  flush(): Promise<void> {
    return this.#writes.flush()
  }

  /**
   * How many of `ids` it had. Unlike reads and writes this rejects when the medium does: a caller must know that an entry is
   * still there.
   */
  async delete(ids: readonly string[]): Promise<number> {
    await this.flush()
    const keys = ids.map(id => this.#codec.key(id))
    const work = async () => {
      await this.#writes.ended(keys)
      return this.#store.deleteMany(keys)
    }
    return wholeNumber(await insist('delete from', this.source, this.#store, this.policy, work, this.#timer))
  }

  /** Rejects when the medium does. */
  async clear(): Promise<void> {
    this.#writes.drop()
    await this.flush()
    await insist('clear', this.source, this.#store, this.policy, () => this.#writes.ended(), this.#timer)
    await clearStore(this.source, this.#store, this.policy, this.#timer)
  }

  /** Forgets what was to be written and is not on its way yet: it is from before somebody else cleared the medium. */
  dropPending(): void {
    this.#writes.drop()
  }

  clearedElsewhere(): boolean {
    try {
      return atOnce(this.#store.clearedElsewhere?.()) === true
    } catch (error) {
      this.#reads.failed(error)
      return false
    }
  }

  /** Calls `listener` whenever the medium tells by itself that somebody else cleared it. */
  onClearedElsewhere(listener: () => void): void {
    try {
      atOnce(this.#store.onClearedElsewhere?.(listener))
    } catch (error) {
      this.#reads.failed(error)
    }
  }

  /** Counts, and the medium's own size; zero where it cannot be read. */
  async stats(): Promise<StoreTierStats> {
    await this.flush()
    const size = await this.#size().catch(() => ({ entries: 0, bytes: 0 }))
    const { capacity = Number.POSITIVE_INFINITY, capacityBytes = Number.POSITIVE_INFINITY } = this.#options
    const { skipped, dropped } = this.counts
    // What a store checks and lets go by itself is told by it.
    const { damaged, evicted } = this.#countersOfStore()
    const counts = { ...this.counts, evictions: evicted }
    const now = { size: size.entries, capacity, bytes: size.bytes, capacityBytes }
    const { status } = this.#store
    return {
      ...tierStats(counts, now),
      skipped,
      damaged: damaged + this.counts.damaged,
      dropped,
      ...(status && { status }),
    }
  }

  /** Writes what is pending, and lets go of a store that is this tier's own. */
  async close(): Promise<void> {
    await this.flush()
    try {
      const work = async () => {
        // Where others wait for what was to be computed here, they need not any more.
        await this.#claims.ended()
        if (this.policy.closesStore) await this.#store.close()
      }
      await within(this.policy.writeTimeoutMs, work, this.#timer)
    } catch (error) {
      this.#writes.failed(error)
    }
  }

  #countersOfStore(): StoreCounters {
    try {
      const { damaged, evicted } = this.#store.counters ?? {}
      return { damaged: wholeNumber(damaged), evicted: wholeNumber(evicted) }
    } catch {
      return { damaged: 0, evicted: 0 }
    }
  }

  async #size(): Promise<{ entries: number; bytes: number }> {
    if (this.#reads.paused) throw new Error('left alone for now')
    const { entries, bytes } = await within(this.policy.writeTimeoutMs, () => this.#store.size(), this.#timer)
    return { entries: wholeNumber(entries), bytes: wholeNumber(bytes) }
  }
}
