// The memory tier: bounded by entries, bytes and age; a policy says what goes first. Synchronous by type.
import { invalid } from '../errors.js'
import { CoarseClock } from './coarse-clock.js'
import type { EvictionPolicy, NewPolicy } from './eviction.js'
import { roomFor, roomIsOther } from './eviction-room.js'
import { hashText } from './hash-text.js'
import { newLru } from './lru-policy.js'
import type { MemoryTierOptions, ValuePool, WarmEntries } from './memory-options.js'
import type { MemoryTap, OpenMemoryInfo } from './memory-tap.js'
import { type Counts, newCounts, type TierStats, tierStats } from './metrics.js'
import { MOST_BYTES, SlotTable } from './slot-table.js'

export class MemoryTier<V extends object> {
  readonly counts: Counts = newCounts()
  warm?: WarmEntries<V>
  readonly #pool: ValuePool<V> | undefined
  /** Made with the first value, so that a process that asks for one text pays nothing before. */
  #table: SlotTable<V> | undefined
  #policy: EvictionPolicy
  #newPolicy: NewPolicy
  /** Entries that the policy was told there is room for. */
  #told: number
  #options: MemoryTierOptions<V>
  readonly #now: CoarseClock
  #tap: MemoryTap | undefined
  /** Of the tap, or so that nothing is told. */
  #mask = 0
  /** Told once the table is in order again: whoever listens may look into it. */
  #untold: { readonly id: string; readonly bytes: number }[] = []

  constructor(options: MemoryTierOptions<V>) {
    const { policy = newLru, clock, clockResolutionMs = 1 } = options
    this.#options = options
    this.#pool = options.pool
    this.#now = new CoarseClock(clock, clockResolutionMs)
    this.#newPolicy = policy
    this.#told = roomFor(options.capacity)
    this.#policy = policy(this.#told)
  }

  /** Entries that it holds at most. */
  get capacity(): number {
    return this.#options.capacity
  }

  /** Entries held now, those among them that are past their time and not gone yet. */
  get size(): number {
    return this.#table?.size ?? 0
  }

