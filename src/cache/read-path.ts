// THE read path: memory -> what is under way -> disk -> shared -> computation, and back-fill on the way back; for one id and for
// many alike. Knows no domain and no runtime.
import { AbortListeners } from '../abort-listeners.js'
import { abortError, OpDbusError } from '../errors.js'
import type { Clock, LentMemory, Load, Source } from '../ports.js'
import { CacheEvents, type LookUpLog, type LookUpTold } from './cache-events.js'
import { ComputeOnce } from './compute-once.js'
import { Computing } from './computing.js'
import { InFlight } from './in-flight.js'
import type { Loader } from './loader.js'
import { type Answer, type Flight, LookUp, type Waiter } from './look-up.js'
import type { MemoryTier } from './memory-tier.js'
import { OneWaiter } from './one-waiter.js'
import type { ReadPathOptions } from './read-path-options.js'
import type { StoreTier } from './store-tier.js'
import type { Found } from './tier-reads.js'

/** How long look-ups that memory answers may overlook that another process cleared the disk, in ms. */
const CLEAR_CHECK_MS = 5

export class ReadPath<V extends object> {
  readonly clock: Clock
  /** However many wait under one signal. */
  readonly aborts = new AbortListeners()
  readonly inFlight = new InFlight<V>()
  readonly #memory: MemoryTier<V>
  readonly #tiers: readonly StoreTier<V>[]
  readonly #events: CacheEvents<V>
  readonly #once: ComputeOnce<V> | undefined
  readonly computing: Computing<V>
  readonly #bytesOf = (id: string, value: V) => this.#memory.bytesOf(id, value)
  /** Grows with every set, delete and clear: a plain read that saw another number must not back-fill. */
  #generation = 0
  #nextClearCheck = 0
  #closed = false

