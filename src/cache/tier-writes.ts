// How a tier writes: what comes together goes to the medium as one batch, at once where the medium takes it at once, else through
// what waits. Never rejects, and nobody's look-up waits for it.
import { OpDbusError } from '../errors.js'
import type { CallOptions, Key } from '../ports.js'
import { Breaker } from './breaker.js'
import type { Place } from './codec.js'
import { PendingWrites } from './pending-writes.js'
import { seal } from './sealed-value.js'
import type { Kept, TierParts } from './tier-parts.js'
import { within } from './within.js'
import { WritesUnderWay } from './writes-under-way.js'

export interface TierWritesOptions<V> extends TierParts<V> {
  /** A batch was written. */
  stored(entries: number, bytes: number, ms: number): void
}

export class TierWrites<V> {
  readonly #options: TierWritesOptions<V>
  readonly #breaker: Breaker
  readonly #pending: PendingWrites
  readonly #underWay = new WritesUnderWay()
  /** Where values are written to before the medium copies them, one beside another. */
  readonly #places: Place<V>[] = []
  /** The medium has what it was given as soon as it was given it, so that a read need not be answered from what waits. */
  readonly #atOnce: boolean

  constructor(options: TierWritesOptions<V>) {
    this.#options = options
    this.#breaker = new Breaker(options.clock, options.store)
    const { pendingBytes: capacityBytes, batchBytes, writeTimeoutMs } = options.policy
    const limits = [capacityBytes, batchBytes, writeTimeoutMs]
    this.#atOnce =
      options.store.getManySync !== undefined && !options.policy.sealed && limits.every(limit => limit === undefined)
    this.#pending = new PendingWrites({ capacityBytes, batchBytes, write: (items, bytes) => this.#write(items, bytes) })
  }

  /** What was set and is not known to have arrived. */
  pending(key: Key): Uint8Array | undefined {
    return this.#pending.get(key)
  }

  /** False where some of these are not taken. */
  setMany(kept: readonly Kept<V>[]): boolean {
    const { codec, policy, counts, faults } = this.#options
    if (this.#breaker.open) {
      counts.dropped += kept.length
      return false
    }
    // One by itself may not be the only one of its turn: it waits for the others.
    if (this.#atOnce && kept.length > 1 && this.#pending.idle) {
      return this.#setAtOnce(kept)
    }
    let all = true
    for (const one of kept) {
      const bytes = codec.encode(one.id, one.value!, one.ticket)
      if (bytes === undefined) {
        all = false
        continue
      }
      one.key ??= codec.key(one.id)
      if (this.#pending.set(one.key, policy.sealed ? seal(policy.sealed, one.key, bytes) : bytes)) continue
      all = false
      counts.dropped++
      faults.tell('write', 'full', 'it takes writes more slowly than they come; what is too much is not stored')
    }
    return all
  }

  #setAtOnce(kept: readonly Kept<V>[]): boolean {
    const { codec } = this.#options
    const items: [Key, Uint8Array][] = []
    let total = 0
    for (const one of kept) {
      const bytes = this.#encode(one, items.length)
      if (bytes === undefined) continue
      one.key ??= codec.key(one.id)
      items.push([one.key, bytes])
      total += bytes.length
    }
    if (items.length > 0) this.#pending.sendNow(items, total)
    return items.length === kept.length
  }

  /** The bytes of the value with this number among those that are written together, good until the next are. */
  #encode({ id, value, ticket }: Kept<V>, number: number): Uint8Array | undefined {
    const { codec } = this.#options
    if (codec.place === undefined) return codec.encode(id, value!, ticket)
    this.#places[number] ??= codec.place()
    const place = this.#places[number]!
    place.write(value!)
    return place.bytes
  }

  /** Resolves when what was set so far has reached the store, or has failed to. */
  flush(): Promise<void> {
    return this.#pending.flush()
  }

  /** Forgets what was not sent yet. */
  drop(): void {
    this.#pending.drop()
  }

  /** Resolves when no write of `keys`, or none at all, is under way any more, those that were given up included. */
  ended(keys?: readonly Key[]): Promise<void> {
    return this.#underWay.ended(keys)
  }

  failed(error: unknown): void {
    this.#breaker.failed()
    this.#options.faults.failed('write', error)
  }

  async #write(items: [Key, Uint8Array][], bytes: number): Promise<void> {
    const { policy, counts, clock, timer } = this.#options
    // What waited behind writes that failed is still tried where the medium is ours to wait for: it may be back by now.
    if (policy.writeTimeoutMs !== undefined && !this.#breaker.enter()) {
      counts.dropped += items.length
      return
    }
    const began = clock.monotonic()
    try {
      await within(policy.writeTimeoutMs, call => this.#setMany(items, call), timer)
      this.#breaker.succeeded()
      this.#options.stored(items.length, bytes, clock.monotonic() - began)
    } catch (error) {
      counts.dropped += items.length - storedAllTheSame(error, items.length)
      this.failed(error)
    }
  }

  /** A write that is given up may still arrive, so it is followed. */
  #setMany(items: [Key, Uint8Array][], call?: CallOptions): Promise<void> {
    const { store } = this.#options
    if (call === undefined) return store.setMany(items)
    const writing = new Promise<void>(resolve => resolve(store.setMany(items, call)))
    return this.#underWay.follow(
      items.map(([key]) => key),
      writing,
    )
  }
}

/** Of a medium that is several, some of which failed: what the others took. */
function storedAllTheSame(error: unknown, most: number): number {
  const { stored } = error instanceof OpDbusError ? error.details : {}
  return typeof stored === 'number' && stored > 0 ? Math.min(stored, most) : 0
}
