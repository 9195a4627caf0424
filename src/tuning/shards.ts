// Which keys stand for all: spatial sampling, so that every request of a chosen key is seen and none of the others (SHARDS; Waldspurger et
// al., USENIX FAST '15). Knows no policy.
//
// SHARDS takes the keys whose hash is small, since it sees requests once and cannot know what comes. A trace can be looked at before, so two
// things are done better here. The few keys that are asked for so often that a sample would stand or fall with them are no part of it
// (`heavy`). The others are sorted by how often they were asked for and how dear they are, and of each `every` in a row the one nearest to their
// mean is taken. So the sample has as many requests as it should: what is off otherwise is what SHARDS-adj corrects afterwards.
import type { Span, Stream } from './miniature.js'

/** A key that is asked for so often, as part of what the whole sample is expected to be asked, is heavy. */
const HEAVY_PART = 0.05
/** Classes of keys that are alike: by half octaves of requests, then by half octaves of cost. */
const CLASSES = 64
/** Spans of a stream that is too long, and the part of each that only fills memory. Several short ones err more: SIEVE is slow to settle. */
const SPANS = 1
const WARM_PART = 1 / 3

export interface Sample {
  /** One key of so many, but for heavy ones. */
  readonly every: number
  /** By key: 0 left out, 1 stands for `every`, 2 heavy. */
  readonly role: Uint8Array
  readonly heavyKeys: number
  /** Of all keys that are not heavy, whether chosen or not: requests that are not a key's first, and what hits of them would save. */
  readonly lightRequests: number
  readonly lightSaves: number
}

/** What there is to know of a stream's keys before one chooses: of requests that are not a key's first. */
export interface KeySums {
  /** By key, as `saves`. */
  readonly requests: Uint32Array
  readonly saves: Float64Array
  readonly totalRequests: number
  readonly totalSaves: number
  /** With the first requests: what would be saved if everything were a hit. */
  readonly allSaves: number
}

export function keySums({ length, ids, keys, saves: column, again }: Stream): KeySums {
  const requests = new Uint32Array(keys)
  const saves = new Float64Array(keys)
  let totalSaves = 0
  let allSaves = 0
  for (let i = 0; i < length; i++) {
    const key = ids[i]!
    const micros = column[i]!
    allSaves += micros
    if (again[i] === 0) continue
    requests[key]!++
    saves[key]! += micros
    totalSaves += micros
  }
  return { requests, saves, totalRequests: length - keys, totalSaves, allSaves }
}

/** Deterministic. `every` of 1 chooses all keys. */
export function sampleKeys({ keys }: Stream, sums: KeySums, every: number): Sample {
  const { requests, saves, totalRequests, totalSaves } = sums
  if (every <= 1) {
    const role = new Uint8Array(keys).fill(1)
    return { every: 1, role, heavyKeys: 0, lightRequests: totalRequests, lightSaves: totalSaves }
  }
  const role = new Uint8Array(keys)
  const manyRequests = (HEAVY_PART / every) * totalRequests
  let heavyKeys = 0
  let lightRequests = totalRequests
  let lightSaves = totalSaves
  for (let key = 0; key < keys; key++) {
    if (requests[key]! <= manyRequests) continue
    role[key] = 2
    heavyKeys++
    lightRequests -= requests[key]!
    lightSaves -= saves[key]!
  }
  const order = alike(sums, role, keys - heavyKeys)
  for (let from = 0; from < order.length; from += every)
    chooseOne(order.subarray(from, from + every), sums, role, every)
  return { every, role, heavyKeys, lightRequests, lightSaves: Math.max(0, lightSaves) }
}

/** The keys that are not heavy, those that are alike side by side, else in the order of their first request. A counting sort. */
function alike({ requests, saves }: KeySums, role: Uint8Array, count: number): Uint32Array {
  const classOf = new Uint16Array(role.length)
  const starts = new Uint32Array(CLASSES * CLASSES + 1)
  for (let key = 0; key < role.length; key++) {
    if (role[key] !== 0) continue
    const often = Math.min(CLASSES - 1, Math.round(2 * Math.log2(1 + requests[key]!)))
    const dear = Math.min(CLASSES - 1, Math.max(0, Math.round(2 * Math.log2(saves[key]! / requests[key]! || 1))))
    // To and fro, so that neighbours are alike where one class ends, too.
    const of = often * CLASSES + (often % 2 === 0 ? dear : CLASSES - 1 - dear)
    classOf[key] = of
    starts[of + 1]!++
  }
  for (let of = 0; of < starts.length - 1; of++) starts[of + 1]! += starts[of]!
  const order = new Uint32Array(count)
  for (let key = 0; key < role.length; key++) if (role[key] === 0) order[starts[classOf[key]!]!++] = key
  return order
}

