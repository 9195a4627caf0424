// Which keys stand for all: spatial sampling, so that every request of a chosen key is seen and none of the others (SHARDS; Waldspurger et
// al., USENIX FAST '15). Knows no policy.
//
// SHARDS takes the keys whose hash is small, since it sees requests once and cannot know what comes. A trace can be looked at before, so two
// things are done better here. The few keys that are asked for so often that a sample would stand or fall with them are no part of it (heavy
// keys). The others are sorted by how often they were asked for and how dear they are, and of each `every` in a row the one is taken that is
// nearest to their mean. So the sample has as many requests as it should: what is off otherwise is what SHARDS-adj corrects afterwards.
import type { Simulated, Stream } from './miniature.js'

/** A key that is asked for so often, as part of what the whole sample is expected to be asked, is heavy. */
const HEAVY_PART = 0.05
/** A key that is so dear, as part of what all hits would save, is always part of the sample: no other can stand for it. */
const DEAR_PART = 0.02
/** Classes of keys that are alike: by half octaves of requests, then by half octaves of cost. */
const CLASSES = 64
/** Of the time that is simulated, where it is not all: what only fills memory. One long span errs less than several: policies settle slowly. */
const WARM_PART = 1 / 3
/** Off by no more than that from a mean is not off. */
const EQUAL = 1e-6
/** So much of the time is taken for all of it. */
const NEARLY_ALL = 0.8

/** What there is to know of a stream's keys before one chooses. */
export interface KeySums {
  /** By key: requests, and what hits of all of them would save; of that, the first request, which nothing can answer. */
  readonly requests: Uint32Array
  readonly saves: Float64Array
  readonly firstSaves: Float32Array
  readonly allSaves: number
  /** The keys, those that are alike side by side: the most asked for first. */
  readonly order: Uint32Array
  /** Where the keys of a class begin in that order. */
  readonly starts: Uint32Array
}

export function keySums({ length, ids, keys, saves: column, again }: Stream): KeySums {
  const requests = new Uint32Array(keys)
  const saves = new Float64Array(keys)
  const firstSaves = new Float32Array(keys)
  for (let i = 0; i < length; i++) {
    const key = ids[i]!
    requests[key]!++
    saves[key]! += column[i]!
    if (again[i] === 0) firstSaves[key] = column[i]!
  }
  const allSaves = saves.reduce((sum, micros) => sum + micros, 0)
  return { requests, saves, firstSaves, allSaves, ...alike(requests, saves) }
}

/** The most asked for have the first class: half octaves down from 2 ** 31.5. */
function classOf(requests: number): number {
  return CLASSES - 1 - Math.min(CLASSES - 1, Math.round(2 * Math.log2(requests)))
}

/** A counting sort; keys of one class are in the order of their first request. */
function alike(requests: Uint32Array, saves: Float64Array): Pick<KeySums, 'order' | 'starts'> {
  const { length } = requests
  const classes = new Uint16Array(length)
  const starts = new Uint32Array(CLASSES * CLASSES + 1)
  for (let key = 0; key < length; key++) {
    const often = classOf(requests[key]!)
    const dear = Math.min(CLASSES - 1, Math.max(0, Math.round(2 * Math.log2(saves[key]! / requests[key]! || 1))))
    // To and fro, so that neighbours are alike where one class ends, too.
    const of = often * CLASSES + (often % 2 === 0 ? dear : CLASSES - 1 - dear)
    classes[key] = of
    starts[of + 1]!++
  }
  for (let of = 0; of < starts.length - 1; of++) starts[of + 1]! += starts[of]!
  const next = starts.slice()
  const order = new Uint32Array(length)
  for (let key = 0; key < length; key++) order[next[classes[key]!]!++] = key
  return { order, starts }
}

export interface Sample {
  /** One key of so many, but for heavy ones. */
  readonly every: number
  /** By key: 1 where it stands for `every`. */
  readonly chosen: Uint8Array
  /** The first so many in the order of keys. */
  readonly heavyKeys: number
  /** Requests to the others, whether chosen or not. */
  readonly lightRequests: number
}

