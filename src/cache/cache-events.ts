// What one cache tells those who listen. Makes an event only where somebody does; an entry's id stays inside, and leaves as a
// hash when that is asked for.
import {
  type Computation,
  Diagnostics,
  type EntryEvent,
  type FaultEvent,
  type LookupEvent,
  type TierVisit,
} from '../diagnostics.js'
import type { CacheName, Clock, Load, Source, TierName } from '../ports.js'
import { KeyHashes } from './key-hashes.js'

export interface CacheEventsOptions<V> {
  readonly diagnostics: Diagnostics
  readonly cache: CacheName
  /** The hash that names an entry in events. */
  readonly hashOf: (id: string) => string
  /** What a value says of its own computation. */
  readonly computation?: (value: V) => Computation
}

/** What is told of a look-up, without the entry's names. */
export type LookUpFacts = Omit<LookupEvent, keyof EntryEvent>

/** Told of one look-up alone, when it ends: for whoever asked and wants to know its way. */
export type LookUpTold = (facts: LookUpFacts) => void

/** One look-up as it goes down the tiers. */
export class LookUpLog {
  readonly #clock: Clock
  readonly #tell: LookUpTold
  readonly #tiers: TierVisit[] = []
  readonly #began: number
  #last: number

  constructor(clock: Clock, tell: LookUpTold) {
    this.#clock = clock
    this.#tell = tell
    this.#began = clock.monotonic()
    this.#last = this.#began
  }

  visited(tier: TierName, load: Load<unknown>): void {
    const now = this.#clock.monotonic()
    const why = load.kind === 'skipped' ? load.why : undefined
    this.#tiers.push({ tier, kind: load.kind, why, micros: 1000 * (now - this.#last) })
    this.#last = now
  }

  ended(outcome: LookupEvent['outcome'], found?: { readonly source: Source; readonly bytes: number }): void {
    const micros = 1000 * (this.#clock.monotonic() - this.#began)
    this.#tell({ outcome, ...found, micros, tiers: this.#tiers })
  }
}

const NO_TIERS: readonly TierVisit[] = []

/**
 * One look-up, as it is told. A class, since an object with a getter of its own takes longer to make than a look-up in memory. The hash is
 * worked out when it is read; a copy (a spread, a structured clone) is without it.
 */
class ToldLookup implements LookupEvent {
  readonly cache: CacheName
  readonly outcome: LookupEvent['outcome']
  declare readonly source?: Source
  declare readonly bytes?: number
  readonly micros: number
  readonly tiers: readonly TierVisit[]
  readonly #id: string
  readonly #hashes: KeyHashes

  constructor(cache: CacheName, id: string, hashes: KeyHashes, facts: LookUpFacts) {
    this.cache = cache
    this.outcome = facts.outcome
    if (facts.source !== undefined) this.source = facts.source
    if (facts.bytes !== undefined) this.bytes = facts.bytes
    this.micros = facts.micros
    this.tiers = facts.tiers
    this.#id = id
    this.#hashes = hashes
  }

  get keyHash(): string {
    return this.#hashes.of(this.#id)
  }

  toJSON(): LookupEvent {
    return { ...this, keyHash: this.keyHash }
  }
}

export class CacheEvents<V> {
  readonly cache: CacheName
  readonly #diagnostics: Diagnostics
  readonly #hashes: KeyHashes
  readonly #computation: ((value: V) => Computation) | undefined

  constructor({ diagnostics, cache, hashOf, computation }: CacheEventsOptions<V>) {
    this.#diagnostics = diagnostics
    this.cache = cache
    this.#hashes = new KeyHashes(hashOf)
    this.#computation = computation
  }

  /** For a cache that nobody listens to. */
  static silent<V>(): CacheEvents<V> {
    return new CacheEvents<V>({ diagnostics: new Diagnostics(), cache: 'embeddings', hashOf: id => id })
  }

  get lookupHeard(): boolean {
    return this.#diagnostics.lookup.heard
  }

  get computedHeard(): boolean {
    return this.#diagnostics.computed.heard
  }

  /** A look-up begins. Only where `lookupHeard`, or somebody is to be `told` of this one. */
  begin(id: string, clock: Clock, told?: LookUpTold): LookUpLog {
    return new LookUpLog(clock, facts => this.#tellLookUp(id, facts, told))
  }

  /** Memory had it, after so many ms. */
  hit(id: string, bytes: number, ms: number, told?: LookUpTold): void {
    this.#tellLookUp(id, { outcome: 'hit', source: 'memory', bytes, micros: 1000 * ms, tiers: NO_TIERS }, told)
  }

  #tellLookUp(id: string, facts: LookUpFacts, told: LookUpTold | undefined): void {
    told?.(facts)
    const { lookup } = this.#diagnostics
    if (lookup.heard) lookup.tell(new ToldLookup(this.cache, id, this.#hashes, facts))
  }

  /** `cost`: microseconds of computing this one by itself; undefined where nobody has measured it. */
  computed(id: string, value: V, facts: { bytes: number; micros: number; cost: number | undefined }): void {
    this.#diagnostics.computed.tell(this.#entry(id, { ...this.#computation?.(value), ...facts }))
  }

  get evictedHeard(): boolean {
    return this.#diagnostics.evicted.heard
  }

  evicted(id: string, bytes: number): void {
    this.#diagnostics.evicted.tell(this.#entry(id, { tier: 'memory', bytes }))
  }

  stored(tier: TierName, entries: number, bytes: number, ms: number): void {
    const { stored } = this.#diagnostics
    if (stored.heard) stored.tell({ cache: this.cache, tier, entries, bytes, micros: 1000 * ms })
  }

  invalidated(id: string, elsewhere: boolean): void {
    const { invalidated } = this.#diagnostics
    if (invalidated.heard) invalidated.tell(this.#entry(id, { elsewhere }))
  }

  cleared(elsewhere: boolean): void {
    this.#hashes.forget()
    const { cleared } = this.#diagnostics
    if (cleared.heard) cleared.tell({ cache: this.cache, elsewhere })
  }

  fault(facts: Omit<FaultEvent, 'cache'>): void {
    const { fault } = this.#diagnostics
    if (fault.heard) fault.tell({ cache: this.cache, ...facts })
  }

  /** The event with the names that each event about an entry has. The id is in no property of it. */
  #entry<F extends object>(id: string, facts: F): F & EntryEvent {
    const { cache } = this
    const hashes = this.#hashes
    return {
      cache,
      get keyHash() {
        return hashes.of(id)
      },
      ...facts,
    }
  }
}
