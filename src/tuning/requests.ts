// Requests to a cache as columns: what a trace file holds, what a workload is, and what simulations and curves read. Types and room for them.
import type { CacheName } from '../ports.js'

/** How a request was answered; the number is its place in the column and in files. */
export const OUTCOMES = ['memory', 'disk', 'shared', 'computed', 'joined', 'absent', 'failed'] as const
export type Outcome = (typeof OUTCOMES)[number]

export const CACHE_ORDER: readonly CacheName[] = ['embeddings', 'queries', 'diffs', 'blocks']

/** Requests in the order of time, one column for each thing that is known of them. All of one length. No texts, no keys. */
export interface Requests {
  readonly length: number
  /** Milliseconds since 1970. Never steps back within one list. */
  readonly at: Float64Array
  /** Place in {@link CACHE_ORDER}. */
  readonly cache: Uint8Array
  /** The first 52 bits of the hash that names the entry: exact in a double; the same in every process and run. */
  readonly key: Float64Array
  /** What the entry takes in memory. */
  readonly bytes: Uint32Array
  /** 0 where there are none. */
  readonly tokens: Uint32Array
  /** Microseconds of computing it, or of asking a plugin, whether or not this request had to; 0 where nobody has measured it. */
  readonly cost: Float32Array
  /** Microseconds that this request took. */
  readonly micros: Float32Array
  /** Place in {@link OUTCOMES}. */
  readonly outcome: Uint8Array
}

/** A list of requests with where it comes from. */
export interface Trace {
  readonly requests: Requests
  /** Part of all keys that is in it, above 0 and at most 1: those whose hash is below that part. */
  readonly rate: number
  /** Whether a disk tier lay behind memory, by cache: what is not in memory is read then, not computed. */
  readonly disk: Readonly<Partial<Record<CacheName, boolean>>>
}

/** Room for `length` requests, all zero. */
export function newRequests(length: number): Requests {
  return {
    length,
    at: new Float64Array(length),
    cache: new Uint8Array(length),
    key: new Float64Array(length),
    bytes: new Uint32Array(length),
    tokens: new Uint32Array(length),
    cost: new Float32Array(length),
    micros: new Float32Array(length),
    outcome: new Uint8Array(length),
  }
}

/** What a file may say, whoever wrote it; beyond it sums would be of no use, or not finite. With fewer keys than this part nothing can be said. */
export const LEAST_RATE = 2 ** -20
/** Milliseconds since 1970: the year 2200. */
export const MOST_AT = Date.UTC(2200, 0)
/** Microseconds that one request or computation takes: eleven days. */
export const MOST_MICROS = 1e12
/** Bytes and tokens of an entry, and entries of a cache. */
export const MOST_COUNT = 2 ** 32 - 1

/** Keys are below this. */
export const KEY_SPAN = 2 ** 52

/** The key of an entry, from the hash that names it in events and on disk: its first 52 bits. */
export function keyOfHash(keyHash: string): number {
  // By hand: it is on the way of every request that is traced.
  let high = 0
  let low = 0
  for (let i = 0; i < 5; i++) high = (high << 4) | digit(keyHash.charCodeAt(i))
  for (let i = 5; i < 13; i++) low = (low << 4) | digit(keyHash.charCodeAt(i))
  return high * 2 ** 32 + (low >>> 0)
}

/** Of a hexadecimal digit, in lower case as hashes are, or upper. */
function digit(code: number): number {
  return code < 65 ? code - 48 : (code | 32) - 87
}
