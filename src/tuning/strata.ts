// What hits of a sample say of all requests: by groups of keys that are alike (post-stratification). Of each group it is known how much was asked
// for it in all, so that only the part that hits is taken from the sample. Knows no policy.
import type { Hits } from './miniature.js'
import type { KeySums, Sample, SampledStream } from './shards.js'

/** Requests of the sample that a group has at least; and groups, at most about. */
const LEAST = 50
const MOST_GROUPS = 1000
/** Groups of the keys that are asked for most: what heavy keys are likened to. */
const TOP_GROUPS = 6

/** Of requests, and of what they would save: those that could hit. */
interface Asked {
  requests: number
  saves: number
}

export class Strata {
  /** By key of the sample. */
  readonly group: Uint16Array
  readonly #sampled: Asked[] = []
  readonly #all: Asked[] = []
  /** Keys of the first groups. */
  #topKeys = 0
  readonly #heavyKeys: number
  readonly #heavy: Asked = { requests: 0, saves: 0 }
  /** Of all heavy keys together: what one request of each saves. */
  #heavyEach = 0

  constructor(sums: KeySums, { every, heavyKeys }: Sample, { requests, numberOf, spanned }: SampledStream) {
    const { order } = sums
    const bySample = countedOf(requests)
    // What is first in part of the time may be hit; of all the time only what comes again.
    const requestsOf = (key: number) => sums.requests[key]! - (spanned ? 0 : 1)
    const savesOf = (key: number) => sums.saves[key]! - (spanned ? 0 : sums.firstSaves[key]!)
    this.group = new Uint16Array(requests.keys)
    this.#heavyKeys = heavyKeys
    for (const key of order.subarray(0, heavyKeys)) {
      this.#heavy.requests += requestsOf(key)
      this.#heavy.saves += savesOf(key)
      this.#heavyEach += sums.saves[key]! / sums.requests[key]!
    }
    const least = Math.max(LEAST, requests.length / MOST_GROUPS)
    let sampled: Asked = { requests: 0, saves: 0 }
    let all: Asked = { requests: 0, saves: 0 }
    for (let i = heavyKeys; i < order.length; i++) {
      const key = order[i]!
      const number = numberOf[key]!
      all.requests += requestsOf(key)
      all.saves += savesOf(key)
      if (number >= 0) {
        this.group[number] = this.#all.length
        sampled.requests += bySample.requests[number]!
        sampled.saves += bySample.saves[number]!
      }
      const last = i === order.length - 1
      // Whole rows of keys, of which one was chosen.
      if (!last && (sampled.requests < least || (i + 1 - heavyKeys) % every !== 0)) continue
      this.#sampled.push(sampled)
      this.#all.push(all)
      if (this.#all.length <= TOP_GROUPS) this.#topKeys = i + 1 - heavyKeys
      sampled = { requests: 0, saves: 0 }
      all = { requests: 0, saves: 0 }
    }
  }

  newHits(): Hits {
    return { hits: new Float64Array(this.#all.length), saved: new Float64Array(this.#all.length) }
  }

  /**
   * Hits of all requests, and what they save. A heavy key is taken to miss as many times as a light one of those that are asked for most: after
   * a miss it is there again, however often it is asked for before the next. Nor does it lose more time by that than such a light one, since a
   * policy that looks at cost keeps what is dear.
   */
  ofAll({ hits, saved }: Hits): { readonly hits: number; readonly saved: number } {
    let allHits = 0
    let allSaved = 0
    const missed: Asked = { requests: 0, saves: 0 }
    this.#all.forEach(({ requests, saves }, group) => {
      const sampled = this.#sampled[group]!
      const part = sampled.requests > 0 ? hits[group]! / sampled.requests : 0
      const savedPart = sampled.saves > 0 ? saved[group]! / sampled.saves : part
      allHits += part * requests
      allSaved += savedPart * saves
      if (group >= TOP_GROUPS) return
      missed.requests += (1 - part) * requests
      missed.saves += (1 - savedPart) * saves
    })
    const top = Math.max(1, this.#topKeys)
    const lost = Math.min((missed.requests / top) * this.#heavyEach, (missed.saves / top) * this.#heavyKeys)
    allHits += Math.max(0, this.#heavy.requests - (missed.requests / top) * this.#heavyKeys)
    allSaved += Math.max(0, this.#heavy.saves - lost)
    return { hits: allHits, saved: allSaved }
  }
}

function countedOf({ length, keys, ids, saves: column, counted }: SampledStream['requests']) {
  const requests = new Uint32Array(keys)
  const saves = new Float64Array(keys)
  for (let i = 0; i < length; i++) {
    if (counted[i] === 0) continue
    requests[ids[i]!]!++
    saves[ids[i]!]! += column[i]!
  }
  return { requests, saves }
}
