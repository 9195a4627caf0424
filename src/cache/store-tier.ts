// A tier over a Store: turns values into bytes and back, and keeps a medium that is slow, failing or lying from harming its
// callers. How much it is trusted says its policy (tier-policy.ts).
import { messageOf } from '../errors.js'
import type {
  CallOptions,
  Clock,
  Key,
  Load,
  SkipReason,
  Store,
  StoreCounters,
  TierName,
  Timer,
  Warn,
} from '../ports.js'
import { isUint8Array } from '../realms.js'
import { Breaker } from './breaker.js'
import { CacheEvents } from './cache-events.js'
import type { Codec } from './codec.js'
import { newStoreCounts, type StoreCounts, type StoreTierStats, tierStats } from './metrics.js'
import { PendingWrites } from './pending-writes.js'
import { seal, unseal } from './sealed-value.js'
import { clearStore, insist, wholeNumber } from './store-calls.js'
import { DISK_POLICY, type TierPolicy } from './tier-policy.js'
import { atOnce, isTimeUp, timer, within } from './within.js'
import { WritesUnderWay } from './writes-under-way.js'

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

/** A hit with the rest of its life. */
export interface Found<V> {
  readonly value: V
  readonly ttlMs: number | undefined
}

interface Asked<V> {
  readonly id: string
  readonly key: Key
  readonly resolve: (load: Load<Found<V>>) => void
}

const MISS: Load<never> = { kind: 'miss' }
const skipped = (why: SkipReason): Load<never> => ({ kind: 'skipped', why })

/** Reads and writes never reject. What could not be looked at is `skipped`, with a reason, and is not written back. */
export class StoreTier<V> {
  readonly source: TierName
  readonly policy: TierPolicy
  readonly counts: StoreCounts = newStoreCounts()
  readonly #store: Store
  readonly #codec: Codec<V>
  readonly #options: StoreTierOptions<V>
  readonly #timer: Timer
  readonly #events: CacheEvents<V>
  readonly #reads: Breaker
  readonly #writes: Breaker
  readonly #pending: PendingWrites
  #asked: Asked<V>[] = []
  readonly #underWay = new WritesUnderWay()

  constructor(options: StoreTierOptions<V>) {
    const { source, store, codec, clock, policy = DISK_POLICY } = options
    this.#options = options
    this.source = source
    this.policy = policy
    this.#store = store
    this.#codec = codec
    this.#timer = options.timer ?? timer
    this.#events = options.events ?? CacheEvents.silent()
    this.#reads = new Breaker(clock)
    this.#writes = new Breaker(clock)
    const { pendingBytes: capacityBytes, batchBytes } = policy
    this.#pending = new PendingWrites({ capacityBytes, batchBytes, write: (items, bytes) => this.#write(items, bytes) })
  }

  /** Can this medium answer without a promise? One with a time limit is not asked so: nothing could interrupt it. */
  get synchronous(): boolean {
    return this.#store.getSync !== undefined && this.policy.readTimeoutMs === undefined
  }

  /** The codec's ticket, or undefined where there is none to be had. Does not reject. */
  async ticket(id: string): Promise<unknown> {
    try {
      return await this.#codec.ticket?.(id)
    } catch (error) {
      this.#failed('write', error)
      return undefined
    }
  }

  get hasTickets(): boolean {
    return this.#codec.ticket !== undefined
  }

