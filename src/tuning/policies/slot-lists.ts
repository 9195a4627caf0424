// Doubly linked lists of slots in two columns of numbers, for all queues of one policy together. Knows no policy.

/**
 * A slot is in one list at most. Each list is a ring through a node of its own, so that nothing has to ask for ends. Rooms grow as higher
 * slots come; nothing else allocates.
 */
export class SlotLists {
  /** Entries of each list. */
  readonly lengths: Int32Array
  readonly #lists: number
  #next: Int32Array
  #before: Int32Array

  /** `slots`: how many there is room for at first. */
  constructor(lists: number, slots: number) {
    this.#lists = lists
    this.lengths = new Int32Array(lists)
    this.#next = new Int32Array(lists + slots)
    this.#before = new Int32Array(lists + slots)
    this.clear()
  }

  /** Puts a slot that is in no list in front of list `list`. */
  pushFront(list: number, slot: number): void {
    const node = slot + this.#lists
    if (node >= this.#next.length) this.#grow(node)
    const next = this.#next
    const before = this.#before
    const first = next[list]!
    next[node] = first
    before[node] = list
    before[first] = node
    next[list] = node
    this.lengths[list]!++
  }

  /** Takes a slot out of `list`, which it is in. */
  remove(list: number, slot: number): void {
    const node = slot + this.#lists
    const next = this.#next[node]!
    const before = this.#before[node]!
    this.#next[before] = next
    this.#before[next] = before
    this.lengths[list]!--
  }

  /** To the front of the list that it is in. */
  moveToFront(list: number, slot: number): void {
    const node = slot + this.#lists
    const nexts = this.#next
    const befores = this.#before
    const first = nexts[list]!
    if (first === node) return
    const next = nexts[node]!
    const before = befores[node]!
    nexts[before] = next
    befores[next] = before
    nexts[node] = first
    befores[node] = list
    befores[first] = node
    nexts[list] = node
  }

  /** -1 where the list is empty. */
  last(list: number): number {
    const node = this.#before[list]!
    return node === list ? -1 : node - this.#lists
  }

  /** The slot one nearer to the front; -1 at the front. */
  beforeOf(slot: number): number {
    const node = this.#before[slot + this.#lists]!
    return node < this.#lists ? -1 : node - this.#lists
  }

  /** From the front. The list must not change meanwhile. */
  *slots(list: number): IterableIterator<number> {
    for (let node = this.#next[list]!; node !== list; node = this.#next[node]!) yield node - this.#lists
  }

  clear(): void {
    this.lengths.fill(0)
    for (let list = 0; list < this.#lists; list++) {
      this.#next[list] = list
      this.#before[list] = list
    }
  }

  get bytes(): number {
    return this.#next.byteLength + this.#before.byteLength
  }

  #grow(node: number): void {
    this.#next = longer(this.#next, node)
    this.#before = longer(this.#before, node)
  }
}

/** `column` with room for index `at` and, so that growing is rare, for half as many again. */
export function longer<A extends Int32Array | Uint32Array | Uint16Array | Uint8Array | Float64Array | Float32Array>(
  column: A,
  at: number,
): A {
  const grown = new (column.constructor as new (length: number) => A)(
    Math.max(Math.ceil(1.5 * column.length), at + 1, 16),
  )
  grown.set(column)
  return grown
}

/** Slots that a policy makes room for at once; more as they come. Capacity may be Infinity. */
export function firstRoom(capacity: number): number {
  return Math.min(Math.max(1, capacity), 1024)
}
