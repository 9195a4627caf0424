// What decides which entry memory gives up: the seam between the memory tier and the policies (src/tuning/policies). Types only.

/** `lru` is the strategy's own, and the default. */
export type PolicyName = 'lru' | 'sieve' | 's3-fifo' | 'w-tinylfu' | 'gdsf' | 'cost-s3-fifo'

/**
 * An order of entries, by the numbers of the slots that hold them: 0 and up, used again once they are free. A policy holds no value and no
 * key, only numbers, so that memory and a simulation of a million requests run the same code. It evicts nothing by itself: whoever holds the entries
 * asks for victims until there is room for an entry, and only then adds it.
 */
export interface EvictionPolicy {
  readonly name: PolicyName
  /** It never looks at hashes: who holds the entries need not work them out, and passes 0. */
  readonly ignoresHash?: true
  /**
   * A new entry lies in `slot`. `hash`: 32 bits that name it, the same whenever it comes back, which a policy may remember of entries that went; two
   * may share one. `cost`: microseconds that it would take to have it again, measured or estimated from its tokens; 0 where nothing is known.
   */
  added(slot: number, hash: number, bytes: number, cost: number): void
  /** The entry in `slot` was asked for. On the way of every hit: no allocation. */
  hit(slot: number): void
  /** The entry in `slot` has another value now. Absent: as `hit`. */
  replaced?(slot: number, bytes: number, cost: number): void
  /** The entry in `slot` goes for another reason than room: deleted, too old. It is not remembered. */
  removed(slot: number): void
  /** Chooses the slot to be given up, and forgets it (but for what it remembers of those that went). Undefined where there is none. */
  victim(): number | undefined
  /** Entries that there is room for, from now on; what the sizes of its queues are taken from. At least 1. */
  resize(capacity: number): void
  /** The slots, the last to be given up first, as well as this can be said without changing anything. */
  slots(): Iterable<number>
  clear(): void
  /** What it takes in memory. */
  readonly bytes: number
}

/** Makes the policy of that name for so many entries. `random`: 0 to below 1, for those that toss a coin. */
export type NewPolicy = (capacity: number, random?: () => number) => EvictionPolicy
