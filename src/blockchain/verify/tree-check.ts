// The files of the Merkle tree, compared with the blocks. Reads them as they lie there, and believes none.
import type { Block } from '../block.js'
import { HASH_BYTES } from '../merkle.js'
import type { StoredTree } from '../ports.js'
import { TILE } from '../tree-levels.js'
import type { Faults } from './faults.js'
import { Witness } from './witness.js'

const AT_ONCE = 4096

export class TreeCheck {
  readonly #stored: StoredTree
  readonly #faults: Faults
  readonly #leaves: Witness
  /** Leaves from `#from` on, as they lie in the file. */
  #piece: Uint8Array = new Uint8Array()
  #from = 0
  /** The last block whose leaf was another. */
  #differing = -1

  constructor(stored: StoredTree, faults: Faults) {
    this.#stored = stored
    this.#faults = faults
    this.#leaves = new Witness({
      kind: 'tree',
      name: 'the Merkle tree',
      recorded: number => this.#leaf(number),
      faults,
    })
  }

  take(block: Block): void {
    this.#leaves.take(block)
    const leaf = this.#leaf(block.number)
    if (leaf !== undefined && leaf !== block.hash) this.#differing = block.number
  }

  /** The root of the subtree as the blocks have it. Where a leaf below it is another, that was told already. */
  subtree(level: number, index: number, hash: Uint8Array): void {
    const first = index * TILE ** level
    if (this.#differing >= first) return
    const stored = this.#stored.hashes(level, index, 1)
    if (stored.length < HASH_BYTES || Buffer.compare(stored, hash) === 0) return
    const last = first + TILE ** level - 1
    this.#faults.add('tree', first, `the Merkle tree has another hash over blocks ${first} to ${last} than they have`)
  }

  /** The root over the first `size` blocks as they are, for the size that the tree is of. */
  root(root: string): void {
    if (root === this.#stored.root || this.#differing >= 0) return
    this.#faults.add('tree', undefined, 'the Merkle tree has another root than its blocks have')
  }

  get size(): number {
    return this.#stored.size
  }

  end(size: number | undefined): void {
    this.#leaves.end(size)
  }

  #leaf(number: number): string | undefined {
    let at = (number - this.#from) * HASH_BYTES
    if (at < 0 || at >= this.#piece.length) {
      this.#from = number
      this.#piece = this.#stored.hashes(0, number, AT_ONCE)
      at = 0
    }
    const hash = this.#piece.subarray(at, at + HASH_BYTES)
    return hash.length < HASH_BYTES ? undefined : Buffer.from(hash).toString('hex')
  }
}