  constructor(options: ReadPathOptions<V>) {
    this.#memory = options.memory
    this.#tiers = options.tiers
    this.clock = options.clock
    this.#events = options.events ?? CacheEvents.silent()
    this.computing = new Computing(options.costOf)
    this.#once = ComputeOnce.over(this.#tiers, this.clock)
    for (const [number, tier] of this.#tiers.entries()) tier.onClearedElsewhere(() => this.#clearedElsewhere(number))
  }

  /** Throws CLOSED after `close`. */
  enter(): void {
    if (this.#closed) throw new OpDbusError('CLOSED', 'the cache is closed')
  }

  /** What a look-up begins with, and one of many now and then: empties memory where another process cleared a tier. `isDue`: it looks now. */
  begin(isDue = false): void {
    this.enter()
    const now = this.clock.monotonic()
    if (!isDue && now < this.#nextClearCheck) return
    this.#nextClearCheck = now + CLEAR_CHECK_MS
    for (const [number, tier] of this.#tiers.entries()) if (tier.clearedElsewhere()) this.#clearedElsewhere(number)
  }

  /** Entries that memory holds at most. */
  get memoryCapacity(): number {
    return this.#memory.capacity
  }

  /** Memory alone. A miss is not counted: whoever misses here goes on, or asks again. */
  peek(id: string, told?: LookUpTold): V | undefined {
    return told || this.#events.lookupHeard ? this.#heardPeek(id, told) : this.#memory.get(id)
  }

  /**
   * One id: at once from memory and from the tiers that can, so that no promise is made where none is needed. `told` hears of this
   * look-up alone, whoever else asks for the same meanwhile.
   */
  lookUp(id: string, loader: Loader<V>, signal?: AbortSignal, told?: LookUpTold): Answer<V> | Promise<Answer<V>> {
    this.begin()
    const value = this.peek(id, told)
    if (value !== undefined) return { value, source: 'memory' }
    const waiter = new OneWaiter<V>()
    let lookUp = this.join(id, waiter, 0, told)
    if (lookUp === undefined) {
      lookUp = this.newLookUp(id, waiter, 0, told)
      this.descend([lookUp], loader)
    }
    return waiter.answer ?? this.#wait(lookUp, waiter, signal)
  }

  /**
   * One id computed anew, whatever is held of it. What was under way is answered and not stored: it may be older than what this
   * stores.
   */
  lookUpAnew(id: string, loader: Loader<V>, signal?: AbortSignal): Answer<V> | Promise<Answer<V>> {
    this.begin()
    this.#generation++
    this.inFlight.detach(id)
    const waiter = new OneWaiter<V>()
    const lookUp = this.newLookUp(id, waiter, 0)
    this.#compute(lookUp, loader)
    return waiter.answer ?? this.#wait(lookUp, waiter, signal)
  }

  /** The same for nobody: what is held is answered meanwhile. Not a look-up, so not counted. Undefined where one is under way. */
  renew(id: string, loader: Loader<V>, signal?: AbortSignal): Promise<Answer<V>> | undefined {
    if (this.inFlight.get(id) !== undefined) return undefined
    const waiter = new OneWaiter<V>()
    const lookUp = new LookUp<V>(id, waiter, 0, undefined)
    this.#compute(lookUp, loader)
    return this.#wait(lookUp, waiter, signal)
  }

  /** What a tier has, or undefined. Neither computes nor joins. */
  async find(id: string, told?: LookUpTold): Promise<Answer<V> | undefined> {
    this.begin()
    const value = this.peek(id, told)
    if (value !== undefined) return { value, source: 'memory' }
    const waiter = new OneWaiter<V>()
    const lookUps = [this.newLookUp(id, waiter, 0, told)]
    const generation = this.#generation
    for (const [number, tier] of this.#tiers.entries()) {
      const found = tier.synchronous ? tier.getManySync(lookUps) : await tier.getMany(lookUps)
      lookUps[0]!.stale = generation !== this.#generation
      this.#visited(number, lookUps, found)
      if (waiter.answer) return waiter.answer
    }
    lookUps[0]!.log?.ended('absent')
    return undefined
  }

  /** The look-up of `id` that is under way; `waiter` waits for it as well from now on. */
  join(id: string, waiter: Waiter<V>, place: number, told?: LookUpTold): LookUp<V> | undefined {
    const lookUp = this.inFlight.get(id)
    if (lookUp === undefined) return undefined
    this.#memory.missed(id)
    lookUp.join(waiter, place, this.#log(id, told))
    return lookUp
  }

  /** A new look-up of what memory does not have. */
  newLookUp(id: string, waiter: Waiter<V>, place: number, told?: LookUpTold): LookUp<V> {
    this.#memory.missed(id)
    return new LookUp(id, waiter, place, this.#log(id, told), this.#memory.warm?.keyOf(id))
  }

  /**
   * Looks for ids that are neither in memory nor under way, all different. What the tiers cannot answer at once is under way
   * afterwards. Where there is memory `lent`, what is found at once is only told, and not put into ours: it may lie there.
   */
  descend(lookUps: readonly LookUp<V>[], loader: Loader<V>, lent?: LentMemory): Flight<V> | undefined {
    let rest = lookUps
    let next = 0
    for (; rest.length > 0 && this.#tiers[next]?.synchronous; next++) {
      rest = this.#visited(next, rest, this.#tiers[next]!.getManySync(rest, lent), lent === undefined)
    }
    if (rest.length === 0) return undefined
    const flight = this.inFlight.begin(rest)
    this.#finish(flight, next, loader).catch((error: unknown) => this.#failed(flight.lookUps, error))
    return flight
  }

  /** Marks an entry as used just now. Counts nothing. */
  touch(id: string): void {
    this.#memory.touch(id)
  }

  /** Memory has not got `id` any more, and what is under way for it will not be stored. True when memory had it. */
  forget(id: string): boolean {
    this.#generation++
    this.inFlight.detach(id)
    return this.#memory.delete(id)
  }

  /** The same, but who asks meanwhile may still join what is under way. */
  keepNothing(id: string): void {
    this.#generation++
    this.inFlight.spoil(id)
    this.#memory.delete(id)
  }

  forgetAll(): void {
    this.#generation++
    this.inFlight.detachAll()
    this.#memory.clear()
  }

  /** Whoever waits gets `error`, whoever asks from now on CLOSED. */
  close(error: OpDbusError): void {
    this.#closed = true
    this.inFlight.abortAll(error)
    this.forgetAll()
  }

  /** Asks no tier, and puts the answer into each. */
  #compute(lookUp: LookUp<V>, loader: Loader<V>): void {
    lookUp.missed = (1 << this.#tiers.length) - 1
    const flight = this.inFlight.begin([lookUp])
    this.#finish(flight, this.#tiers.length, loader).catch((error: unknown) => this.#failed(flight.lookUps, error))
  }

  /** The tiers that need a promise, one after another, then the computation of what none of them has. */
  async #finish(flight: Flight<V>, first: number, loader: Loader<V>): Promise<void> {
    const began = this.clock.monotonic()
    for (let number = first; number < this.#tiers.length; number++) {
      const asked = flight.lookUps.filter(({ over }) => !over)
      if (asked.length === 0) return
      this.#visited(number, asked, await this.#tiers[number]!.getMany(asked))
    }
    // Also of a tier that could not be looked into: memory keeps by its tickets as well.
    for (const tier of this.#tiers.filter(({ hasTickets }) => hasTickets)) {
      for (const lookUp of flight.lookUps) if (!lookUp.over) lookUp.ticket ??= await tier.ticket(lookUp.id)
    }
    if (flight.open < flight.lookUps.length) flight.lookUps = flight.lookUps.filter(({ over }) => !over)
    const once = this.#once
    const compute = (lookUps: readonly LookUp<V>[]) => this.#load(lookUps, loader)
    // What is computed anew is not what another process computes.
    if (first === this.#tiers.length || !once?.pays(flight.lookUps, began)) return compute(flight.lookUps)
    const found = (lookUps: readonly LookUp<V>[], loads: Load<Found<V>>[]) => this.#visited(once.number, lookUps, loads)
    await once.run(flight.lookUps, began, { found, compute })
  }

  #load(lookUps: readonly LookUp<V>[], loader: Loader<V>): void {
    if (lookUps.length === 0) return
    const ids = lookUps.map((lookUp, row) => {
      lookUp.row = row
      return lookUp.id
    })
    const asked = this.clock.monotonic()
    let told = 0
    try {
      const loading = loader(ids, {
        loaded: (rows, values) => {
          told += values.length
          this.#once?.took((this.clock.monotonic() - asked) / told)
          this.#computed(lookUps, rows, values, asked)
        },
        failed: (rows, error) =>
          this.#failed(
            rows.map(row => lookUps[row]!),
            error,
          ),
      })
      for (const lookUp of lookUps) lookUp.loading = loading
    } catch (error) {
      this.#failed(lookUps, error)
    }
  }

  #computed(lookUps: readonly LookUp<V>[], rows: ArrayLike<number>, values: readonly V[], asked: number): void {
    const computed: LookUp<V>[] = []
    const heard = this.#events.computedHeard
    const micros = 1000 * (this.clock.monotonic() - asked)
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!
      const lookUp = lookUps[rows[i]!]!
      if (lookUp.over) continue
      lookUp.value = value
      computed.push(lookUp)
      const cost = this.computing.took(value, micros)
      if (cost !== undefined) lookUp.cost = cost
      if (heard) this.#events.computed(lookUp.id, value, { bytes: this.#bytesOf(lookUp.id, value), micros, cost })
    }
    this.#found(computed, 'computed', this.#tiers.length)
  }

  #failed(lookUps: readonly LookUp<V>[], error: unknown): void {
    for (const lookUp of lookUps) this.inFlight.fail(lookUp, error)
  }

  /** Takes what a tier said of each look-up, and returns those that it did not answer. */
  #visited(number: number, lookUps: readonly LookUp<V>[], loads: readonly Load<Found<V>>[], keep = true): LookUp<V>[] {
    const { source } = this.#tiers[number]!
    const found: LookUp<V>[] = []
    const rest: LookUp<V>[] = []
    for (let i = 0; i < lookUps.length; i++) {
      const lookUp = lookUps[i]!
      const load = loads[i]!
      lookUp.log?.visited(source, load)
      if (load.kind === 'miss') lookUp.missed |= 1 << number
      if (load.kind !== 'hit') rest.push(lookUp)
      else if (!lookUp.over) {
        lookUp.value = load.value.value
        lookUp.ttlMs = load.value.ttlMs
        found.push(lookUp)
      }
    }
    this.#found(found, source, number, keep)
    return rest
  }

