// What a cache's memory would have saved under other settings: small simulations side by side, without values, over a sample of the keys.
// Knows no clock, and never changes the cache.
//
// The sample is of keys, chosen by their hash, and each simulated size is scaled by the part that is sampled: Waldspurger et al., "Efficient MRC
// Construction with SHARDS" (FAST 2015) and "Cache Modeling and Optimization using Miniature Simulations" (USENIX ATC 2017).
import type { EvictionPolicy, NewPolicy, PolicyName } from '../../cache/eviction.js'
import { type Setting, sameSetting } from './settings.js'

/** Keys that all simulations of one cache hold together, at most: beyond that, half of them leave the sample. 60 to 100 bytes each. */
const MOST_ROWS = 1024
/** So many keys are to stay in the sample, however many requests come. */
const LEAST_ROWS = 256
/** Requests of the sample that are simulated in one moment, at most: a thousandth or two of a processor. */
export const MOST_REQUESTS = 1000
/** Misses whose entry has not come yet, at most. */
const MOST_PENDING = 1024
/** No entry counts for more than so many times what the cache's entries usually cost: one computation that was held up for a minute is chance. */
const MOST_TIMES = 100
/** How much a new cost changes what is usual. */
const NEWS = 0.01

/** Of one cache beside that of its own setting. All simulations, those of before and those that follow them, are bits of one number. */
const MOST_SETTINGS = 14
/** The bit that stands for no simulation. */
const IN_HAND = 2 ** 31

