// Requests to four caches at once, from a seed: popularity by Zipf's law in each, and a share of the traffic for each that may change at any time.
import type { CacheName } from '../../../src/ports.js'
import { seeded } from '../../../src/sample-lines.js'
import type { Setting } from '../../../src/tuning/auto/settings.js'
import { CACHE_ORDER } from '../../../src/tuning/requests.js'

/** What the entries of a cache are like. */
export interface Kind {
  readonly keys: number
  readonly alpha: number
  readonly bytes: number
  /** Microseconds, the median; lognormal by key with sigma 1. */
  readonly cost: number
}

export interface Request {
  readonly cache: CacheName
  readonly key: number
  readonly bytes: number
  readonly cost: number
}

export const KINDS: Readonly<Record<CacheName, Kind>> = {
  embeddings: { keys: 8000, alpha: 0.8, bytes: 2048, cost: 3000 },
  queries: { keys: 300, alpha: 0.7, bytes: 40_000, cost: 5000 },
  diffs: { keys: 2000, alpha: 0.8, bytes: 6000, cost: 4000 },
  blocks: { keys: 8000, alpha: 0.9, bytes: 2500, cost: 2500 },
}

/** What the caches begin with, where nothing else is said: small, so that short runs fill them. */
export const START: Readonly<Record<CacheName, Setting>> = {
  embeddings: { bytes: 1_600_000, entries: 800, policy: 'lru' },
  queries: { bytes: 1_200_000, entries: Number.POSITIVE_INFINITY, policy: 'lru' },
  diffs: { bytes: 600_000, entries: 100, policy: 'lru' },
  blocks: { bytes: 600_000, entries: 240, policy: 'lru' },
}
export const BUDGET = 4_000_000

export class Traffic {
  readonly #random: () => number
  readonly #upTo = new Map<CacheName, Float64Array>()
  readonly #kinds: Readonly<Record<CacheName, Kind>>
  /** Another popularity of the same keys. */
  readonly turn: Record<CacheName, number> = { embeddings: 0, queries: 0, diffs: 0, blocks: 0 }

  constructor(seed: number, kinds = KINDS) {
    this.#random = seeded(seed)
    this.#kinds = kinds
    for (const name of CACHE_ORDER) {
      const { keys, alpha } = kinds[name]
      let sum = 0
      const upTo = Float64Array.from({ length: keys }, (_, i) => {
        sum += (i + 1) ** -alpha
        return sum
      })
      this.#upTo.set(name, upTo)
    }
  }

  /** `shares`: how much of the traffic each has; those that are absent have none. */
  next(shares: Readonly<Partial<Record<CacheName, number>>>): Request {
    let at = this.#random() * Object.values(shares).reduce((sum, share) => sum + share, 0)
    const names = CACHE_ORDER.filter(name => shares[name] !== undefined)
    const cache =
      names.find(name => {
        at -= shares[name]!
        return at < 0
      }) ?? names[0]!
    const upTo = this.#upTo.get(cache)!
    const wanted = this.#random() * upTo[upTo.length - 1]!
    let [low, high] = [0, upTo.length - 1]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (upTo[middle]! > wanted) high = middle
      else low = middle + 1
    }
    return this.entry(cache, (low + this.turn[cache]) % upTo.length)
  }

  /** The entry of that number. */
  entry(cache: CacheName, number: number): Request {
    const { bytes, cost } = this.#kinds[cache]
    const hash = mixed(number * 4 + CACHE_ORDER.indexOf(cache))
    const [one, other] = [(hash >>> 16) / 65536, ((hash & 65535) + 1) / 65537]
    const normal = Math.sqrt(-2 * Math.log(other)) * Math.cos(2 * Math.PI * one)
    return { cache, key: hash, bytes, cost: cost * Math.exp(normal) }
  }
}

function mixed(of: number): number {
  let bits = Math.imul((of + 1) | 0, 0x9e3779b1)
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}
