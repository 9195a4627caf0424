// How often each policy would have answered at each size, and how much time that saves: from a sample of the keys. Deterministic; knows no clock.
//
// A sample of one key in n behaves in a memory of an nth of the size as all keys do in all of it: so each policy is simulated in miniature
// (Waldspurger et al., USENIX ATC '17). The few keys that are asked for all the time are apart (shards.ts): they have their entries.
// A memory of a few entries has no miniature: for small sizes more keys are taken, and less of the time.
import type { PolicyName } from '../cache/eviction.js'
import { seeded } from '../sample-lines.js'
import { runPolicy, type Simulated, type Stream } from './miniature.js'
import { POLICIES } from './policies.js'
import { type KeySums, keySums, sampledStream, sampleKeys } from './shards.js'
import { Strata } from './strata.js'

/** Entries that a miniature has at least, where more keys would not be all of them. */
const SLOTS = 20
/** Requests of one simulation of the largest sizes, where nothing else is said: with six policies and a dozen sizes that is about a second. */
const MOST = 40_000
/** Less than that is simulated in full. */
const SMALL = 100_000
/** So many times as many requests a simulation of smaller sizes has: policies have to settle in them. */
const LONGER = 2.5
/** Samples: one key in n, and in these powers of n. */
const POWERS = [1, 0.75, 0.5, 0.25, 0]
/** Of the largest entries a miniature has room for so many at least. */
const LARGEST = 4
/** Heavy keys have to be that small a part of what is held. */
const HEAVY_PART = 0.25
/** Of all keys, the smallest size that is looked at; and how many sizes. */
const SMALLEST_PART = 0.001
const SIZES = 12

export interface Rates {
  /** 0 to 1, of all requests and of all their time. */
  readonly hitRate: number
  readonly savedRate: number
}

export interface CurveOptions {
  /** Part of the keys, above 0; 1 simulates everything in full. Absent: as many as take about a second for all policies. */
  readonly rate?: number | undefined
  /** Bytes are the bound of memory, and an entry takes so many on average: a size in entries is as many bytes. Absent: entries are the bound. */
  readonly entryBytes?: number | undefined
}

/** Sizes from a thousandth of `keys` to all of them, evenly spaced on a logarithmic axis. */
export function curveSizes(keys: number): number[] {
  const least = Math.max(1, SMALLEST_PART * keys)
  const sizes = Array.from({ length: SIZES }, (_, i) => Math.round(least * (keys / least) ** (i / (SIZES - 1))))
  return [...new Set(sizes)].filter(size => size >= 1)
}

/** The curves of one stream; what has been worked out is kept. */
export class Curves {
  /** One key of so many stands for all. */
  readonly every: number
  readonly #stream: Stream
  readonly #sums: KeySums
  readonly #most: number
  readonly #entryBytes: number | undefined
  readonly #mostBytes: number
  readonly #levels = new Map<number, Level>()
  readonly #known = new Map<string, Rates>()

  constructor(stream: Stream, { rate, entryBytes }: CurveOptions = {}) {
    this.#stream = stream
    this.#entryBytes = entryBytes
    this.#mostBytes = entryBytes === undefined ? 0 : stream.bytes.reduce((most, size) => Math.max(most, size), 0)
    this.#sums = keySums(stream)
    const { length } = stream
    if (rate !== undefined) this.every = Math.max(1, Math.round(1 / rate))
    else this.every = length <= SMALL ? 1 : Math.ceil(length / MOST)
    this.#most = Math.ceil((LONGER * length) / this.every)
  }

  /** `capacity`: whole entries, 0 and up. */
  at(policy: PolicyName, capacity: number): Rates {
    const id = `${policy} ${capacity}`
    let rates = this.#known.get(id)
    if (rates === undefined) {
      rates = this.#find(policy, capacity)
      this.#known.set(id, rates)
    }
    return rates
  }

  #find(policy: PolicyName, capacity: number): Rates {
    const { length } = this.#stream
    if (capacity < 1 || length === 0) return { hitRate: 0, savedRate: 0 }
    const { allSaves } = this.#sums
    const { hits, saved } = this.#levelFor(capacity).run(policy, capacity, this.#entryBytes)
    return {
      hitRate: Math.min(1, hits / length),
      savedRate: allSaves > 0 ? Math.min(1, saved / allSaves) : 0,
    }
  }

  /** The largest step between keys that leaves a miniature of this size enough entries. */
  #levelFor(capacity: number): Level {
    for (const power of POWERS) {
      const every = Math.round(this.every ** power)
      if (every > 1 && capacity / every < SLOTS) continue
      if (every > 1 && (capacity / every) * (this.#entryBytes ?? 0) < LARGEST * this.#mostBytes) continue
      let level = this.#levels.get(every)
      if (level === undefined) {
        level = new Level(this.#stream, this.#sums, every, this.#most)
        this.#levels.set(every, level)
      }
      if (level.heavyKeys <= HEAVY_PART * capacity) return level
    }
    throw new RangeError('the last step takes all keys')
  }
}

/** One sample, and what its hits say of all requests. */
class Level {
  readonly heavyKeys: number
  readonly #every: number
  readonly #requests: Simulated
  readonly #strata: Strata

  constructor(stream: Stream, sums: KeySums, every: number, most: number) {
    const sample = sampleKeys(stream, sums, every)
    const sampled = sampledStream(stream, sample, most)
    this.#every = every
    this.heavyKeys = sample.heavyKeys
    this.#strata = new Strata(sums, sample, sampled)
    this.#requests = { ...sampled.requests, group: this.#strata.group }
  }

  run(
    policy: PolicyName,
    capacity: number,
    entryBytes: number | undefined,
  ): { readonly hits: number; readonly saved: number } {
    const room = (capacity - this.heavyKeys) / this.#every
    const entries = entryBytes === undefined ? Math.max(1, Math.round(room)) : this.#requests.keys
    const bytes = entryBytes === undefined ? Number.POSITIVE_INFINITY : room * entryBytes
    const found = this.#strata.newHits()
    runPolicy(POLICIES[policy]!(entries, seeded(1)), { entries, bytes }, this.#requests, found)
    return this.#strata.ofAll(found)
  }
}
