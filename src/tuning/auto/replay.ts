// What the tuner would have done with requests of before: the very same tuner over memories without values, in the time of the requests.
// Deterministic; what it changes is nobody's.
import type { NewPolicy, PolicyName } from '../../cache/eviction.js'
import type { CacheName } from '../../ports.js'
import type { AutoState } from '../report.js'
import { CACHE_ORDER, type Requests } from '../requests.js'
import type { Setting } from './settings.js'
import { SimulatedMemory } from './simulated-memory.js'
import { AutoTuner } from './tuner.js'

export interface ReplayOptions {
  /** What each cache starts with; one that is absent is off. */
  readonly start: Readonly<Partial<Record<CacheName, Setting>>>
  readonly policies: Readonly<Partial<Record<PolicyName, NewPolicy>>>
  /** Microseconds that an entry costs where the requests do not say: a read of the tier below. */
  readonly readMicros: (cache: CacheName) => number
  /** False: nothing is tuned, for comparison. Default true. */
  readonly tuned?: boolean
  /** Part of all keys that is among the requests; sizes are scaled by it. Default 1. */
  readonly rate?: number
}

export interface Replayed {
  readonly requests: number
  readonly hits: number
  /** Microseconds: of all requests had nothing been kept, and of those that hit. */
  readonly total: number
  readonly saved: number
  /** What the tuner says at the end, its changes included. */
  readonly auto: AutoState
}

/** How often the tuner looks, in milliseconds of the requests' own time. */
const MOMENT_MS = 1000

/** Requests one by one: for who makes them up as he goes. */
export class Replay {
  readonly memories: Partial<Record<CacheName, SimulatedMemory>>
  readonly tuner: AutoTuner | undefined
  readonly #readMicros: (cache: CacheName) => number
  #now = 0
  #next = 0
  #begun = false

  constructor({ start, policies, readMicros, tuned = true, rate = 1 }: ReplayOptions) {
    this.#readMicros = readMicros
    const scaled = ({ bytes, entries, policy }: Setting): Setting => ({
      policy,
      bytes: Math.max(1, Math.round(bytes * rate)),
      entries: Number.isFinite(entries) && entries > 0 ? Math.max(1, Math.round(entries * rate)) : entries,
    })
    const names = CACHE_ORDER.filter(name => start[name] !== undefined)
    this.memories = Object.fromEntries(names.map(name => [name, new SimulatedMemory(scaled(start[name]!), policies)]))
    if (!tuned) return
    this.tuner = new AutoTuner({
      policies,
      clock: { now: () => this.#now, monotonic: () => this.#now },
      caches: names.map(name => ({ name, memory: this.memories[name]!, readMicros: () => readMicros(name) })),
    })
  }

  /** `at`: milliseconds, never less than before. `told`: the cost that the tuner is told. `cost` 0: a tier below keeps it. True where memory had it. */
  request(at: number, cache: CacheName, key: number, bytes: number, cost: number, told = cost): boolean {
    this.#now = at
    if (!this.#begun || at >= this.#next) {
      this.#begun = true
      this.#next = at + MOMENT_MS
      this.tuner?.moment()
    }
    const worth = cost > 0 ? cost : this.#readMicros(cache)
    return this.memories[cache]?.request(key, Math.max(1, bytes), worth, told) ?? false
  }

  /** So far. */
  result(): Replayed {
    const all = Object.values(this.memories)
    const sum = (of: (memory: SimulatedMemory) => number) => all.reduce((so, memory) => so + of(memory), 0)
    return {
      requests: sum(memory => memory.requests),
      hits: sum(memory => memory.hits),
      total: sum(memory => memory.total),
      saved: sum(memory => memory.saved),
      auto: this.tuner?.state() ?? { on: false, budgetBytes: 0, usedBytes: 0, shares: {}, changes: [] },
    }
  }
}

export function replay(requests: Requests, options: ReplayOptions): Replayed {
  const all = new Replay(options)
  for (let i = 0; i < requests.length; i++) {
    const { at, cache, key, bytes, cost } = requests
    all.request(at[i]!, CACHE_ORDER[cache[i]!]!, key[i]!, bytes[i]!, cost[i]!)
  }
  return all.result()
}
