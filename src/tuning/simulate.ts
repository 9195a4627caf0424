// What a policy would have done with a list of requests: a memory of slots without values. Deterministic; knows no clock.
import type { EvictionPolicy, PolicyName } from '../cache/eviction.js'
import { roomFor, roomIsOther } from '../cache/eviction-room.js'
import { seeded } from '../sample-lines.js'
import { denseKeys } from './dense-keys.js'
import { POLICIES } from './policies.js'
import { OUTCOMES, type Requests } from './requests.js'

export interface SimulationOptions {
  readonly policy: PolicyName
  /** Entries. Infinity leaves the bytes as the only bound; below 1 nothing is held. */
  readonly capacity: number
  /** Absent: entries are the only bound. */
  readonly capacityBytes?: number
  /** Only the requests of this place in CACHE_ORDER; absent: all. */
  readonly cache?: number
}

export interface Simulated {
  readonly requests: number
  readonly hits: number
  /** Microseconds: of all requests had nothing been kept, and of those that hit. */
  readonly cost: number
  readonly saved: number
}

/** Of these nothing came that could have been kept. */
const ABSENT = OUTCOMES.indexOf('absent')
const FAILED = OUTCOMES.indexOf('failed')

/** About 0.2 s for a million requests, and as much again the first time that a list is used. */
export function simulate(requests: Requests, options: SimulationOptions): Simulated {
  const { policy, capacity, capacityBytes = Number.POSITIVE_INFINITY, cache } = options
  const { places, numbers, hashes, count } = denseKeys(requests, cache)
  const memory = new SlotMemory(POLICIES[policy](roomFor(capacity), seeded(1)), capacity, capacityBytes, hashes, count)
  const { bytes, cost, outcome } = requests
  let hits = 0
  let all = 0
  let saved = 0
  for (let i = 0; i < numbers.length; i++) {
    const place = places[i]!
    const micros = cost[place]!
    all += micros
    const how = outcome[place]!
    if (how === ABSENT || how === FAILED) continue
    if (memory.request(numbers[i]!, bytes[place]!, micros)) {
      hits++
      saved += micros
    }
  }
  return { requests: numbers.length, hits, cost: all, saved }
}

/** The bounds of the memory tier, without its values: room is made before an entry comes, and one too large for all of it is not held. */
class SlotMemory {
  readonly #policy: EvictionPolicy
  readonly #capacity: number
  readonly #capacityBytes: number
  readonly #hashes: Int32Array
  /** By key: the slot that holds it, -1 where none does. */
  readonly #slotOf: Int32Array
  /** By slot. */
  readonly #keyOf: Uint32Array
  readonly #bytesOf: Float64Array
  readonly #free: Uint32Array
  /** Entries that the policy was told there is room for. */
  #told: number
  #freed = 0
  #used = 0
  #entries = 0
  #bytes = 0

  constructor(policy: EvictionPolicy, capacity: number, capacityBytes: number, hashes: Int32Array, keys: number) {
    this.#policy = policy
    this.#capacity = Math.floor(capacity)
    this.#capacityBytes = capacityBytes
    this.#told = roomFor(capacity)
    this.#hashes = hashes
    this.#slotOf = new Int32Array(keys).fill(-1)
    const slots = Math.max(0, Math.min(this.#capacity, keys))
    this.#keyOf = new Uint32Array(slots)
    this.#bytesOf = new Float64Array(slots)
    this.#free = new Uint32Array(slots)
  }

  /** Whether the key was held. It is afterwards, unless it is too large. */
  request(key: number, bytes: number, cost: number): boolean {
    const slot = this.#slotOf[key]!
    if (slot < 0) {
      this.#add(key, bytes, cost)
      return false
    }
    this.#policy.hit(slot)
    if (this.#bytesOf[slot] !== bytes) this.#grown(slot, bytes, cost)
    return true
  }

  #add(key: number, bytes: number, cost: number): void {
    if (this.#capacity < 1 || bytes > this.#capacityBytes) return
    this.#makeRoom(1, bytes)
    const slot = this.#freed > 0 ? this.#free[--this.#freed]! : this.#used++
    this.#slotOf[key] = slot
    this.#keyOf[slot] = key
    this.#bytesOf[slot] = bytes
    this.#entries++
    this.#bytes += bytes
    this.#policy.added(slot, this.#hashes[key]!, bytes, cost)
  }

  /** The entry has another size now. */
  #grown(slot: number, bytes: number, cost: number): void {
    this.#bytes += bytes - this.#bytesOf[slot]!
    this.#bytesOf[slot] = bytes
    if (bytes > this.#capacityBytes) {
      this.#policy.removed(slot)
      this.#forget(slot)
      return
    }
    this.#policy.replaced?.(slot, bytes, cost)
    this.#makeRoom(0, 0)
  }

  #makeRoom(entries: number, bytes: number): void {
    const before = this.#entries
    while (this.#entries + entries > this.#capacity || this.#bytes + bytes > this.#capacityBytes) {
      this.#forget(this.#policy.victim()!)
    }
    if (this.#entries === before || !roomIsOther(this.#told, this.#entries + entries)) return
    this.#told = roomFor(this.#entries + entries)
    this.#policy.resize(this.#told)
  }

  #forget(slot: number): void {
    this.#slotOf[this.#keyOf[slot]!] = -1
    this.#free[this.#freed++] = slot
    this.#entries--
    this.#bytes -= this.#bytesOf[slot]!
  }
}
