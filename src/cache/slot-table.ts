// Entries in numbered slots: a value and what is known of it, as columns. Bounds nothing, orders nothing, and knows no clock.
import { flat } from './flat.js'
import { hashText } from './hash-text.js'

const FIRST_SLOTS = 16
/** What a column of 32 bits can say. */
export const MOST_BYTES = 2 ** 32 - 1

export class SlotTable<V> {
  readonly #slots = new Map<string, number>()
  readonly #ids: (string | undefined)[] = []
  /** By slot. @internal */
  readonly values: (V | undefined)[] = []
  #bytes = new Uint32Array(FIRST_SLOTS)
  /** 0 where nobody asked for it yet. */
  #hashes = new Uint32Array(FIRST_SLOTS)
  #costs = new Float32Array(FIRST_SLOTS)
  /** Until when each is good, on the clock of whoever set it; absent as long as all are good for ever. */
  #until: Float64Array | undefined
  #free: number[] = []
  #totalBytes = 0

  get size(): number {
    return this.#slots.size
  }

  get totalBytes(): number {
    return this.#totalBytes
  }

  /** Slots that there is room for: the highest number ever in use, and some more. */
  get length(): number {
    return this.#bytes.length
  }

  /** Whether any entry ever had an end. */
  get ends(): boolean {
    return this.#until !== undefined
  }

  slotOf(id: string): number | undefined {
    return this.#slots.get(id)
  }

  idOf(slot: number): string {
    return this.#ids[slot]!
  }

  bytesOf(slot: number): number {
    return this.#bytes[slot]!
  }

  costOf(slot: number): number {
    return this.#costs[slot]!
  }

  /** Infinity: for ever. */
  untilOf(slot: number): number {
    return this.#until === undefined ? Number.POSITIVE_INFINITY : this.#until[slot]!
  }

  /** See {@link hashText}: worked out once for each entry, and only where somebody asks. */
  hashOf(slot: number): number {
    if (this.#hashes[slot] === 0) this.#hashes[slot] = hashText(this.#ids[slot]!)
    return this.#hashes[slot]!
  }

  /** A slot for an entry that is not there. */
  add(id: string, value: V, bytes: number, cost: number, until: number): number {
    return this.#add(flat(id), value, bytes, cost, until)
  }

  /** Another table, of the entries in these slots alone: there they are in slots 0 and up. */
  only(slots: readonly number[]): SlotTable<V> {
    const table = new SlotTable<V>()
    for (const slot of slots) {
      const id = this.#ids[slot]!
      const now = table.#add(id, this.values[slot]!, this.#bytes[slot]!, this.#costs[slot]!, this.untilOf(slot))
      table.#hashes[now] = this.#hashes[slot]!
    }
    return table
  }

  #add(id: string, value: V, bytes: number, cost: number, until: number): number {
    const slot = this.#free.pop() ?? this.#ids.length
    if (slot >= this.#bytes.length) this.#grow()
    this.#slots.set(id, slot)
    this.#ids[slot] = id
    this.#hashes[slot] = 0
    this.#put(slot, value, bytes, cost, until)
    return slot
  }

  /** Another value for the entry in `slot`; answers the one before. */
  replace(slot: number, value: V, bytes: number, cost: number, until: number): V {
    const before = this.values[slot]!
    this.#totalBytes -= this.#bytes[slot]!
    this.#put(slot, value, bytes, cost, until)
    return before
  }

  /** Frees `slot`; answers its value. Its bytes, cost and hash can be read until it is used again. */
  remove(slot: number): V {
    const value = this.values[slot]!
    this.#slots.delete(this.#ids[slot]!)
    this.#ids[slot] = undefined
    this.values[slot] = undefined
    this.#totalBytes -= this.#bytes[slot]!
    this.#free.push(slot)
    return value
  }

  #put(slot: number, value: V, bytes: number, cost: number, until: number): void {
    this.values[slot] = value
    this.#bytes[slot] = bytes
    this.#costs[slot] = cost
    this.#totalBytes += bytes
    if (this.#until === undefined) {
      if (until === Number.POSITIVE_INFINITY) return
      this.#until = new Float64Array(this.#bytes.length).fill(Number.POSITIVE_INFINITY)
    }
    this.#until[slot] = until
  }

  #grow(): void {
    const length = 2 * this.#bytes.length
    this.#bytes = longer(this.#bytes, new Uint32Array(length))
    this.#hashes = longer(this.#hashes, new Uint32Array(length))
    this.#costs = longer(this.#costs, new Float32Array(length))
    if (this.#until !== undefined) this.#until = longer(this.#until, new Float64Array(length))
  }
}

function longer<T extends Uint32Array | Float32Array | Float64Array>(column: T, room: T): T {
  room.set(column)
  return room
}
