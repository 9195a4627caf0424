// What a cache's memory would have saved under other settings: small simulations side by side, without values, over a sample of the keys.
// Knows no clock, and never changes the cache.
//
// The sample is of keys, chosen by their hash, and each simulated size is scaled by the part that is sampled: Waldspurger et al., "Efficient MRC
// Construction with SHARDS" (FAST 2015) and "Cache Modeling and Optimization using Miniature Simulations" (USENIX ATC 2017).
import type { EvictionPolicy, NewPolicy, PolicyName } from '../../cache/eviction.js'
import { BelievedCost } from './believed-cost.js'
import { IN_HAND, KeyRows } from './key-rows.js'
import { type Setting, sameSetting } from './settings.js'
import { Simulation } from './simulation.js'

/** Keys that all simulations of one cache hold together, at most: beyond that, half of them leave the sample. */
const MOST_ROWS = 512
/** So many keys are to stay in the sample, however many requests come. */
const LEAST_ROWS = 128
/** Requests of the sample that are simulated in one moment, at most: a thousandth or two of a processor. */
const MOST_REQUESTS = 1000
/** Misses whose entry has not come yet, at most. */
const MOST_PENDING = 1024
/**
 * Settings of one cache beside its own. All simulations are bits of one number for each key, those of before and those that follow them: at
 * most 30.
 */
const MOST_SETTINGS = 14

/** What happened since the last time. Microseconds, of all requests: what the sample says is scaled up. */
export interface Measured {
  /** Requests that were looked at. */
  readonly sampled: number
  readonly requests: number
  /** What all requests would have cost without memory. */
  readonly total: number
  /** What the cache itself saved. */
  readonly actual: number
  /** What it would have saved so; undefined for a setting that was not simulated. */
  saved(setting: Setting): number | undefined
}

export interface ShadowOptions {
  readonly policies: Readonly<Partial<Record<PolicyName, NewPolicy>>>
  readonly readMicros: () => number
  readonly ttlMs?: number | undefined
  /** Milliseconds, monotonic. Asked only where there is a TTL. */
  readonly now: () => number
}

export class Shadow {
  readonly #options: ShadowOptions
  readonly #random: () => number
  readonly #rows = new KeyRows()
  readonly #believed: BelievedCost
  /** That of the cache's own setting first. */
  #simulations: Simulation[] = []
  /** Bits of all of them. */
  #all = 0
  /** Keys that memory had not, and whose cost is known when they come. */
  readonly #pending = new Set<number>()
  #mask = 0
  /** Requests since the last `nextMoment`. */
  #moment = 0
  #sampled = 0
  #skipped = 0
  #total = 0
  #actual = 0

