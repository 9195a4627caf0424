// One id on its way through tiers and computation, who waits for it, and with which others it is computed. Decides nothing and asks
// nobody.
import type { Key, Source } from '../ports.js'
import type { LookUpLog } from './cache-events.js'

/** A value and the tier that had it. The value is the shared one: copy it before handing it to a stranger. */
export interface Answer<V> {
  readonly value: V
  readonly source: Source
  /** It was under way already, for somebody else. */
  readonly joined?: true
}

/** Somebody who waits for one or many ids, each at a place of their own, and is told of each once. */
export interface Waiter<V> {
  answered(place: number, answer: Answer<V>): void
  failed(place: number, error: unknown): void
}

/** A computation of many rows that has begun. */
export interface Loading {
  /** Nobody waits for these rows any more, for this reason: they need not be computed, and what is told of them is ignored. */
  drop(rows: readonly number[], reason: unknown): void
}

/** Look-ups that are under way together. */
export interface Flight<V> {
  lookUps: readonly LookUp<V>[]
  /** How many of them are not over. */
  open: number
}

interface Joined<V> {
  readonly waiter: Waiter<V>
  readonly place: number
  readonly log: LookUpLog | undefined
}

export class LookUp<V> {
  readonly id: string
  /** The key below memory, once a tier had to know it. */
  key: Key | undefined
  /** What was found or computed. */
  value: V | undefined
  /** What is left of its life, where the tier that had it said so. */
  ttlMs: number | undefined
  /** Bit `n`: the tier with the number `n` looked and did not have it. */
  missed = 0
  /** Microseconds that computing it took by itself; 0 where it was found, or nobody has measured it. */
  cost = 0
  /** The codec's ticket, where it has tickets. */
  ticket: unknown
  /** Set while it is under way. */
  flight: Flight<V> | undefined
  /** Its computation, once that has begun, and its place among those that are computed together. */
  loading: Loading | undefined
  row = 0
  /** Called when it is over: other processes may compute it then. */
  letGo: (() => void) | undefined
  /** It was deleted, set or cleared meanwhile, or may not be kept: whoever waits is still answered, but nothing is stored. */
  stale = false
  /** Answered, failed, or left by all. */
  over = false
  /** Memory would let it go before anybody asks for it again: where a tier keeps it, memory need not. */
  passing = false
  /** What is told of it, where somebody listens. */
  readonly log: LookUpLog | undefined
  /** Who began it, and nearly always waits alone; undefined once they have left. */
  #first: Waiter<V> | undefined
  readonly #place: number
  #joined: Joined<V>[] | undefined

  constructor(id: string, waiter: Waiter<V> | undefined, place: number, log: LookUpLog | undefined, key?: Key) {
    this.id = id
    this.key = key
    this.#first = waiter
    this.#place = place
    this.log = log
  }

  hasMissed(tier: number): boolean {
    return (this.missed & (1 << tier)) !== 0
  }

  join(waiter: Waiter<V>, place: number, log: LookUpLog | undefined): void {
    this.passing = false
    this.#joined ??= []
    this.#joined.push({ waiter, place, log })
  }

  /** Takes a waiter out, untold. True when nobody is left. */
  leave(waiter: Waiter<V>): boolean {
    if (this.#first === waiter) this.#first = undefined
    for (const one of this.#joined ?? []) if (one.waiter === waiter) one.log?.ended('failed')
    this.#joined = this.#joined?.filter(one => one.waiter !== waiter)
    return this.#first === undefined && !this.#joined?.length
  }

  /** Tells everyone who waits. `bytes` is what an entry with this value takes, for those who listen. */
  answer(source: Source, bytes: (id: string, value: V) => number): void {
    const value = this.value!
    // It may be a part of a large matrix, which would stay until the last of those computed with this one is over.
    this.value = undefined
    this.log?.ended(source === 'computed' ? 'computed' : 'hit', { source, bytes: bytes(this.id, value) })
    this.#first?.answered(this.#place, { value, source })
    for (const { waiter, place, log } of this.#joined ?? []) {
      log?.ended('joined', { source, bytes: bytes(this.id, value) })
      waiter.answered(place, { value, source, joined: true })
    }
  }

  fail(error: unknown): void {
    this.log?.ended('failed')
    this.#first?.failed(this.#place, error)
    for (const { waiter, place, log } of this.#joined ?? []) {
      log?.ended('failed')
      waiter.failed(place, error)
    }
  }
}
