// The root of a Merkle tree whose leaves come one after the other, in a constant room: for verify and for what is signed, which no
// file of the tree may mislead.
import { join, nodeHash } from '../merkle.js'
import { TILE_HEIGHT } from '../tree-levels.js'

/** Told of each whole subtree of 256 ** `level` leaves (level 1 and up) as soon as its last leaf is there. */
export type OnSubtree = (level: number, index: number, hash: Uint8Array) => void

export class GrowingRoot {
  /** Hashes of whole subtrees, the largest first: one for each bit of `size`. */
  readonly #subtrees: Uint8Array[] = []
  readonly #onSubtree: OnSubtree | undefined
  #size = 0

  constructor(onSubtree?: OnSubtree) {
    this.#onSubtree = onSubtree
  }

  /** Of a tree of `size` leaves, from its last leaf and the path that proves that (RFC 9162, 2.1.3.1), which was checked. */
  static after(leaf: Uint8Array, path: readonly Uint8Array[], size: number): GrowingRoot {
    const root = new GrowingRoot()
    // All siblings of the last leaf lie on its left: first those in the last whole subtree, then the other subtrees.
    let [node, height] = [leaf, 0]
    for (let rest = size; rest % 2 === 0; rest /= 2) node = nodeHash(path[height++]!, node)
    root.#subtrees.push(...path.slice(height).reverse(), node)
    root.#size = size
    return root
  }

  /** Leaves. */
  get size(): number {
    return this.#size
  }

  /** `hash`: of the leaf, 64 hexadecimal digits. */
  push(hash: string): void {
    let node: Uint8Array = Buffer.from(hash, 'hex')
    let index = this.#size
    for (let height = 1; index % 2 === 1; height++) {
      node = nodeHash(this.#subtrees.pop()!, node)
      index = Math.floor(index / 2)
      if (height % TILE_HEIGHT === 0) this.#onSubtree?.(height / TILE_HEIGHT, index, node)
    }
    this.#subtrees.push(node)
    this.#size++
  }

  /** 64 hexadecimal digits. */
  root(): string {
    return Buffer.from(join(this.#subtrees)).toString('hex')
  }
}