/** Of a row of keys the one that is nearest to their mean; a last one counts as full or not at all. */
function chooseOne(row: Uint32Array, { requests, saves }: KeySums, role: Uint8Array, every: number): void {
  // The last row: less than half of one is left out.
  if (2 * row.length < every) return
  let allRequests = 0
  let allSaves = 0
  for (const key of row) {
    allRequests += requests[key]!
    allSaves += saves[key]!
  }
  let best = -1
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < row.length; i++) {
    // By turns from different places, so that among equals none is favoured.
    const key = row[(i + row[0]!) % row.length]!
    const off =
      (allRequests > 0 ? Math.abs(requests[key]! * row.length - allRequests) / allRequests : 0) +
      (allSaves > 0 ? Math.abs(saves[key]! * row.length - allSaves) / allSaves : 0)
    if (off >= least) continue
    least = off
    best = key
  }
  role[best] = 1
}

/** The requests of chosen keys, their keys renumbered. */
export interface SampledStream {
  readonly stream: Stream
  readonly spans: readonly Span[]
  /** It is of part of the time: what is asked for in it again may have been asked for before, so that all its requests count. */
  readonly spanned: boolean
  /** By key. */
  readonly heavy: Uint8Array
}

/**
 * `heavy`: with the heavy keys. Where that is more than `most` requests, only spans of time are taken, evenly spread, each with a part in front
 * that is not counted.
 */
export function sampledStream(
  stream: Stream,
  sample: Sample,
  options: { heavy: boolean; most: number },
): SampledStream {
  const { role, every } = sample
  const light = sample.lightRequests + stream.keys - sample.heavyKeys
  const expected = light / every + (options.heavy ? stream.length - light : 0)
  const asked = options.most / Math.max(1, expected)
  const part = asked > 0.8 ? 1 : asked
  const wanted = (key: number) => role[key] === 1 || (options.heavy && role[key] === 2)
  const spansIn = part === 1 ? [{ from: 0, counted: 0, to: stream.length }] : spansOf(stream.length, part)
  const places = new GrowingPlaces(Math.max(1024, Math.ceil(1.1 * expected * part)))
  const spans: Span[] = []
  for (const { from, counted, to } of spansIn) {
    const start = places.length
    let countedFrom = start
    for (let i = from; i < to; i++) {
      if (i === counted) countedFrom = places.length
      if (wanted(stream.ids[i]!)) places.push(i)
    }
    spans.push({ from: start, counted: countedFrom, to: places.length })
  }
  return { ...picked(stream, sample, places.list(), part < 1), spans, spanned: part < 1 }
}

function spansOf(length: number, part: number): Span[] {
  const each = length / SPANS
  return Array.from({ length: SPANS }, (_, n) => {
    const from = Math.floor(n * each + (each * (1 - part)) / 2)
    const to = Math.floor(from + each * part)
    return { from, counted: from + Math.floor((to - from) * WARM_PART), to }
  })
}

/** The requests in `places`, their keys renumbered. */
function picked(
  stream: Stream,
  { role }: Sample,
  places: Uint32Array,
  spanned: boolean,
): Pick<SampledStream, 'stream' | 'heavy'> {
  const length = places.length
  const numberOf = new Int32Array(stream.keys).fill(-1)
  const old: number[] = []
  const ids = new Uint32Array(length)
  const bytes = new Uint32Array(length)
  const cost = new Float32Array(length)
  const saves = new Float32Array(length)
  const again = new Uint8Array(length)
  for (let i = 0; i < length; i++) {
    const place = places[i]!
    const key = stream.ids[place]!
    if (numberOf[key]! < 0) numberOf[key] = old.push(key) - 1
    ids[i] = numberOf[key]!
    bytes[i] = stream.bytes[place]!
    cost[i] = stream.cost[place]!
    saves[i] = stream.saves[place]!
    again[i] = spanned ? 1 : stream.again[place]!
  }
  const hashes = Int32Array.from(old, key => stream.hashes[key]!)
  const heavy = Uint8Array.from(old, key => (role[key] === 2 ? 1 : 0))
  return { stream: { length, ids, keys: old.length, hashes, bytes, cost, saves, again }, heavy }
}

class GrowingPlaces {
  length = 0
  #places: Uint32Array

  constructor(room: number) {
    this.#places = new Uint32Array(room)
  }

  push(place: number): void {
    if (this.length === this.#places.length) {
      const longer = new Uint32Array(2 * this.length)
      longer.set(this.#places)
      this.#places = longer
    }
    this.#places[this.length++] = place
  }

  list(): Uint32Array {
    return this.#places.subarray(0, this.length)
  }
}
