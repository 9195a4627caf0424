// What a tuner may see of a cache's memory, and change about it while it runs. Types only.
import type { NewPolicy, PolicyName } from './eviction.js'

/** What memory is now. */
export interface MemoryInfo {
  /** Entries that it holds at most; Infinity where bytes are the only bound, 0 where it is off. */
  readonly capacity: number
  /** Estimated bytes that it holds at most; undefined as long as that is not known: of embeddings before it is known how long a vector is. */
  readonly capacityBytes: number | undefined
  /** Held now: entries, and their estimated bytes. */
  readonly size: number
  readonly bytes: number
  readonly policy: PolicyName
}

/** The same, where bytes are known. */
export interface OpenMemoryInfo extends MemoryInfo {
  readonly capacityBytes: number
}

/**
 * Told of what memory is asked for, as it happens and on the thread that asks: it must be quick, must not throw, and must not call the cache.
 * Entries are known by 32-bit hashes of their ids, the same for equal ids within a process.
 */
export interface MemoryTap {
  /** Only entries with `(hash & mask) === 0` are told: 0 for all, 255 for one in 256. Read once, when the tap begins. */
  readonly mask: number
  /** Memory had it. `bytes` is what it takes there; `cost` is what it was set with. */
  hit(hash: number, bytes: number, cost: number): void
  /** Memory had not; what it takes is not known yet. Also told of who joins a computation that is under way. */
  miss(hash: number): void
  /** An entry was put into memory, new or in place of its former value. `cost`: microseconds to have it again; 0 where a tier below keeps it. */
  stored(hash: number, bytes: number, cost: number): void
}

/** What a tuner works on: each of the four caches is one. */
export interface TunableMemory {
  memoryInfo(): MemoryInfo
  /**
   * Other bounds from now on, in one turn and without copying values: what is too much goes as the policy says. 0 entries switch memory off.
   * Where less than a quarter is left of a large memory, its table is made anew: then what a policy remembers of entries that went is lost.
   */
  resizeMemory(capacity: number, capacityBytes: number): void
  /**
   * Another policy from now on. Entries stay, and it begins from the order of the one before; what that one remembered of entries that went is lost.
   * In one turn, which takes longer the more entries there are: about a millisecond for 10,000, more the first time.
   */
  setPolicy(policy: NewPolicy): void
  /** One tap at a time: a later one takes its place. The function that it returns ends it. */
  tap(tap: MemoryTap): () => void
}