  getSync(id: string): Load<Found<V>> {
    try {
      const key = this.#codec.key(id)
      const pending = this.#pending.get(key)
      if (pending !== undefined) return this.#count(this.#decode(id, key, pending))
      if (!this.#reads.enter()) return this.#skip('breaker')
      const found = this.#store.getSync!(key)
      this.#reads.succeeded()
      return this.#count(this.#decode(id, key, found))
    } catch (error) {
      return this.#failed('read', error)
    }
  }

  /** What the medium has. Ids asked for in one turn go to it as one question; what is yet to be written is not asked for. */
  get(id: string): Promise<Load<Found<V>>> {
    try {
      const key = this.#codec.key(id)
      const pending = this.#pending.get(key)
      if (pending !== undefined) return Promise.resolve(this.#count(this.#decode(id, key, pending)))
      if (!this.#reads.enter()) return Promise.resolve(this.#skip('breaker'))
      return new Promise(resolve => {
        this.#asked.push({ id, key, resolve })
        if (this.#asked.length === 1) queueMicrotask(() => void this.#ask())
      })
    } catch (error) {
      return Promise.resolve(this.#failed('read', error))
    }
  }

  /** Whether `get` would find it. Not counted; false when the medium cannot be asked. */
  async has(id: string): Promise<boolean> {
    try {
      const key = this.#codec.key(id)
      const pending = this.#pending.get(key)
      if (pending === undefined && !this.#reads.enter()) return false
      const [found] = pending ? [pending] : await this.#getMany([key])
      if (pending === undefined) this.#reads.succeeded()
      return this.#decode(id, key, found) !== undefined
    } catch (error) {
      this.#failed('read', error)
      return false
    }
  }

  /** Stores soon: what is set in one turn goes to the medium as one batch. */
  set(id: string, value: V, ticket?: unknown): void {
    if (this.#writes.open) {
      this.counts.dropped++
      return
    }
    const bytes = this.#codec.encode(id, value, ticket)
    if (bytes === undefined) return
    const key = this.#codec.key(id)
    const { sealed } = this.policy
    if (this.#pending.set(key, sealed ? seal(sealed, key, bytes) : bytes)) return
    this.counts.dropped++
    this.#tell('write', 'full', 'it takes writes more slowly than they come; what is too much is not stored')
  }

  /** Resolves when what was set so far has reached the store, or has failed to. */
  flush(): Promise<void> {
    return this.#pending.flush()
  }

  /**
   * How many of `ids` it had. Unlike reads and writes this rejects when the medium does: a caller must know that an entry is
   * still there.
   */
  async delete(ids: readonly string[]): Promise<number> {
    await this.flush()
    const keys = ids.map(id => this.#codec.key(id))
    const work = async () => {
      await this.#underWay.ended(keys)
      return this.#store.deleteMany(keys)
    }
    return wholeNumber(await insist('delete from', this.source, this.#store, this.policy, work, this.#timer))
  }

  /** Rejects when the medium does. */
  async clear(): Promise<void> {
    this.#pending.drop()
    await this.flush()
    await insist('clear', this.source, this.#store, this.policy, () => this.#underWay.ended(), this.#timer)
    await clearStore(this.source, this.#store, this.policy, this.#timer)
  }

  clearedElsewhere(): boolean {
    try {
      return atOnce(this.#store.clearedElsewhere?.()) === true
    } catch (error) {
      this.#failed('read', error)
      return false
    }
  }

  /** Calls `listener` whenever the medium tells by itself that somebody else cleared it. */
  onClearedElsewhere(listener: () => void): void {
    try {
      atOnce(this.#store.onClearedElsewhere?.(listener))
    } catch (error) {
      this.#failed('read', error)
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
    return { ...tierStats(counts, now), skipped, damaged: damaged + this.counts.damaged, dropped }
  }

  /** Writes what is pending, and lets go of a store that is this tier's own. */
  async close(): Promise<void> {
    await this.flush()
    if (!this.policy.closesStore) return
    try {
      await within(this.policy.writeTimeoutMs, () => this.#store.close(), this.#timer)
    } catch (error) {
      this.#failed('write', error)
    }
  }

  async #ask(): Promise<void> {
    const asked = this.#asked
    this.#asked = []
    try {
      const found = await this.#getMany(asked.map(({ key }) => key))
      this.#reads.succeeded()
      asked.forEach(({ id, key, resolve }, i) => {
        resolve(this.#count(this.#decode(id, key, found[i])))
      })
    } catch (error) {
      const load = this.#failed('read', error)
      this.counts.skipped += asked.length - 1
      for (const { resolve } of asked) resolve(load)
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

  async #getMany(keys: readonly Key[]): Promise<readonly (Uint8Array | undefined)[]> {
    const found = await within(this.policy.readTimeoutMs, call => this.#store.getMany(keys, call), this.#timer)
    if (Array.isArray(found) && found.length === keys.length) return found
    throw new Error(`it answered ${Array.isArray(found) ? found.length : 'no list of'} values for ${keys.length} keys`)
  }

  async #write(items: [Key, Uint8Array][], bytes: number): Promise<void> {
    // What waited behind writes that failed is still tried where the medium is ours to wait for: it may be back by now.
    if (this.policy.writeTimeoutMs !== undefined && !this.#writes.enter()) {
      this.counts.dropped += items.length
      return
    }
    const { clock } = this.#options
    const began = clock.monotonic()
    try {
      await within(this.policy.writeTimeoutMs, call => this.#setMany(items, call), this.#timer)
      this.#writes.succeeded()
      this.#events.stored(this.source, items.length, bytes, clock.monotonic() - began)
    } catch (error) {
      this.counts.dropped += items.length
      this.#failed('write', error)
    }
  }

  /** A write that is given up may still arrive, so it is followed. */
  #setMany(items: [Key, Uint8Array][], call?: CallOptions): Promise<void> {
    if (call === undefined) return this.#store.setMany(items)
    const writing = new Promise<void>(resolve => resolve(this.#store.setMany(items, call)))
    return this.#underWay.follow(
      items.map(([key]) => key),
      writing,
    )
  }

  async #size(): Promise<{ entries: number; bytes: number }> {
    if (this.#reads.open) throw new Error('left alone for now')
    const { entries, bytes } = await within(this.policy.writeTimeoutMs, () => this.#store.size(), this.#timer)
    return { entries: wholeNumber(entries), bytes: wholeNumber(bytes) }
  }

  /** The value in what a store answered, which is believed to be bytes only after a look. */
  #decode(id: string, key: Key, found: unknown): Found<V> | undefined {
    if (found === undefined || found === null) return undefined
    const { sealed } = this.policy
    const bytes = sealed ? (isUint8Array(found) ? unseal(sealed, key, found) : undefined) : (found as Uint8Array)
    if (bytes === undefined) {
      this.counts.damaged++
      this.#tell('read', 'damaged', 'it answers with something that was not stored under that key')
      return undefined
    }
    const decoded = this.#codec.decode(id, bytes)
    return decoded && { value: decoded.value, ttlMs: decoded.ttlMs }
  }

  #count(found: Found<V> | undefined): Load<Found<V>> {
    if (found === undefined) {
      this.counts.misses++
      return MISS
    }
    this.counts.hits++
    return { kind: 'hit', value: found }
  }

  #skip(why: SkipReason): Load<never> {
    this.counts.skipped++
    return skipped(why)
  }

  #failed(what: 'read' | 'write', error: unknown): Load<never> {
    const why = isTimeUp(error) ? 'timeout' : 'error'
    const breaker = what === 'read' ? this.#reads : this.#writes
    breaker.failed()
    this.#tell(what, why, messageOf(error), error)
    return what === 'read' ? this.#skip(why) : skipped(why)
  }

  /** A fault is an event each time, and one warning. */
  #tell(what: 'read' | 'write', why: 'error' | 'timeout' | 'damaged' | 'full', message: string, cause?: unknown): void {
    const { label = this.#store.name, warn } = this.#options
    this.#events.fault({ tier: this.source, what, why, message })
    const name = `the ${label} cache`
    const sentence =
      why === 'damaged' ? `not all that ${name} holds can be used: ` : `cannot ${what} ${name}, going on without it: `
    warn(sentence + message, cause, `${this.source} tier ${label}`)
  }
}
