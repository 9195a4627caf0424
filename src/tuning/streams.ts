// One cache's requests out of a trace, as curves read them, with what they say of the cache itself.
import { denseKeys } from './dense-keys.js'
import { filledCosts } from './fill-costs.js'
import type { Stream } from './miniature.js'
import { OUTCOMES, type Requests } from './requests.js'

/** Of these nothing came that could have been kept. */
const NOTHING: readonly number[] = [OUTCOMES.indexOf('absent'), OUTCOMES.indexOf('failed')]
/** Answered by memory: the second waited for a computation that was under way. */
const AT_HAND: readonly number[] = [OUTCOMES.indexOf('memory'), OUTCOMES.indexOf('joined')]

export interface CacheStream {
  readonly stream: Stream
  /** All requests, those included that nothing came of. */
  readonly requests: number
  readonly atHand: number
  /** Of an entry, on average over the keys. */
  readonly meanBytes: number
  /** What all requests would take without memory, microseconds. */
  readonly allSaves: number
  /** Cost of computing, by request of the stream's cache in the order of time, those included that nothing came of. */
  readonly computing: Float32Array
  readonly places: Uint32Array
}

/**
 * `cache`: its place in CACHE_ORDER. `read`: a disk tier lies behind memory, so that a hit saves a read, of so many microseconds for all entries;
 * absent: it saves computing.
 */
export function streamOf(requests: Requests, cache: number, read?: number): CacheStream {
  const dense = denseKeys(requests, cache)
  const { places, numbers } = dense
  const computing = filledCosts(requests, dense)
  const disk = read !== undefined
  const length = places.reduce((sum, place) => sum + (NOTHING.includes(requests.outcome[place]!) ? 0 : 1), 0)
  const ids = new Uint32Array(length)
  const bytes = new Uint32Array(length)
  const again = new Uint8Array(length)
  const cost = new Float32Array(length)
  const saves = disk ? new Float32Array(length).fill(read) : cost
  const numberOf = new Int32Array(dense.count).fill(-1)
  const hashes = new Int32Array(dense.count)
  let keys = 0
  let kept = 0
  let atHand = 0
  let firstBytes = 0
  let allSaves = 0
  for (let i = 0; i < places.length; i++) {
    const place = places[i]!
    const outcome = requests.outcome[place]!
    if (NOTHING.includes(outcome)) continue
    if (AT_HAND.includes(outcome)) atHand++
    const number = numbers[i]!
    bytes[kept] = requests.bytes[place]!
    if (numberOf[number]! >= 0) again[kept] = 1
    else {
      hashes[keys] = dense.hashes[number]!
      numberOf[number] = keys++
      firstBytes += bytes[kept]!
    }
    ids[kept] = numberOf[number]!
    if (!disk) cost[kept] = computing[i]!
    allSaves += saves[kept]!
    kept++
  }
  return {
    stream: { length, ids, keys, hashes: hashes.slice(0, keys), bytes, cost, saves, again },
    requests: places.length,
    atHand,
    meanBytes: keys > 0 ? firstBytes / keys : 0,
    allSaves,
    computing,
    places,
  }
}
