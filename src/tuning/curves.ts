// How often each policy would have answered at each size, and how much time that saves: from a sample of the keys. Deterministic; knows no clock.
//
// A sample of one key in n behaves in a memory of an nth of the size as all keys do in all of it: so each policy is simulated in miniature
// (Waldspurger et al., USENIX ATC '17), and LRU is known at every size at once from its stack distances. The few keys that are asked for all the
// time are apart (shards.ts): they have their entries, and hit as they do with LRU over part of the time.
// A memory of a few entries has no miniature: for small sizes more keys are taken, and less of the time. What part of the time errs, LRU errs
// nearly as much, and of LRU a longer part is known: so what a policy does is taken relative to LRU there (a ratio estimator).
import type { PolicyName } from '../cache/eviction.js'
import { seeded } from '../sample-lines.js'
import { newTally, runPolicy, type Stream } from './miniature.js'
import { POLICIES } from './policies.js'
import { type KeySums, keySums, type Sample, type SampledStream, sampledStream, sampleKeys } from './shards.js'
import { stackDistances } from './stack-distances.js'

/** Entries that a miniature has at least, where more keys would not be all of them. */
const SLOTS = 32
/** Requests of one simulation, where nothing else is said: with six policies and a dozen sizes that is about a second. */
const MOST = 40_000
/** Less than that is simulated in full. */
const SMALL = 100_000
/** Where only part of the time is simulated: so many times the requests of a miniature. LRU is one pass for all sizes, and may be longer. */
const MINI_MOST = 6
const LRU_MOST = 12
/** Heavy keys come again soon: little of the time tells how they hit. */
const HEAVY_MOST = 4
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
  readonly #levels = new Map<number, Level>()
  readonly #known = new Map<string, Rates>()

  constructor(stream: Stream, { rate }: CurveOptions = {}) {
    this.#stream = stream
    this.#sums = keySums(stream)
    const { length } = stream
    if (rate !== undefined) this.every = Math.max(1, Math.round(1 / rate))
    else this.every = length <= SMALL ? 1 : Math.ceil(length / MOST)
    this.#most = this.every === 1 ? length : Math.ceil(length / this.every)
  }

  /** `capacity`: whole entries, 0 and up. */
  at(policy: PolicyName, capacity: number): Rates {
    const id = `${policy} ${capacity}`
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const rates = this.#find(policy, capacity)
    this.#known.set(id, rates)
    return rates
  }

  #find(policy: PolicyName, capacity: number): Rates {
    if (capacity < 1 || this.#stream.length === 0) return { hitRate: 0, savedRate: 0 }
    const level = this.#levelFor(capacity)
    return policy === 'lru' ? level.lru(capacity) : level.other(policy, capacity)
  }

  /** The largest step between keys that leaves a miniature of this size enough entries. */
  #levelFor(capacity: number): Level {
    const steps = [this.every, Math.ceil(Math.sqrt(this.every)), 1]
    for (const every of steps) {
      if (every > 1 && capacity / every < SLOTS) continue
      let level = this.#levels.get(every)
      if (level === undefined) {
        level = new Level(this.#stream, this.#sums, every, this.#most)
        this.#levels.set(every, level)
      }
      // Heavy keys have to be a small part of what is held.
      if (every === 1 || 4 * level.sample.heavyKeys <= capacity) return level
    }
    throw new RangeError('the last step takes all keys')
  }
}

/** One sample: how its heavy keys hit, and what is simulated of the others. */
class Level {
  readonly sample: Sample
  readonly #length: number
  readonly #allSaves: number
  readonly #light: SampledStream
  readonly #lightLru: Reuse
  /** LRU over more of the time than miniatures have, where they do not have all of it. */
  readonly #longerLru: Reuse | undefined
  readonly #heavy: Reuse | undefined
  readonly #lightRequests: number
  readonly #lightSaves: number
  readonly #heavyRequests: number
  readonly #heavySaves: number

  constructor(stream: Stream, sums: KeySums, every: number, most: number) {
    this.sample = sampleKeys(stream, sums, every)
    this.#length = stream.length
    this.#allSaves = sums.allSaves
    const sampled = (heavy: boolean, requests: number) => sampledStream(stream, this.sample, { heavy, most: requests })
    const all = every === 1 && most >= stream.length
    this.#light = all ? everything(stream) : sampled(false, every > 1 ? stream.length : MINI_MOST * most)
    this.#lightLru = new Reuse(this.#light, 1)
    const { spanned } = this.#light
    if (spanned) this.#longerLru = new Reuse(sampled(false, LRU_MOST * most), 1, true)
    if (this.sample.heavyKeys > 0) this.#heavy = new Reuse(sampled(true, HEAVY_MOST * most), every)
    this.#lightRequests = spanned ? stream.length : this.sample.lightRequests
    this.#lightSaves = spanned ? sums.allSaves : this.sample.lightSaves
    this.#heavyRequests = sums.totalRequests - this.sample.lightRequests
    this.#heavySaves = sums.totalSaves - this.sample.lightSaves
  }

