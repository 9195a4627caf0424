// What a read of the disk took, by the requests of a trace that the disk answered. Arithmetic only.
import type { CacheName } from '../ports.js'
import { median } from './fill-costs.js'
import { CACHE_ORDER, OUTCOMES, type Requests } from './requests.js'

/** Microseconds of a read where none was measured: one of a segment on an SSD. */
export const USUAL_READ_MICROS = 10

/** Microseconds that what ends within one tick of a trace's clock can have taken, one after the other. */
const TICK_MICROS = 1000
const DISK = OUTCOMES.indexOf('disk')

/**
 * Microseconds of reading one entry of that cache (its place in CACHE_ORDER), the median: the mean would be that of the few that had to wait for
 * something else. Undefined where the disk answered none.
 */
export function readMicrosOf(requests: Requests, cache: number): number | undefined {
  const { length, at, micros, outcome } = requests
  const each: number[] = []
  // Of the tick that is looked at.
  let [first, sum, most] = [0, 0, 0]
  const endTick = () => {
    // Requests of a batch end together, each after the time of the whole batch: they share it. Others have followed one another.
    if (sum > TICK_MICROS) each.fill(most / (each.length - first), first)
    first = each.length
    sum = 0
    most = 0
  }
  let tick = 0
  for (let i = 0; i < length; i++) {
    if (outcome[i] !== DISK || requests.cache[i] !== cache) continue
    if (at[i] !== tick) {
      endTick()
      tick = at[i]!
    }
    each.push(micros[i]!)
    sum += micros[i]!
    most = Math.max(most, micros[i]!)
  }
  endTick()
  const read = median(Float64Array.from(each))
  return read > 0 ? read : undefined
}

/** The same of each cache; of one that was never read from, what another took, and else what is usual. */
export function allReadMicros(requests: Requests): (cache: CacheName) => number {
  const known = CACHE_ORDER.map((_, cache) => readMicrosOf(requests, cache))
  const other = known.find(read => read !== undefined) ?? USUAL_READ_MICROS
  return cache => known[CACHE_ORDER.indexOf(cache)] ?? other
}
