// Which entries went lately: their hashes alone, first in first out, in bounded room. Knows no policy.
import { firstRoom, longer, SlotLists } from './slot-lists.js'

/**
 * A queue of hashes that forgets the oldest. Two entries of one hash are one here: a policy may then think that an entry came back which did
 * not, and nothing worse.
 */
export class Ghosts {
  #queue: SlotLists
  /** By node: the hash that it stands for, and the next node of the same bucket, or the next free one; -1 at the end. */
  #hashes: Int32Array
  #chain: Int32Array
  /** By bucket (a power of two of them): its first node, -1 where it is empty. */
  #buckets: Int32Array
  /** The first of the nodes that were used and are free again, and how many were ever used. */
  #free = -1
  #used = 0

  constructor(capacity: number) {
    const room = firstRoom(capacity)
    this.#queue = new SlotLists(1, room)
    this.#hashes = new Int32Array(room)
    this.#chain = new Int32Array(room)
    this.#buckets = new Int32Array(bucketsFor(room)).fill(-1)
  }

  get size(): number {
    return this.#queue.lengths[0]!
  }

  /** Remembers a hash as the latest, and forgets the oldest until there are at most `most`. */
  add(hash: number, most: number): void {
    this.take(hash)
    while (this.size > 0 && this.size >= most) this.#forget(this.#queue.last(0))
    if (most < 1) return
    const node = this.#node()
    const bucket = this.#bucketOf(hash)
    this.#hashes[node] = hash
    this.#chain[node] = this.#buckets[bucket]!
    this.#buckets[bucket] = node
    this.#queue.pushFront(0, node)
  }

  /** Whether the hash was remembered; it is not any more. */
  take(hash: number): boolean {
    const wanted = hash | 0
    for (let node = this.#buckets[this.#bucketOf(hash)]!; node >= 0; node = this.#chain[node]!) {
      if (this.#hashes[node] !== wanted) continue
      this.#forget(node)
      return true
    }
    return false
  }

  clear(): void {
    this.#queue.clear()
    this.#buckets.fill(-1)
    this.#free = -1
    this.#used = 0
  }

  get bytes(): number {
    return this.#queue.bytes + 2 * this.#hashes.byteLength + this.#buckets.byteLength
  }

  #forget(node: number): void {
    this.#queue.remove(0, node)
    const bucket = this.#bucketOf(this.#hashes[node]!)
    const next = this.#chain[node]!
    if (this.#buckets[bucket] === node) this.#buckets[bucket] = next
    else {
      let before = this.#buckets[bucket]!
      while (this.#chain[before] !== node) before = this.#chain[before]!
      this.#chain[before] = next
    }
    this.#chain[node] = this.#free
    this.#free = node
  }

  /** One that stands for nothing. */
  #node(): number {
    const node = this.#free
    if (node >= 0) {
      this.#free = this.#chain[node]!
      return node
    }
    if (this.#used >= this.#hashes.length) this.#grow(this.#used)
    return this.#used++
  }

  /** Hashes may be poor in their low bits: Knuth's multiplicative hashing takes the high ones. */
  #bucketOf(hash: number): number {
    return (Math.imul(hash, 0x9e3779b1) >>> 8) & (this.#buckets.length - 1)
  }

  #grow(node: number): void {
    this.#hashes = longer(this.#hashes, node)
    this.#chain = longer(this.#chain, node)
    this.#buckets = new Int32Array(bucketsFor(this.#hashes.length)).fill(-1)
    for (const held of this.#queue.slots(0)) {
      const bucket = this.#bucketOf(this.#hashes[held]!)
      this.#chain[held] = this.#buckets[bucket]!
      this.#buckets[bucket] = held
    }
  }
}

function bucketsFor(nodes: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(2, nodes)))
}