  /** The value that is held, not a copy. Counts a hit, but leaves a miss to the caller, who may look further. */
  get(id: string): V | undefined {
    const table = this.#table
    const slot = table?.slotOf(id)
    if (slot === undefined || !this.#isGood(table!, slot)) return this.#fromWarm(id)
    this.#policy.hit(slot)
    this.counts.hits++
    const value = table!.values[slot]!
    this.#pool?.lend(value)
    if (this.#tap !== undefined) this.#tellHit(table!, slot)
    return value
  }

  /** A look-up that memory did not answer. */
  missed(id: string): void {
    this.counts.misses++
    if (this.#tap === undefined) return
    const hash = hashText(id)
    if ((hash & this.#mask) === 0) this.#tap.miss(hash)
  }

  /** Past its time, and answered only because it may be `staleMs` longer. */
  late(id: string): boolean {
    const { staleMs = 0 } = this.#options
    if (staleMs === 0) return false
    const slot = this.#slotOf(id)
    return slot !== undefined && this.#table!.untilOf(slot) - this.#now.read() <= staleMs
  }

  /** An entry that is alive, and how long it is still good, ms; negative: past its time by so much. Neither counted nor marked as used. */
  lifeOf(id: string): { readonly value: V; readonly leftMs: number | undefined } | undefined {
    const slot = this.#slotOf(id)
    if (slot === undefined) return undefined
    const value = this.#table!.values[slot]!
    this.#pool?.lend(value)
    const left = this.#table!.untilOf(slot) - this.#now.read()
    return { value, leftMs: Number.isFinite(left) ? left - (this.#options.staleMs ?? 0) : undefined }
  }

  /** Marks an entry as used just now. Counts nothing. */
  touch(id: string): void {
    const slot = this.#table?.slotOf(id)
    if (slot !== undefined && this.#isGood(this.#table!, slot)) this.#policy.hit(slot)
  }

  /** Present and alive? Neither counted nor marked as used. */
  has(id: string): boolean {
    return this.#slotOf(id) !== undefined || this.warm?.has(id) === true
  }

  /**
   * `ttlMs`: what is left of an entry that another tier held; never lengthens the tier's own. `cost`: microseconds to have it again, 0 where
   * a tier below keeps it.
   */
  set(id: string, value: V, ttlMs?: number, cost = 0): void {
    const { ttlOf, staleMs = 0, capacity, capacityBytes, clock, tooLarge } = this.#options
    if (capacity < 1 || capacityBytes < 1) return
    const own = ttlOf?.(value) ?? this.#options.ttlMs
    const good = ttlMs === undefined ? own : Math.min(ttlMs, own ?? ttlMs)
    if (good !== undefined && good + staleMs <= 0) return
    const bytes = this.bytesOf(id, value)
    if (bytes > capacityBytes || bytes > MOST_BYTES) {
      this.delete(id)
      tooLarge?.(id, bytes)
      return
    }
    const until = good === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() + good + staleMs
    this.#table ??= new SlotTable<V>()
    const slot = this.#table.slotOf(id)
    if (slot === undefined) this.#add(this.#table, id, value, bytes, cost, until)
    else this.#replace(this.#table, slot, value, bytes, cost, until)
    this.warm?.arrived(id)
    this.fitWarm()
    if (this.#tap !== undefined) this.#tellStored(id, bytes, cost)
    if (this.#untold.length > 0) this.#tellEvicted()
  }

  delete(id: string): boolean {
    const wasWarm = this.warm?.delete(id) === true
    const slot = this.#table?.slotOf(id)
    if (slot === undefined) return wasWarm
    this.#remove(this.#table!, slot)
    return true
  }

  clear(): void {
    this.warm?.clear()
    this.#table = undefined
    this.#policy.clear()
    this.#pool?.clear()
  }

  /** What an entry takes here. */
  bytesOf(id: string, value: V): number {
    return Math.max(1, Math.ceil(this.#options.sizeOf(value, id)))
  }

  /** Ids and values, the last to be given up first: under LRU, most recently used first. Neither counted nor marked as used. */
  *entries(): IterableIterator<[string, V]> {
    const table = this.#table
    if (table === undefined) return
    // The slots as they are now: whoever reads on may use or delete entries meanwhile, and so move them.
    for (const slot of [...this.#policy.slots()]) {
      if (this.#table !== table) return
      const value = table.values[slot]
      if (value === undefined || this.#isOver(table, slot)) continue
      this.#pool?.lend(value)
      yield [table.idOf(slot), value]
    }
  }

  /** The first `most` of {@link entries}, for who copies at once: a value is good within its call of `visit` alone. */
  each(most: number, visit: (id: string, value: V) => void): void {
    const table = this.#table
    if (table === undefined) return
    let left = most
    for (const slot of this.#policy.slots()) {
      if (left <= 0) return
      if (this.#isOver(table, slot)) continue
      left--
      visit(table.idOf(slot), table.values[slot]!)
    }
  }

  /** Other bounds from now on; what goes for it is counted as evicted. @throws OpDbusError INVALID_INPUT where one is no number */
  resize(capacity: number, capacityBytes: number): void {
    if (!(capacity >= 0 && capacityBytes >= 0))
      throw invalid(`memory cannot hold ${capacity} entries, ${capacityBytes} bytes`)
    const mayBeTooLarge = capacityBytes < this.#options.capacityBytes
    this.#options = { ...this.#options, capacity, capacityBytes }
    this.fitWarm()
    this.#told = roomFor(capacity)
    this.#policy.resize(this.#told)
    const table = this.#table
    if (table === undefined) return
    this.#dropOver()
    // One that is too large by itself must not cost all others their place.
    for (const slot of mayBeTooLarge ? [...this.#policy.slots()] : []) {
      if (table.bytesOf(slot) <= capacityBytes) continue
      this.#policy.removed(slot)
      this.#giveUp(table, slot)
    }
    this.#makeRoom(table, 0, 0)
    if (capacity < 1 || capacityBytes < 1) this.clear()
    else if (table.length > 1024 && table.size < table.length / 4) {
      // Its columns are long for what is left. A new table has new slots, so the policy begins anew.
      const slots = [...this.#policy.slots()].reverse()
      this.#table = table.only(slots)
      this.#follow(slots.map((_, place) => place))
    }
    this.#tellEvicted()
  }

  /** Another policy from now on, which is told of every entry, in the order of the one before; of entries that went it knows nothing. */
  setPolicy(policy: NewPolicy): void {
    this.#newPolicy = policy
    this.#follow([...this.#policy.slots()].reverse())
  }

  /** What was loaded ahead gives way to what was asked for since: it keeps what is left of the bounds. */
  fitWarm(): void {
    const { capacity, capacityBytes } = this.#options
    this.warm?.fit(capacity - this.size, capacityBytes - (this.#table?.totalBytes ?? 0))
  }

  info(): OpenMemoryInfo {
    const { capacity, capacityBytes } = this.#options
    const size = this.size + (this.warm?.size ?? 0)
    const bytes = (this.#table?.totalBytes ?? 0) + (this.warm?.bytes ?? 0)
    return { capacity, capacityBytes, size, bytes, policy: this.#policy.name }
  }

  /** One at a time; ended by the function that it returns. */
  tap(tap: MemoryTap): () => void {
    this.#tap = tap
    this.#mask = tap.mask
    return () => {
      if (this.#tap === tap) this.#tap = undefined
    }
  }

  stats(): TierStats {
    this.#dropOver()
    const { capacity, capacityBytes, size, bytes } = this.info()
    return tierStats(this.counts, { size, capacity, bytes, capacityBytes })
  }

  #fromWarm(id: string): V | undefined {
    const value = this.warm?.take(id)
    if (value === undefined) return undefined
    this.set(id, value)
    return this.get(id)
  }

  #add(table: SlotTable<V>, id: string, value: V, bytes: number, cost: number, until: number): void {
    this.#makeRoom(table, 1, bytes)
    const held = this.#pool?.put(value) ?? value
    this.#tellPolicy(table, table.add(id, held, bytes, cost, until))
  }

  #replace(table: SlotTable<V>, slot: number, value: V, bytes: number, cost: number, until: number): void {
    const held = this.#pool?.put(value) ?? value
    const before = table.replace(slot, held, bytes, cost, until)
    this.#pool?.release(before)
    if (this.#policy.replaced) this.#policy.replaced(slot, bytes, cost)
    else this.#policy.hit(slot)
    // Under some policies that may be this very one.
    this.#makeRoom(table, 0, 0)
  }

  /** Evicts until there is room for so much more. */
  #makeRoom(table: SlotTable<V>, entries: number, bytes: number): void {
    const { capacity, capacityBytes } = this.#options
    const before = table.size
    while (table.size > capacity - entries || table.totalBytes > capacityBytes - bytes) {
      const slot = this.#policy.victim()
      if (slot === undefined) break
      this.#giveUp(table, slot)
    }
    if (table.size < before) this.#tellRoom(table.size + entries)
  }

  /** The entry in `slot`, which the policy has forgotten, goes for want of room. */
  #giveUp(table: SlotTable<V>, slot: number): void {
    if (this.#options.events?.evictedHeard) this.#untold.push({ id: table.idOf(slot), bytes: table.bytesOf(slot) })
    this.counts.evictions++
    const value = table.remove(slot)
    this.#pool?.release(value)
  }

  /** Where bytes are the bound and not entries, a policy divides among its queues what fits. */
  #tellRoom(entries: number): void {
    if (!roomIsOther(this.#told, entries)) return
    this.#told = roomFor(entries)
    this.#policy.resize(this.#told)
  }

  /** The entry in `slot` goes, and not for want of room. */
  #remove(table: SlotTable<V>, slot: number): void {
    this.#policy.removed(slot)
    const value = table.remove(slot)
    this.#pool?.release(value)
  }

  /** Of an entry that is there and alive. */
  #slotOf(id: string): number | undefined {
    const slot = this.#table?.slotOf(id)
    return slot === undefined || this.#isOver(this.#table!, slot) ? undefined : slot
  }

  #isOver(table: SlotTable<V>, slot: number): boolean {
    return table.ends && this.#now.read() > table.untilOf(slot)
  }

  /** As `#isOver`, and what is over goes. */
  #isGood(table: SlotTable<V>, slot: number): boolean {
    if (!this.#isOver(table, slot)) return true
    this.#remove(table, slot)
    return false
  }

  #dropOver(): void {
    const table = this.#table
    if (!table?.ends) return
    for (const slot of [...this.#policy.slots()]) this.#isGood(table, slot)
  }

  /** A new policy, told of the entries in these slots, the first to be given up first. */
  #follow(slots: readonly number[]): void {
    this.#policy = this.#newPolicy(this.#told)
    for (const slot of slots) this.#tellPolicy(this.#table!, slot)
  }

  /** There is a new entry in `slot`. */
  #tellPolicy(table: SlotTable<V>, slot: number): void {
    const hash = this.#policy.ignoresHash ? 0 : table.hashOf(slot)
    this.#policy.added(slot, hash, table.bytesOf(slot), table.costOf(slot))
  }

  #tellHit(table: SlotTable<V>, slot: number): void {
    const hash = table.hashOf(slot)
    if ((hash & this.#mask) === 0) this.#tap!.hit(hash, table.bytesOf(slot), table.costOf(slot))
  }

  #tellStored(id: string, bytes: number, cost: number): void {
    const slot = this.#table!.slotOf(id)
    const hash = slot === undefined ? hashText(id) : this.#table!.hashOf(slot)
    if ((hash & this.#mask) === 0) this.#tap!.stored(hash, bytes, cost)
  }

  #tellEvicted(): void {
    const evicted = this.#untold
    this.#untold = []
    for (const { id, bytes } of evicted) this.#options.events?.evicted(id, bytes)
  }
}
