// The keys of a list of requests, renumbered from 0 in the order in which they come: so that who simulates looks into arrays. Made once for
// each list, and kept as long as the list is.
import type { Requests } from './requests.js'

export interface DenseKeys {
  /** Places in the list of the requests that are meant. */
  readonly places: Uint32Array
  /** By request that is meant: the number of its key. */
  readonly numbers: Uint32Array
  /** By number: 32 bits of the key's hash, as memory has them. */
  readonly hashes: Int32Array
  /** Different keys. */
  readonly count: number
}

const known = new WeakMap<Requests, Map<number | undefined, DenseKeys>>()

/** Of the requests to the cache at that place in CACHE_ORDER; absent: of all, where entries of two caches are never the same. */
export function denseKeys(requests: Requests, cache?: number): DenseKeys {
  const ofList = known.get(requests) ?? new Map<number | undefined, DenseKeys>()
  const dense = ofList.get(cache) ?? renumbered(requests, placesOf(requests, cache))
  ofList.set(cache, dense)
  known.set(requests, ofList)
  return dense
}

function placesOf({ length, cache: column }: Requests, cache: number | undefined): Uint32Array {
  const places = new Uint32Array(length)
  let count = 0
  for (let i = 0; i < length; i++) if (cache === undefined || column[i] === cache) places[count++] = i
  return count === length ? places : places.slice(0, count)
}

/** By open addressing: a Map of doubles takes five times as long. */
function renumbered({ key, cache }: Requests, places: Uint32Array): DenseKeys {
  const numbers = new Uint32Array(places.length)
  const size = 2 ** Math.ceil(Math.log2(Math.max(16, 2 * places.length)))
  /** By place in the table: the first request of a key, plus 1; 0 where nothing is. */
  const firsts = new Uint32Array(size)
  const hashes = new Int32Array(places.length)
  let count = 0
  for (let i = 0; i < places.length; i++) {
    const request = places[i]!
    const wanted = key[request]!
    const hash = hashOf(wanted, cache[request]!)
    let at = hash & (size - 1)
    for (; ; at = (at + 1) & (size - 1)) {
      const first = firsts[at]!
      if (first === 0) {
        firsts[at] = i + 1
        hashes[count] = hash
        numbers[i] = count++
        break
      }
      const other = places[first - 1]!
      if (key[other] !== wanted || cache[other] !== cache[request]) continue
      numbers[i] = numbers[first - 1]!
      break
    }
  }
  return { places, numbers, hashes: hashes.slice(0, count), count }
}

/** 32 bits of the 52, mixed: keys may be numbers in a row where somebody made them by hand. */
function hashOf(key: number, cache: number): number {
  const high = Math.floor(key / 2 ** 32)
  let bits = (key | 0) ^ Math.imul(high + 0x7f4a7c15 * (cache + 1), 0x9e3779b1)
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  return bits ^ (bits >>> 13)
}