interface Simulation {
  setting: Setting
  policy: EvictionPolicy
  readonly bit: number
  count: number
  used: number
  /** Microseconds since the last `take`. */
  saved: number
}

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
  #simulations: Simulation[] = []
  /** By hash. */
  readonly #rows = new Map<number, number>()
  readonly #free: number[] = []
  #hash = new Uint32Array(0)
  #bytes = new Float64Array(0)
  #cost = new Float64Array(0)
  #born = new Float64Array(0)
  /** The simulations that hold it, a bit each. */
  #holders = new Uint32Array(0)
  readonly #pending = new Set<number>()
  #mask = 0
  /** Requests since the last `nextMoment`. */
  #moment = 0
  /** Bits that stand for a simulation, those of before and those of now; and those of now alone. */
  #taken = 0
  #all = 0
  /** An entry takes another size since room was made last. */
  #weighed = false
  #sampled = 0
  #skipped = 0
  #total = 0
  #actual = 0
  #readMicros = 0
  /** The mean of the logarithms of costs, of late. */
  #usual: number | undefined

  constructor(options: ShadowOptions) {
    this.#options = options
    // Policies that toss a coin toss the same ones in each run.
    let seed = 1
    this.#random = () => {
      seed = (Math.imul(seed, 48271) >>> 0) % 0x7fffffff
      return seed / 0x7fffffff
    }
    this.#readMicros = options.readMicros()
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
    if ((hash & this.#mask) !== 0 || this.#full()) return
    const row = this.#known(hash, bytes, cost)
    const worth = this.#cost[row]!
    this.#actual += worth
    this.#asked(row, worth)
    this.#put(row)
  }

  /** Memory had it not. */
  miss(hash: number): void {
    if ((hash & this.#mask) !== 0 || this.#full()) return
    const row = this.#rows.get(hash)
    if (row !== undefined && !this.#tooOld(row)) this.#asked(row, this.#cost[row]!)
    // What it costs, and whether it can be kept, is known when it comes.
    else if (this.#pending.size < MOST_PENDING) this.#pending.add(hash)
  }

  /** It was put into memory. */
  stored(hash: number, bytes: number, cost: number): void {
    if ((hash & this.#mask) !== 0 || this.#moment > MOST_REQUESTS) return
    const row = this.#known(hash, bytes, cost)
    if (this.#pending.delete(hash)) this.#total += this.#cost[row]!
    this.#born[row] = this.#options.ttlMs === undefined ? 0 : this.#options.now()
    this.#put(row)
  }

  /**
   * Simulates these from now on, and no others. The simulation of `now` is the one of before, changed as the cache itself was: it fills as slowly
   * as that does. Another that goes on stays as it is, and a new one begins with what the nearest of before held.
   */
  simulate(now: Setting, others: readonly Setting[]): void {
    const before = this.#simulations
    const [mine] = before
    this.#taken = 0
    const wanted = others.filter(
      (one, at) => !sameSetting(one, now) && others.findIndex(other => sameSetting(one, other)) === at,
    )
    // While that of `now` still holds what it held.
    const rest = wanted.slice(0, MOST_SETTINGS).map(setting => {
      const same = before.find(one => one !== mine && sameSetting(one.setting, setting))
      return same ? { ...same, setting } : this.#copy(setting, before)
    })
    const kept = [mine ? this.#change(mine, now) : this.#copy(now, before), ...rest]
    this.#simulations = kept
    for (const one of before) if (kept.every(other => other.bit !== one.bit)) this.#empty(one)
    this.#all = kept.reduce((bits, one) => bits | one.bit, 0)
    this.begin()
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
    this.begin()
    return measured
  }

  /** Counts from zero, without an answer. */
  begin(): void {
    for (const one of this.#simulations) {
      one.saved = 0
      this.#fit(one)
    }
    this.#sampled = 0
    this.#skipped = 0
    this.#total = 0
    this.#actual = 0
    this.#readMicros = this.#options.readMicros()
  }

  /** More may be simulated: a moment has passed. Where the last one had too many requests, there are fewer keys from now on. */
  nextMoment(): void {
    if (this.#moment > MOST_REQUESTS && this.#rows.size >= 2 * LEAST_ROWS) this.#halve()
    this.#moment = 0
  }

  #full(): boolean {
    if (++this.#moment > MOST_REQUESTS) {
      this.#skipped++
      return true
    }
    this.#sampled++
    return false
  }

  /** The row of a key; made where there is none. */
  #known(hash: number, bytes: number, cost: number): number {
    let row = this.#rows.get(hash)
    if (row === undefined) {
      row = this.#free.pop() ?? this.#rows.size
      if (row >= this.#hash.length) this.#grow()
      this.#rows.set(hash, row)
      this.#hash[row] = hash
      this.#holders[row] = 0
      this.#bytes[row] = 1
      this.#born[row] = this.#options.ttlMs === undefined ? 0 : this.#options.now()
    }
    const size = bytes >= 1 && Number.isFinite(bytes) ? bytes : 1
    if (size !== this.#bytes[row]) this.#weigh(row, size)
    this.#cost[row] = this.#worth(cost)
    return row
  }

  #worth(cost: number): number {
    if (!(cost > 0) || !Number.isFinite(cost)) return this.#readMicros
    const logarithm = Math.log(cost)
    this.#usual ??= logarithm
    const most = this.#usual + Math.log(MOST_TIMES)
    this.#usual += NEWS * (Math.min(logarithm, most) - this.#usual)
    return logarithm > most ? Math.exp(most) : cost
  }

  /** It takes another size now, in each simulation that holds it. */
  #weigh(row: number, bytes: number): void {
    for (const one of this.#simulations) if (this.#holders[row]! & one.bit) one.used += bytes - this.#bytes[row]!
    this.#bytes[row] = bytes
    this.#weighed = true
  }

  #asked(row: number, worth: number): void {
    this.#total += worth
    const holders = this.#holders[row]!
    for (const one of this.#simulations) {
      if ((holders & one.bit) === 0) continue
      one.saved += worth
      one.policy.hit(row)
    }
  }

  /** Each simulation that has it not takes it in, and gives up others for it. */
  #put(row: number): void {
    if ((this.#holders[row]! & this.#all) === this.#all && !this.#weighed) return
    this.#weighed = false
    const hash = this.#hash[row]!
    const bytes = this.#bytes[row]!
    // One that gives it up again at once is not to be the end of it before all have been asked.
    this.#holders[row]! |= IN_HAND
    for (const one of this.#simulations) {
      if ((this.#holders[row]! & one.bit) === 0) {
        if (bytes > one.setting.bytes) continue
        this.#holders[row]! |= one.bit
        one.count++
        one.used += bytes
        one.policy.added(row, hash, bytes, this.#cost[row]!)
      }
      this.#makeRoom(one)
    }
    this.#holders[row]! &= ~IN_HAND
    if (this.#holders[row] === 0) this.#forget(row)
    if (this.#rows.size > MOST_ROWS) this.#halve()
  }

  #makeRoom(one: Simulation): void {
    const part = 1 / (this.#mask + 1)
    // A part of few entries is still one.
    const bytes = one.setting.bytes * part
    const entries = Math.max(1, one.setting.entries * part)
    while (one.count > entries || (one.used > bytes && one.count > (part < 1 ? 1 : 0))) {
      const victim = one.policy.victim()
      if (victim === undefined) break
      this.#leave(one, victim)
    }
  }

  /** It is in this simulation no longer; the policy knows. */
  #leave(one: Simulation, row: number): void {
    one.count--
    one.used -= this.#bytes[row]!
    this.#holders[row]! &= ~one.bit
    if (this.#holders[row] === 0) this.#forget(row)
  }

  #forget(row: number): void {
    this.#rows.delete(this.#hash[row]!)
    this.#free.push(row)
  }

  /** Past its time: it is taken out of each simulation, as it is out of the cache. */
  #tooOld(row: number): boolean {
    const { ttlMs, now } = this.#options
    if (ttlMs === undefined || now() - this.#born[row]! < ttlMs) return false
    this.#drop(row)
    return true
  }

  #drop(row: number): void {
    for (const one of this.#simulations) {
      if ((this.#holders[row]! & one.bit) === 0) continue
      one.policy.removed(row)
      this.#leave(one, row)
    }
  }

  /** Half of the keys leave the sample. */
  #halve(): void {
    const mask = 2 * this.#mask + 1
    // What was counted so far was of a sample twice as large.
    for (const one of this.#simulations) one.saved /= 2
    this.#total /= 2
    this.#actual /= 2
    this.#sampled /= 2
    this.#skipped /= 2
    for (const [hash, row] of this.#rows) if ((hash & mask) !== 0) this.#drop(row)
    for (const hash of this.#pending) if ((hash & mask) !== 0) this.#pending.delete(hash)
    this.#mask = mask
    for (const one of this.#simulations) {
      this.#fit(one)
      this.#makeRoom(one)
    }
  }

  /** Tells the policy how many entries there is room for. */
  #fit(one: Simulation): void {
    const mean = one.count > 0 ? one.used / one.count : 1
    const room = Math.min(one.setting.entries, one.setting.bytes / mean) / (this.#mask + 1)
    one.policy.resize(Math.max(1, Math.floor(Math.min(room, MOST_ROWS))))
  }

  #newPolicy(name: PolicyName): EvictionPolicy {
    const make = this.#options.policies[name]
    if (make === undefined) throw new RangeError(`no policy is called ${name}`)
    return make(MOST_ROWS, this.#random)
  }

  #change(one: Simulation, setting: Setting): Simulation {
    if (one.setting.policy !== setting.policy) {
      const policy = this.#newPolicy(setting.policy)
      for (const row of [...one.policy.slots()].reverse()) {
        policy.added(row, this.#hash[row]!, this.#bytes[row]!, this.#cost[row]!)
      }
      one.policy = policy
    }
    one.setting = setting
    one.saved = 0
    this.#fit(one)
    this.#makeRoom(one)
    return one
  }

  /** A new one, with what the nearest of the others holds: the larger ones before the smaller, since what is too much just goes. */
  #copy(setting: Setting, others: readonly Simulation[]): Simulation {
    this.#taken = others.reduce((bits, one) => bits | one.bit, this.#taken)
    let bit = 1
    while ((this.#taken & bit) !== 0) bit *= 2
    this.#taken |= bit
    const one: Simulation = { setting, policy: this.#newPolicy(setting.policy), bit, count: 0, used: 0, saved: 0 }
    const like = nearest(setting, others)
    for (const row of like ? [...like.policy.slots()].reverse() : []) {
      this.#holders[row]! |= bit
      one.count++
      one.used += this.#bytes[row]!
      one.policy.added(row, this.#hash[row]!, this.#bytes[row]!, this.#cost[row]!)
    }
    this.#fit(one)
    this.#makeRoom(one)
    return one
  }

  #empty(one: Simulation): void {
    for (const row of [...one.policy.slots()]) this.#leave(one, row)
  }

  #grow(): void {
    const room = Math.max(64, 2 * this.#hash.length)
    const wider = <A extends Uint32Array | Float64Array>(wide: A, old: A): A => {
      wide.set(old)
      return wide
    }
    this.#hash = wider(new Uint32Array(room), this.#hash)
    this.#holders = wider(new Uint32Array(room), this.#holders)
    this.#bytes = wider(new Float64Array(room), this.#bytes)
    this.#cost = wider(new Float64Array(room), this.#cost)
    this.#born = wider(new Float64Array(room), this.#born)
  }
}

function nearest({ policy, bytes }: Setting, among: readonly Simulation[]): Simulation | undefined {
  const far = ({ setting }: Simulation) =>
    (setting.policy === policy ? 0 : 1) + (setting.bytes >= bytes ? 0 : 0.5) + Math.abs(setting.bytes - bytes) / 1e15
  return among.reduce<Simulation | undefined>((best, one) => (best && far(best) <= far(one) ? best : one), undefined)
}
