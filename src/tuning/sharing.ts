// What several processes computed that one of them had computed before: what a shared tier would have saved. Arithmetic over their traces.
import { OUTCOMES, type Trace } from './requests.js'
import type { CacheStream } from './streams.js'

const COMPUTED = OUTCOMES.indexOf('computed')
/** Keys are 52 bits. */
const KEYS = 2 ** 52

/** Computations, and the microseconds that they took; of all keys, estimated where a trace has part of them. */
export interface Shareable {
  readonly computations: number
  readonly micros: number
  /** Different keys, all traces together. */
  readonly keys: number
}

/** `streams`: of one cache, by trace. */
export function shareable(traces: readonly Trace[], streams: readonly CacheStream[]): Shareable {
  const rate = Math.min(...traces.map(trace => trace.rate))
  const below = rate * KEYS
  const at: number[] = []
  const of: number[] = []
  const place: number[] = []
  const keys = new Set<number>()
  traces.forEach(({ requests }, trace) => {
    streams[trace]!.places.forEach((i, n) => {
      if (requests.key[i]! >= below && rate < 1) return
      keys.add(requests.key[i]!)
      if (requests.outcome[i] !== COMPUTED) return
      at.push(requests.at[i]!)
      of.push(trace)
      place.push(n)
    })
  })
  const order = Uint32Array.from(at, (_, i) => i).sort((one, other) => at[one]! - at[other]! || one - other)
  /** By key: who computed it; -1 where that is more than one. */
  const by = new Map<number, number>()
  let computations = 0
  let micros = 0
  for (const i of order) {
    const trace = of[i]!
    const { places, computing } = streams[trace]!
    const key = traces[trace]!.requests.key[places[place[i]!]!]!
    const before = by.get(key)
    if (before === undefined) by.set(key, trace)
    else if (before !== trace) {
      computations++
      micros += computing[place[i]!]!
      by.set(key, -1)
    }
  }
  return { computations: Math.round(computations / rate), micros: micros / rate, keys: Math.round(keys.size / rate) }
}
