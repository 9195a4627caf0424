// A trie over UTF-16 units in flat arrays: hundreds of thousands of tokens in a few MB, each step one look into a hash table.

export class Trie {
  /** Of each slot of the table: the parent node + 1 (0: free), the unit, the child. */
  #parents: Int32Array
  #units: Uint16Array
  #children: Int32Array
  #mask: number
  #nodes = 1
  /** Of each node: what ends there, or -1. */
  #values: Int32Array

  constructor() {
    const slots = 1024
    this.#parents = new Int32Array(slots)
    this.#units = new Uint16Array(slots)
    this.#children = new Int32Array(slots)
    this.#mask = slots - 1
    this.#values = new Int32Array(slots).fill(-1)
  }

  /** A later value under the same text wins. */
  set(text: string, value: number): void {
    let node = 0
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      const child = this.next(node, unit)
      node = child >= 0 ? child : this.#add(node, unit)
    }
    this.#values[node] = value
  }

  /** The node behind `unit` at `node` (the root is 0), or -1. */
  next(node: number, unit: number): number {
    const parents = this.#parents
    for (let slot = hash(node, unit) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const parent = parents[slot]!
      if (parent === 0) return -1
      if (parent === node + 1 && this.#units[slot] === unit) return this.#children[slot]!
    }
  }

  /** What was set for the text that leads to `node`, or -1. */
  value(node: number): number {
    return this.#values[node]!
  }

  #add(parent: number, unit: number): number {
    if (this.#nodes * 2 > this.#mask) this.#grow()
    const child = this.#nodes++
    this.#put(parent, unit, child)
    return child
  }

  #put(parent: number, unit: number, child: number): void {
    let slot = hash(parent, unit) & this.#mask
    while (this.#parents[slot] !== 0) slot = (slot + 1) & this.#mask
    this.#parents[slot] = parent + 1
    this.#units[slot] = unit
    this.#children[slot] = child
  }

  #grow(): void {
    const [parents, units, children, values] = [this.#parents, this.#units, this.#children, this.#values]
    const slots = 2 * parents.length
    this.#parents = new Int32Array(slots)
    this.#units = new Uint16Array(slots)
    this.#children = new Int32Array(slots)
    this.#mask = slots - 1
    this.#values = new Int32Array(slots).fill(-1)
    this.#values.set(values)
    for (let slot = 0; slot < parents.length; slot++)
      if (parents[slot] !== 0) this.#put(parents[slot]! - 1, units[slot]!, children[slot]!)
  }
}

/** Of a node and a unit: both are small and dense, so they are spread by odd multipliers. */
function hash(node: number, unit: number): number {
  const mixed = Math.imul(node, 0x9e3779b1) ^ Math.imul(unit, 0x85ebca6b)
  return mixed ^ (mixed >>> 15)
}
