// Workloads that a cache can be tried with, from a seed: the same everywhere. Knows no cache.

import { OpDbusError } from '../errors.js'
import { seeded } from '../sample-lines.js'
import { mixBits } from './mix-bits.js'
import { newRequests, OUTCOMES, type Requests } from './requests.js'

export const WORKLOADS = ['zipf', 'scan', 'loop', 'shift'] as const
export type WorkloadName = (typeof WORKLOADS)[number]

const COMPUTED = OUTCOMES.indexOf('computed')

export interface WorkloadOptions {
  readonly requests: number
  /** Different keys, about. */
  readonly keys: number
  /** Of Zipf's law: request i of a ranking is asked for in proportion to 1 / rank ** alpha. Default 1. */
  readonly alpha?: number
  readonly seed: number
  /** How long computing takes: the same for all, or lognormal (sigma 1.5) by key. Default `same`. */
  readonly costs?: 'same' | 'lognormal'
  /** Bytes of an entry. Default 1,536: a vector of 384 numbers. */
  readonly bytes?: number
}

/** Microseconds of computing: of all where it is the same, else the median. */
const COST = 4000
const SIGMA = 1.5
/** Requests come one in so many milliseconds. */
const APART_MS = 5
/** A scan comes each time that a tenth of the keys was asked for, and asks for half as many keys, each for the first and last time. */
const SCAN_EVERY = 0.1
const SCAN_PART = 0.5
/** In so many parts of a workload that shifts, of one length each, the ranking is another. */
const RANKINGS = 10

/**
 * - `zipf`: some are asked for much more often than others, by Zipf's law, and stay so.
 * - `scan`: the same, and now and then somebody asks for many keys once.
 * - `loop`: all keys one after the other, again and again.
 * - `shift`: as zipf, but each tenth of the list has a ranking of its own.
 */
export function workload(name: WorkloadName, options: WorkloadOptions): Requests {
  const { requests: length, keys, seed, costs = 'same', bytes = 1536 } = options
  if (!Number.isInteger(length) || length < 0 || !Number.isInteger(keys) || keys < 1)
    throw new OpDbusError(
      'INVALID_INPUT',
      `a workload has whole requests and at least one key, not ${length} and ${keys}`,
    )
  const requests = newRequests(length)
  const number = numbersOf(name, options)
  for (let i = 0; i < length; i++) {
    const of = number(i)
    requests.at[i] = i * APART_MS
    requests.key[i] = keyOf(of, seed)
    requests.bytes[i] = bytes
    requests.cost[i] = costs === 'same' ? COST : COST * Math.exp(SIGMA * normalOf(of, seed))
    requests.micros[i] = requests.cost[i]!
    requests.outcome[i] = COMPUTED
  }
  return requests
}

/** Which of its keys request `i` asks for, by number; asked in order. */
function numbersOf(name: WorkloadName, options: WorkloadOptions): (i: number) => number {
  const { requests, keys, alpha = 1, seed } = options
  if (name === 'loop') return i => i % keys
  const random = seeded(seed)
  const rank = zipf(keys, alpha, random)
  if (name === 'zipf') return rank
  if (name === 'scan') {
    const between = Math.max(1, Math.floor(keys * SCAN_EVERY))
    const scan = Math.max(1, Math.floor(between * SCAN_PART))
    let fresh = keys
    return i => (i % (between + scan) < between ? rank() : fresh++)
  }
  const keyAt = Uint32Array.from({ length: keys }, (_, i) => i)
  const every = Math.max(1, Math.ceil(requests / RANKINGS))
  return i => {
    if (i > 0 && i % every === 0) shuffle(keyAt, random)
    return keyAt[rank()]!
  }
}

/** Fisher and Yates' shuffle. */
function shuffle(list: Uint32Array, random: () => number): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const other = list[j]!
    list[j] = list[i]!
    list[i] = other
  }
}

/** Ranks 0 to `keys` - 1 by Zipf's law: the inverse of its distribution, by bisection. */
function zipf(keys: number, alpha: number, random: () => number): () => number {
  const upTo = new Float64Array(keys)
  let sum = 0
  for (let i = 0; i < keys; i++) {
    sum += 1 / (i + 1) ** alpha
    upTo[i] = sum
  }
  return () => {
    const at = random() * sum
    let low = 0
    let high = keys - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (upTo[middle]! > at) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** 52 bits for number `of`, as a hash would be: nothing of the order of numbers is left in it. */
function keyOf(of: number, seed: number): number {
  return mixed(of, seed) * 2 ** 20 + (mixed(of, seed ^ 0x5bd1e995) >>> 12)
}

/** A normally distributed number that belongs to number `of`, by Box and Muller. */
function normalOf(of: number, seed: number): number {
  const random = seeded(mixed(of, seed ^ 0x2545f491))
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** 32 bits, mixed twice. */
function mixed(of: number, seed: number): number {
  return mixBits((mixBits(of ^ mixBits(seed)) >>> 0) + seed) >>> 0
}