  lru(capacity: number): Rates {
    const { light } = this.#longerLru ?? this.#lightLru
    const slots = this.#slots(capacity)
    return this.#rates(capacity, light.hitRate(slots), light.savedRate(slots))
  }

  other(policy: PolicyName, capacity: number): Rates {
    const { stream, spans } = this.#light
    const slots = Math.max(1, Math.round(this.#slots(capacity)))
    const tally = newTally()
    for (const span of spans) runPolicy(POLICIES[policy]!(slots, seeded(1)), slots, stream, span, tally)
    const hits = part(tally.hits, tally.requests)
    const saved = part(tally.saved, tally.cost)
    if (this.#longerLru === undefined) return this.#rates(capacity, hits, saved)
    const mini = this.#lightLru.light
    const lru = this.#longerLru.light
    return this.#rates(
      capacity,
      corrected(hits, mini.hitRate(slots), lru.hitRate(slots)),
      corrected(saved, mini.savedRate(slots), lru.savedRate(slots)),
    )
  }

  /** Of the miniature: heavy keys have their entries apart. */
  #slots(capacity: number): number {
    return (capacity - this.sample.heavyKeys) / this.sample.every
  }

  /** Heavy keys hit as with LRU; of the others so large a part of what there is of them, whatever the sample has. */
  #rates(capacity: number, lightHits: number, lightSaved: number): Rates {
    const heavy = this.#heavy?.heavy
    const hits = this.#lightRequests * lightHits + this.#heavyRequests * (heavy?.hitRate(capacity) ?? 0)
    const saved = this.#lightSaves * lightSaved + this.#heavySaves * (heavy?.savedRate(capacity) ?? 0)
    return { hitRate: part(hits, this.#length), savedRate: part(saved, this.#allSaves) }
  }
}

function everything(stream: Stream): SampledStream {
  return { stream, spans: [{ from: 0, counted: 0, to: stream.length }], spanned: false, heavy: Uint8Array.of() }
}

/** How many different keys lie between requests to one key: for heavy keys and for the others. */
class Reuse {
  readonly heavy: DistanceCounts
  readonly light: DistanceCounts

  /**
   * `every`: keys that one stands for. With 1 distances are those within the sample. `all`: a key's first request counts as well, as it does
   * of part of the time.
   */
  constructor({ stream, spans, spanned, heavy: isHeavy }: SampledStream, every: number, all = spanned) {
    const { ids, keys, saves, again } = stream
    const weights = every === 1 ? undefined : Uint32Array.from(isHeavy, one => (one === 1 ? 1 : every))
    const furthest = weights === undefined ? keys : weights.reduce((sum, weight) => sum + weight, 0) + every
    const light = new DistanceCounts(furthest)
    const heavy = new DistanceCounts(weights === undefined ? 0 : furthest)
    for (const { from, counted, to } of spans) {
      const distances = stackDistances({ ids, keys, weights }, from, to)
      for (let i = counted; i < to; i++) {
        if (again[i] === 0 && !all) continue
        const counts = weights !== undefined && isHeavy[ids[i]!] === 1 ? heavy : light
        counts.add(distances[i - from]!, saves[i]!)
      }
    }
    light.ready()
    heavy.ready()
    this.light = light
    this.heavy = heavy
  }
}

class DistanceCounts {
  #requests = 0
  #cost = 0
  /** By distance; once it is ready by distance or less. */
  readonly #hits: Float64Array
  readonly #saved: Float64Array

  constructor(furthest: number) {
    this.#hits = new Float64Array(furthest + 1)
    this.#saved = new Float64Array(furthest + 1)
  }

  /** A `distance` of 0: it was asked for before what is looked at. */
  add(distance: number, saves: number): void {
    this.#requests++
    this.#cost += saves
    if (distance === 0) return
    this.#hits[distance]!++
    this.#saved[distance]! += saves
  }

  ready(): void {
    for (let i = 1; i < this.#hits.length; i++) {
      this.#hits[i]! += this.#hits[i - 1]!
      this.#saved[i]! += this.#saved[i - 1]!
    }
  }

  /** `capacity`: of miniatures in parts of entries, too. */
  hitRate(capacity: number): number {
    return part(upTo(this.#hits, capacity), this.#requests)
  }

  savedRate(capacity: number): number {
    return part(upTo(this.#saved, capacity), this.#cost)
  }
}

function upTo(sums: Float64Array, capacity: number): number {
  const at = Math.min(Math.max(0, capacity), sums.length - 1)
  const below = Math.floor(at)
  const lower = sums[below]!
  return below === at ? lower : lower + (at - below) * (sums[below + 1]! - lower)
}

function part(some: number, all: number): number {
  return all > 0 ? some / all : 0
}

/** What a miniature says, with LRU in the same miniature and in truth. */
function corrected(mini: number, lruMini: number, lru: number): number {
  const rate = lruMini > 0.05 ? (lru * mini) / lruMini : lru + mini - lruMini
  return Math.min(1, Math.max(0, rate))
}