  constructor(options: ShadowOptions) {
    this.#options = options
    this.#believed = new BelievedCost(options.readMicros())
    // Policies that toss a coin toss the same ones in each run.
    let seed = 1
    this.#random = () => {
      seed = (Math.imul(seed, 48271) >>> 0) % 0x7fffffff
      return seed / 0x7fffffff
    }
  }

  /** A key is in the sample where `(hash & mask) === 0`. */
  get mask(): number {
    return this.#mask
  }

  /** Requests that were looked at since the last `take`. */
  get sampled(): number {
    return this.#sampled
  }

  /** Keys that some simulation holds. */
  get keys(): number {
    return this.#rows.size
  }

  /** Memory had it. */
  hit(hash: number, bytes: number, cost: number): void {
    if ((hash & this.#mask) !== 0 || this.#isEnough()) return
    const row = this.#known(hash, bytes, cost)
    this.#actual += this.#rows.cost[row]!
    this.#asked(row)
    this.#put(row)
  }

  /** Memory had it not. */
  miss(hash: number): void {
    if ((hash & this.#mask) !== 0 || this.#isEnough()) return
    const row = this.#rows.get(hash)
    if (row !== undefined && !this.#tooOld(row)) this.#asked(row)
    else if (this.#pending.size < MOST_PENDING) this.#pending.add(hash)
  }

  /** It was put into memory. */
  stored(hash: number, bytes: number, cost: number): void {
    if ((hash & this.#mask) !== 0 || this.#moment > MOST_REQUESTS) return
    const row = this.#known(hash, bytes, cost)
    if (this.#pending.delete(hash)) this.#total += this.#rows.cost[row]!
    this.#rows.born[row] = this.#now()
    this.#put(row)
  }

  /**
   * Simulates these from now on, and no others. The simulation of `now` is the one of before, changed as the cache itself was: it fills as slowly
   * as that does. Another that goes on stays as it is, and a new one begins with what the nearest of before held.
   */
  simulate(now: Setting, others: readonly Setting[]): void {
    const before = this.#simulations
    const [mine] = before
    const wanted = others.filter(
      (one, at) => !sameSetting(one, now) && others.findIndex(other => sameSetting(one, other)) === at,
    )
    let taken = this.#all
    // While that of `now` still holds what it held.
    const rest = wanted.slice(0, MOST_SETTINGS).map(setting => {
      const same = before.find(one => one !== mine && sameSetting(one.setting, setting))
      if (same) return same
      const made = this.#copy(setting, before, taken)
      taken |= made.bit
      return made
    })
    mine?.change(now, mine.setting.policy === now.policy ? undefined : this.#newPolicy(now.policy))
    this.#simulations = [mine ?? this.#copy(now, before, taken), ...rest]
    for (const one of before) if (!this.#simulations.includes(one)) one.empty()
    this.#all = this.#simulations.reduce((bits, one) => bits | one.bit, 0)
    this.#begin()
  }

  /** What happened since the last call; counts from zero again. */
  take(): Measured {
    const requests = this.#sampled + this.#skipped
    const scale = this.#sampled === 0 ? 0 : ((this.#mask + 1) * requests) / this.#sampled
    const saved = this.#simulations.map(one => ({ setting: one.setting, saved: one.saved * scale }))
    const measured: Measured = {
      sampled: this.#sampled,
      requests: requests * (this.#mask + 1),
      total: this.#total * scale,
      actual: this.#actual * scale,
      saved: setting => saved.find(one => sameSetting(one.setting, setting))?.saved,
    }
    this.#begin()
    return measured
  }

  /** More may be simulated: a moment has passed. Where the last one had too many requests, there are fewer keys from now on. */
  nextMoment(): void {
    if (this.#moment > MOST_REQUESTS && this.#rows.size >= 2 * LEAST_ROWS) this.#halve()
    this.#moment = 0
  }

  #begin(): void {
    for (const one of this.#simulations) {
      one.saved = 0
      one.fit()
    }
    // Of what never came: it failed, or there was nothing.
    if (this.#pending.size >= MOST_PENDING) this.#pending.clear()
    this.#sampled = 0
    this.#skipped = 0
    this.#total = 0
    this.#actual = 0
    this.#believed.readMicros = this.#options.readMicros()
  }

  #isEnough(): boolean {
    if (++this.#moment > MOST_REQUESTS) {
      this.#skipped++
      return true
    }
    this.#sampled++
    return false
  }

  #now(): number {
    return this.#options.ttlMs === undefined ? 0 : this.#options.now()
  }

  /** The row of a key; made where there is none. */
  #known(hash: number, bytes: number, cost: number): number {
    const rows = this.#rows
    let row = rows.get(hash)
    if (row === undefined) {
      row = rows.add(hash)
      rows.born[row] = this.#now()
    }
    rows.cost[row] = this.#believed.of(cost)
    const by = (bytes >= 1 && Number.isFinite(bytes) ? bytes : 1) - rows.bytes[row]!
    if (by === 0) return row
    rows.bytes[row]! += by
    rows.hold(row, IN_HAND)
    for (const one of this.#simulations) if (one.holds(row)) one.reweigh(by)
    // Not released: who asks puts it next.
    return row
  }

  #asked(row: number): void {
    const worth = this.#rows.cost[row]!
    this.#total += worth
    for (const one of this.#simulations) if (one.holds(row)) one.hit(row, worth)
  }

  /** Each simulation that has it not takes it in. */
  #put(row: number): void {
    const rows = this.#rows
    if (rows.holders[row] === this.#all) return
    // One that gives it up again at once is not to be the end of it before all have been asked.
    rows.hold(row, IN_HAND)
    for (const one of this.#simulations) if (!one.holds(row)) one.put(row)
    rows.release(row, IN_HAND)
    if (rows.size > MOST_ROWS) this.#halve()
  }

  /** Past its time: it is taken out of each simulation, as it is out of the cache. */
  #tooOld(row: number): boolean {
    const { ttlMs, now } = this.#options
    if (ttlMs === undefined || now() - this.#rows.born[row]! < ttlMs) return false
    this.#drop(row)
    return true
  }

  #drop(row: number): void {
    for (const one of this.#simulations) if (one.holds(row)) one.drop(row)
  }

  /** Half of the keys leave the sample. */
  #halve(): void {
    this.#mask = 2 * this.#mask + 1
    // What was counted so far was of a sample twice as large.
    this.#total /= 2
    this.#actual /= 2
    this.#sampled /= 2
    this.#skipped /= 2
    for (const [hash, row] of this.#rows.all()) if ((hash & this.#mask) !== 0) this.#drop(row)
    for (const hash of this.#pending) if ((hash & this.#mask) !== 0) this.#pending.delete(hash)
    for (const one of this.#simulations) {
      one.saved /= 2
      one.sample(1 / (this.#mask + 1))
    }
  }

  #newPolicy(name: PolicyName): EvictionPolicy {
    const make = this.#options.policies[name]
    if (make === undefined) throw new RangeError(`no policy is called ${name}`)
    return make(MOST_ROWS, this.#random)
  }

  /** A new one, with what the nearest of the others holds. */
  #copy(setting: Setting, others: readonly Simulation[], taken: number): Simulation {
    let bit = 1
    while ((taken & bit) !== 0) bit *= 2
    const one = new Simulation(this.#rows, bit, setting, this.#newPolicy(setting.policy), MOST_ROWS)
    const like = nearest(setting, others)
    if (like) one.fill(like)
    return one
  }
}

/** Of the same policy if there is one; a larger one before a smaller, since it holds what the new one would. */
function nearest({ policy, bytes }: Setting, among: readonly Simulation[]): Simulation | undefined {
  const far = ({ setting }: Simulation) =>
    (setting.policy === policy ? 0 : 1) + (setting.bytes >= bytes ? 0 : 0.5) + Math.abs(setting.bytes - bytes) / 1e15
  return among.reduce<Simulation | undefined>((best, one) => (best && far(best) <= far(one) ? best : one), undefined)
}
