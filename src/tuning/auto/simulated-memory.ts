// A cache's memory without values, for replays: what is asked for is kept as the real one would keep it, and a tuner may change it while it runs.
import type { EvictionPolicy, NewPolicy, PolicyName } from '../../cache/eviction.js'
import type { MemoryTap, OpenMemoryInfo, TunableMemory } from '../../cache/memory-tap.js'
import type { Setting } from './settings.js'

export class SimulatedMemory implements TunableMemory {
  readonly #policies: Readonly<Partial<Record<PolicyName, NewPolicy>>>
  #policy: EvictionPolicy
  #capacity: number
  #capacityBytes: number
  #held = 0
  #tap: MemoryTap | undefined
  readonly #slots = new Map<number, number>()
  readonly #free: number[] = []
  readonly #keys: number[] = []
  readonly #bytes: number[] = []
  readonly #costs: number[] = []
  /** Microseconds: what all requests would have cost with nothing kept, and what those that hit saved. */
  total = 0
  saved = 0
  requests = 0
  hits = 0

  constructor({ bytes, entries, policy }: Setting, policies: Readonly<Partial<Record<PolicyName, NewPolicy>>>) {
    this.#policies = policies
    this.#capacity = entries
    this.#capacityBytes = bytes
    this.#policy = this.#made(policy)
  }

  /** One request, and what having it costs; kept if it was not there. `told`: the cost that the tuner is told, where that is another. */
  request(key: number, bytes: number, cost: number, told = cost): boolean {
    const hash = (key % 4294967296) >>> 0
    this.requests++
    this.total += cost
    const slot = this.#slots.get(key)
    const tap = this.#tap && (hash & this.#tap.mask) === 0 ? this.#tap : undefined
    if (slot !== undefined) {
      this.hits++
      this.saved += cost
      this.#policy.hit(slot)
      tap?.hit(hash, this.#bytes[slot]!, told)
      return true
    }
    tap?.miss(hash)
    if (this.#capacity >= 1 && bytes <= this.#capacityBytes) {
      this.#keep(key, hash, bytes, told)
      tap?.stored(hash, bytes, told)
    }
    return false
  }

  memoryInfo(): OpenMemoryInfo {
    const { name: policy } = this.#policy
    const [capacity, capacityBytes] = [this.#capacity, this.#capacityBytes]
    return { capacity, capacityBytes, size: this.#slots.size, bytes: this.#held, policy }
  }

  resizeMemory(capacity: number, capacityBytes: number): void {
    this.#capacity = capacity
    this.#capacityBytes = capacityBytes
    this.#makeRoom(0, 0)
    this.#policy.resize(this.#room())
  }

  setPolicy(make: NewPolicy): void {
    const policy = make(this.#room())
    for (const slot of [...this.#policy.slots()].reverse()) {
      policy.added(slot, (this.#keys[slot]! % 4294967296) >>> 0, this.#bytes[slot]!, this.#costs[slot]!)
    }
    this.#policy = policy
  }

  tap(tap: MemoryTap): () => void {
    this.#tap = tap
    return () => {
      if (this.#tap === tap) this.#tap = undefined
    }
  }

  #keep(key: number, hash: number, bytes: number, cost: number): void {
    this.#makeRoom(1, bytes)
    const slot = this.#free.pop() ?? this.#slots.size
    this.#slots.set(key, slot)
    this.#keys[slot] = key
    this.#bytes[slot] = bytes
    this.#costs[slot] = cost
    this.#held += bytes
    this.#policy.added(slot, hash, bytes, cost)
    const { size } = this.#slots
    // Powers of two: where bytes are the bound, how many entries there is room for shows by and by.
    if ((size & (size - 1)) === 0) this.#policy.resize(this.#room())
  }

  /** For so many entries more, of so many bytes. */
  #makeRoom(entries: number, bytes: number): void {
    while (this.#slots.size + entries > this.#capacity || this.#held + bytes > this.#capacityBytes) {
      const slot = this.#policy.victim()
      if (slot === undefined) return
      this.#slots.delete(this.#keys[slot]!)
      this.#held -= this.#bytes[slot]!
      this.#free.push(slot)
    }
  }

  /** Entries that there is room for, by their mean size. */
  #room(): number {
    const mean = this.#slots.size > 0 ? this.#held / this.#slots.size : this.#capacityBytes
    return Math.max(1, Math.floor(Math.min(this.#capacity, this.#capacityBytes / Math.max(1, mean))))
  }

  #made(name: PolicyName): EvictionPolicy {
    const make = this.#policies[name]
    if (make === undefined) throw new RangeError(`no policy is called ${name}`)
    return make(this.#room())
  }
}
