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

/** Requests that are simulated, all of a stream or some. */
export interface Simulated extends Omit<Stream, 'again'> {
  /** 1 for requests whose hits count, else 0: those before them fill the memory. */
  readonly counted: Uint8Array
  /** By key: the group that its hits are counted in. */
  readonly group: Uint16Array
}

/** By group: hits, and the microseconds that they save. */
export interface Hits {
  readonly hits: Float64Array
  readonly saved: Float64Array
}

/** Of a memory: entries at most, at least 1, and bytes; what is larger than all of it is not held. */
export interface Room {
  readonly entries: number
  /** Infinity where entries are the only bound. */
  readonly bytes: number
}

/** Counts what is hit. `policy` is empty. */
export function runPolicy(policy: EvictionPolicy, room: Room, requests: Simulated, { hits, saved }: Hits): void {
  const { length, keys, ids, hashes, bytes, cost, saves, counted, group } = requests
  const slotOf = new Int32Array(keys).fill(-1)
  const slots = Math.min(room.entries, keys)
  const keyOf = new Uint32Array(slots)
  const bytesOf = new Uint32Array(slots)
  const free = new Uint32Array(slots)
  let freed = 0
  let used = 0
  let held = 0
  const giveUp = () => {
    const slot = policy.victim()!
    slotOf[keyOf[slot]!] = -1
    held -= bytesOf[slot]!
    free[freed++] = slot
  }
  for (let i = 0; i < length; i++) {
    const key = ids[i]!
    const size = bytes[i]!
    let slot = slotOf[key]!
    if (slot >= 0) {
      policy.hit(slot)
      if (counted[i] === 1) {
        hits[group[key]!]!++
        saved[group[key]!]! += saves[i]!
      }
      if (bytesOf[slot] === size) continue
      policy.replaced?.(slot, size, cost[i]!)
      held += size - bytesOf[slot]!
      bytesOf[slot] = size
      while (held > room.bytes) giveUp()
      continue
    }
    if (size > room.bytes) continue
    while (used - freed === slots || held + size > room.bytes) giveUp()
    slot = freed > 0 ? free[--freed]! : used++
    slotOf[key] = slot
    keyOf[slot] = key
    bytesOf[slot] = size
    held += size
    policy.added(slot, hashes[key]!, size, cost[i]!)
  }
}