/** Deterministic. `every` of 1 chooses all keys. */
export function sampleKeys({ length, keys }: Stream, sums: KeySums, every: number): Sample {
  if (every === 1) return { every, chosen: new Uint8Array(keys).fill(1), heavyKeys: 0, lightRequests: length }
  const { requests, order, starts } = sums
  const chosen = new Uint8Array(keys)
  const heavyKeys = starts[classOf(Math.max(1, (HEAVY_PART / every) * length)) * CLASSES]!
  let lightRequests = length
  for (let i = 0; i < heavyKeys; i++) lightRequests -= requests[order[i]!]!
  for (let from = heavyKeys; from < order.length; from += every) {
    const to = Math.min(order.length, from + every)
    // The last row counts as full or not at all.
    if (2 * (to - from) >= every) chosen[nearestToMean(order, from, to, sums)] = 1
  }
  for (const key of order.subarray(heavyKeys)) if (sums.saves[key]! > DEAR_PART * sums.allSaves) chosen[key] = 1
  return { every, chosen, heavyKeys, lightRequests }
}

/** Of the keys in a row of the order: by requests, and by what their hits save. */
function nearestToMean(order: Uint32Array, from: number, to: number, { requests, saves }: KeySums): number {
  let allRequests = 0
  let allSaves = 0
  for (let i = from; i < to; i++) {
    allRequests += requests[order[i]!]!
    allSaves += saves[order[i]!]!
  }
  const perRequest = (to - from) / allRequests
  const perMicro = allSaves > 0 ? (to - from) / allSaves : 0
  let best = order[from]!
  let least = Number.POSITIVE_INFINITY
  // From different places by turns, so that among equals none is favoured.
  let at = from + (best % (to - from))
  for (let n = from; n < to && least > EQUAL; n++) {
    const key = order[at]!
    const off = Math.abs(requests[key]! * perRequest - 1) + Math.abs(saves[key]! * perMicro - (perMicro > 0 ? 1 : 0))
    if (off < least) {
      least = off
      best = key
    }
    if (++at === to) at = from
  }
  return best
}

/** The requests of chosen keys, their keys renumbered. */
export interface SampledStream {
  readonly requests: Omit<Simulated, 'group'>
  /** By key of the stream: its number in the sample, -1 where it is not there. */
  readonly numberOf: Int32Array
  /** It is of part of the time: what is asked for first may have been asked for before, so that all requests count. */
  readonly spanned: boolean
}

/** Where that is more than `most` requests, only as many from the middle of the time, with a part in front that is not counted. */
export function sampledStream(stream: Stream, sample: Sample, most: number): SampledStream {
  const expected = sample.lightRequests / sample.every
  const part = most / Math.max(1, expected)
  const spanned = part < NEARLY_ALL
  if (sample.every === 1 && !spanned) {
    const numberOf = Int32Array.from({ length: stream.keys }, (_, key) => key)
    return { requests: { ...stream, counted: stream.again }, numberOf, spanned }
  }
  const from = spanned ? Math.floor((stream.length * (1 - part)) / 2) : 0
  const to = spanned ? Math.floor(from + stream.length * part) : stream.length
  const counted = spanned ? from + Math.floor((to - from) * WARM_PART) : 0
  const { ids } = stream
  const { chosen } = sample
  let length = 0
  for (let i = from; i < to; i++) length += chosen[ids[i]!]!
  const places = new Uint32Array(length)
  length = 0
  for (let i = from; i < to; i++) if (chosen[ids[i]!] === 1) places[length++] = i
  return { ...picked(stream, places, place => (spanned ? (place >= counted ? 1 : 0) : stream.again[place]!)), spanned }
}

function picked(stream: Stream, places: Uint32Array, counts: (place: number) => number) {
  const { length } = places
  const numberOf = new Int32Array(stream.keys).fill(-1)
  const hashes = new Int32Array(Math.min(length, stream.keys))
  let keys = 0
  const ids = new Uint32Array(length)
  const bytes = new Uint32Array(length)
  const cost = new Float32Array(length)
  const saves = new Float32Array(length)
  const counted = new Uint8Array(length)
  for (let i = 0; i < length; i++) {
    const place = places[i]!
    const key = stream.ids[place]!
    if (numberOf[key]! < 0) {
      hashes[keys] = stream.hashes[key]!
      numberOf[key] = keys++
    }
    ids[i] = numberOf[key]!
    bytes[i] = stream.bytes[place]!
    cost[i] = stream.cost[place]!
    saves[i] = stream.saves[place]!
    counted[i] = counts(place)
  }
  return { requests: { length, ids, keys, hashes, bytes, cost, saves, counted }, numberOf }
}
