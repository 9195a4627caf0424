// A policy over requests whose keys are numbered: the same memory as in simulate.ts, without bytes as a bound, over columns that are made for
// it. Many of these make a curve (miniature simulation; Waldspurger et al., USENIX ATC '17).
import type { EvictionPolicy } from '../cache/eviction.js'

/** Requests to one cache as columns. */
export interface Stream {
  readonly length: number
  /** Number of the key. */
  readonly ids: Uint32Array
  readonly keys: number
  /** By key. */
  readonly hashes: Int32Array
  readonly bytes: Uint32Array
  /** Microseconds, as a policy is told them. */
  readonly cost: Float32Array
  /** Microseconds that a hit saves. */
  readonly saves: Float32Array
  /** 0 for the first request of a key, which nothing can answer; else 1. */
  readonly again: Uint8Array
}

/** Part of a stream that is simulated by itself, from an empty memory: counted from `counted` on. */
export interface Span {
  readonly from: number
  readonly counted: number
  readonly to: number
}

/** Of requests to what was asked for before. */
export interface Tally {
  requests: number
  hits: number
  /** Microseconds. */
  cost: number
  saved: number
}

/** Adds to `tally` what is asked for again, and hit, in `span`. `policy` is empty, and made for `capacity` entries, at least 1. */
export function runPolicy(policy: EvictionPolicy, capacity: number, stream: Stream, span: Span, tally: Tally): void {
  const { ids, hashes, bytes, cost, saves, again } = stream
  const slotOf = new Int32Array(stream.keys).fill(-1)
  const slots = Math.min(capacity, stream.keys)
  const keyOf = new Uint32Array(slots)
  const bytesOf = new Uint32Array(slots)
  let used = 0
  for (let i = span.from; i < span.to; i++) {
    const key = ids[i]!
    let slot = slotOf[key]!
    const counts = again[i] === 1 && i >= span.counted
    if (counts) {
      tally.requests++
      tally.cost += saves[i]!
    }
    if (slot >= 0) {
      policy.hit(slot)
      if (bytesOf[slot] !== bytes[i]) {
        policy.replaced?.(slot, bytes[i]!, cost[i]!)
        bytesOf[slot] = bytes[i]!
      }
      if (counts) {
        tally.hits++
        tally.saved += saves[i]!
      }
      continue
    }
    if (used < slots) slot = used++
    else {
      slot = policy.victim()!
      slotOf[keyOf[slot]!] = -1
    }
    slotOf[key] = slot
    keyOf[slot] = key
    bytesOf[slot] = bytes[i]!
    policy.added(slot, hashes[key]!, bytes[i]!, cost[i]!)
  }
}

export const newTally = (): Tally => ({ requests: 0, hits: 0, cost: 0, saved: 0 })
