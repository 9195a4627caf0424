// One cache under the tuner: what it started with, what it has now, and its shadow. Changes the cache where it is told to; decides nothing.
import type { NewPolicy, PolicyName } from '../../cache/eviction.js'
import type { CacheName } from '../../ports.js'
import { resized, type Setting, type Watched } from './settings.js'
import { type Measured, Shadow } from './shadow.js'

/** No cache has less than this part of what it started with, or than so many bytes where that is more; one that started with less keeps all. */
const LEAST_PART = 0.05
const LEAST_BYTES = 64 * 1024

export interface TunedCacheOptions {
  readonly policies: Readonly<Partial<Record<PolicyName, NewPolicy>>>
  /** Milliseconds, monotonic. */
  readonly now: () => number
}

export class TunedCache {
  readonly name: CacheName
  readonly watched: Watched
  readonly #options: TunedCacheOptions
  #shadow: Shadow
  #start: Setting
  #now: Setting
  #untap: (() => void) | undefined
  #tapped = 0
  #measured: Measured

  constructor(watched: Watched, options: TunedCacheOptions) {
    this.name = watched.name
    this.watched = watched
    this.#options = options
    this.#start = settingOf(watched)
    this.#now = this.#start
    this.#shadow = this.#newShadow()
    this.#measured = this.#shadow.take()
    this.#tap()
  }

  get start(): Setting {
    return this.#start
  }

  get now(): Setting {
    return this.#now
  }

  get floor(): number {
    return Math.min(this.#start.bytes, Math.max(Math.ceil(LEAST_PART * this.#start.bytes), LEAST_BYTES))
  }

  /** Of the period that ended last. */
  get measured(): Measured {
    return this.#measured
  }

  /** Held now. */
  get usedBytes(): number {
    return this.watched.memory.memoryInfo().bytes
  }

  /** It holds about as much as it may, by bytes or by entries. */
  get isFull(): boolean {
    const { size, capacity, bytes, capacityBytes = Number.POSITIVE_INFINITY } = this.watched.memory.memoryInfo()
    return size >= 0.9 * capacity || bytes >= 0.9 * capacityBytes
  }

  /** The same cache with another size. */
  sized(bytes: number, policy: PolicyName = this.#now.policy): Setting {
    return resized(this.#start, policy, bytes)
  }

  /** Changes the cache. What it is to be compared with is said afterwards, by `compare`. */
  set(setting: Setting): void {
    const { memory } = this.watched
    if (setting.policy !== this.#now.policy) memory.setPolicy(this.#options.policies[setting.policy]!)
    if (setting.bytes !== this.#now.bytes) memory.resizeMemory(setting.entries, setting.bytes)
    this.#now = setting
  }

  /** Simulates these beside what it has. */
  compare(others: readonly Setting[]): void {
    this.#shadow.simulate(this.#now, others)
  }

  /** Microseconds of the last period that it would have saved with this setting; with that of now where it was not simulated. */
  saved(setting: Setting): number {
    return this.#measured.saved(setting) ?? this.#measured.saved(this.#now) ?? 0
  }

  /** A moment has passed. True where somebody else has changed the cache: that is where it starts from now on. */
  nextMoment(): boolean {
    this.#shadow.nextMoment()
    if (this.#shadow.mask !== this.#tapped) this.#tap()
    const [before, now] = [this.#now, settingOf(this.watched)]
    const isSize = now.bytes !== before.bytes || now.entries !== before.entries
    const isPolicy = now.policy !== before.policy
    if (!isSize && !isPolicy) return false
    // Of what was not changed it keeps where it started: bytes that are lent are not given away.
    const { bytes, entries } = isSize ? now : this.#start
    this.#start = { bytes, entries, policy: isPolicy ? now.policy : this.#start.policy }
    this.#now = now
    this.#shadow = this.#newShadow()
    this.#tap()
    return true
  }

  /** Requests of the sample since the last period. */
  get sampled(): number {
    return this.#shadow.sampled
  }

  endPeriod(): void {
    this.#measured = this.#shadow.take()
  }

  close(): void {
    this.#untap?.()
    this.#untap = undefined
  }

  #newShadow(): Shadow {
    const { readMicros, ttlMs } = this.watched
    const shadow = new Shadow({ ...this.#options, readMicros, ttlMs })
    shadow.simulate(this.#now, [])
    return shadow
  }

  #tap(): void {
    this.#untap?.()
    const shadow = this.#shadow
    this.#tapped = shadow.mask
    this.#untap = this.watched.memory.tap({
      mask: shadow.mask,
      hit: (hash, bytes, cost) => shadow.hit(hash, bytes, cost),
      miss: hash => shadow.miss(hash),
      stored: (hash, bytes, cost) => shadow.stored(hash, bytes, cost),
    })
  }
}

/** Whether there is anything to tune: a cache that is off stays off, and one whose bytes are not known yet has none to give. */
export function isOn({ memory }: Watched): boolean {
  const { capacity, capacityBytes = 0 } = memory.memoryInfo()
  return capacity >= 1 && capacityBytes >= 1 && Number.isFinite(capacityBytes)
}

function settingOf({ memory }: Watched): Setting {
  const { capacity, capacityBytes = 0, policy } = memory.memoryInfo()
  return { bytes: Math.floor(capacityBytes), entries: capacity, policy }
}