  /**
   * Keeps what was found or computed in the first `nearer` tiers, where they looked and missed, and in memory; tells who
   * waits. What is not to be `keep` is only told.
   */
  #found(lookUps: readonly LookUp<V>[], source: Source, nearer: number, keep = true): void {
    let [kept, keptBelow] = [source !== 'computed', false]
    for (let number = 0; number < nearer; number++) {
      const tier = this.#tiers[number]!
      const wanted = lookUps.filter(lookUp => !lookUp.stale && lookUp.hasMissed(number))
      if (!tier.setMany(wanted) || wanted.length < lookUps.length) continue
      kept = true
      keptBelow ||= tier.synchronous
    }
    const generation = this.#generation
    // One after another: whoever is told may delete what comes next, and what is told last was used last.
    for (const lookUp of lookUps) {
      if (!this.inFlight.end(lookUp)) continue
      // What is under way is marked stale by whoever forgets it; of what is answered at once only the number tells.
      const stands = lookUp.flight !== undefined || generation === this.#generation
      if (stands && !lookUp.stale && keep && !(lookUp.passing && keptBelow))
        this.#memory.set(lookUp.id, lookUp.value!, lookUp.ttlMs, kept ? 0 : lookUp.cost)
      lookUp.answer(source, this.#bytesOf)
    }
  }

  /** The answer, or ABORTED as soon as `signal` fires. */
  #wait(lookUp: LookUp<V>, waiter: OneWaiter<V>, signal: AbortSignal | undefined): Promise<Answer<V>> {
    if (signal === undefined) return waiter.promise()
    const leave = () => {
      this.inFlight.leave([lookUp], waiter, signal.reason)
      waiter.failed(0, abortError(signal))
    }
    if (!signal.aborted) return waiter.promise(this.aborts.add(signal, leave))
    leave()
    return waiter.promise()
  }

  #heardPeek(id: string, told?: LookUpTold): V | undefined {
    const began = this.clock.monotonic()
    const value = this.#memory.get(id)
    if (value !== undefined) this.#events.hit(id, this.#bytesOf(id, value), this.clock.monotonic() - began, told)
    return value
  }

  #log(id: string, told?: LookUpTold): LookUpLog | undefined {
    return told || this.#events.lookupHeard ? this.#events.begin(id, this.clock, told) : undefined
  }

  /** What was copied out of that tier goes as well, out of memory and out of the tiers that are nearer. */
  #clearedElsewhere(number: number): void {
    this.forgetAll()
    this.#tiers[number]!.dropPending()
    for (const tier of this.#tiers.slice(0, number)) {
      // It has said itself what is wrong with it.
      void tier.clear().then(
        () => this.forgetAll(),
        () => undefined,
      )
    }
    this.#events.cleared(true)
  }
}
