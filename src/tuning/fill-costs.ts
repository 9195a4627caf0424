// How long each traced request would take to compute, where nobody measured it: from what was measured of its key, else from its tokens.
import { type DenseKeys, denseKeys } from './dense-keys.js'
import { CACHE_ORDER, type Requests } from './requests.js'

/** Requests that a median is taken from, at most. */
const MEDIAN_OF = 10_000

/** The same requests, each with a cost: see {@link filledCosts}. The very list where nothing is missing. */
export function fillCosts(requests: Requests): Requests {
  if (!requests.cost.some(micros => micros <= 0)) return requests
  const cost = requests.cost.slice()
  for (let cache = 0; cache < CACHE_ORDER.length; cache++) {
    const dense = denseKeys(requests, cache)
    const filled = filledCosts(requests, dense)
    dense.places.forEach((place, i) => {
      cost[place] = filled[i]!
    })
  }
  return { ...requests, cost }
}

/**
 * Microseconds of computing, by request that is meant (all of one cache): what was last measured of its key, before it or else after it; else
 * its tokens times the median rate; else the median of all that was measured. 0 where nothing was.
 */
export function filledCosts({ cost, tokens }: Requests, { places, numbers, count }: DenseKeys): Float32Array {
  const filled = new Float32Array(places.length)
  const latest = new Float32Array(count)
  let missing = 0
  for (let i = 0; i < places.length; i++) {
    const measured = cost[places[i]!]!
    if (measured > 0) latest[numbers[i]!] = measured
    const known = latest[numbers[i]!]!
    filled[i] = known
    if (known === 0) missing++
  }
  if (missing === 0) return filled
  const { perToken, each } = medians(cost, tokens, places)
  latest.fill(0)
  // Backwards: until here it was measured later, or never.
  for (let i = places.length - 1; i >= 0; i--) {
    const place = places[i]!
    if (cost[place]! > 0) latest[numbers[i]!] = cost[place]!
    if (filled[i]! > 0) continue
    const estimate = tokens[place]! > 0 && perToken > 0 ? tokens[place]! * perToken : each
    filled[i] = latest[numbers[i]!]! || estimate
  }
  return filled
}

function medians(cost: Float32Array, tokens: Uint32Array, places: Uint32Array): { perToken: number; each: number } {
  const measured = places.filter(place => cost[place]! > 0)
  const step = Math.max(1, Math.floor(measured.length / MEDIAN_OF))
  const some = measured.filter((_, i) => i % step === 0)
  return {
    perToken: median(
      Float64Array.from(
        some.filter(place => tokens[place]! > 0),
        place => cost[place]! / tokens[place]!,
      ),
    ),
    each: median(Float64Array.from(some, place => cost[place]!)),
  }
}

/** 0 of nothing. Sorts `values`. */
export function median(values: Float64Array): number {
  return values.sort()[values.length >> 1] ?? 0
}
