// Merkle trees after RFC 6962 and RFC 9162, section 2.1: hashes, which subtrees a proof is made of, and whether a proof holds. Pure; keeps
// no tree.
import { hash as digest } from 'node:crypto'

/** Bytes of a hash. */
export const HASH_BYTES = 32

/** Of the tree without leaves: SHA-256 of nothing. */
export const EMPTY_ROOT: Buffer = digest('sha256', '', 'buffer')

/** Of a proof: no tree of 2 ** 53 leaves needs more. Whoever reads proofs of others refuses longer ones. */
export const MAX_PATH = 63

/** A subtree whose leaves are all there: 2 ** `height` leaves, from leaf `index` * 2 ** `height` on. */
export interface Subtree {
  readonly height: number
  readonly index: number
}

/** Leaves `from` to `to` (not included) of a tree, which are the leaves below one of its nodes. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** SHA-256 of a zero byte and the leaf (RFC 6962, section 2.1). */
export function leafHash(leaf: Uint8Array | string): Buffer {
  return digest('sha256', typeof leaf === 'string' ? `\0${leaf}` : Buffer.concat([LEAF, leaf]), 'buffer')
}

const LEAF = Buffer.of(0)
const node = Buffer.alloc(1 + 2 * HASH_BYTES, 1)

/** SHA-256 of a byte that is 1 and both hashes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  node.set(left, 1)
  node.set(right, 1 + HASH_BYTES)
  return digest('sha256', node, 'buffer')
}

/** The root of a subtree from the hashes of its 2 ** n nodes at one height, one behind the other. The bytes given are overwritten. */
export function rootOf(hashes: Buffer): Buffer {
  for (let bytes = hashes.length; bytes > HASH_BYTES; bytes /= 2) {
    for (let at = 0; at < bytes; at += 2 * HASH_BYTES) {
      hashes.copy(node, 1, at, at + 2 * HASH_BYTES)
      digest('sha256', node, 'buffer').copy(hashes, at / 2)
    }
  }
  return hashes.subarray(0, HASH_BYTES)
}

/** The complete subtrees that a node's leaves fall into, left to right: each is smaller than the one before. */
export function subtreesOf({ from, to }: Range): Subtree[] {
  const subtrees: Subtree[] = []
  for (let at = from; at < to; ) {
    let height = 0
    while (at + 2 ** (height + 1) <= to && at % 2 ** (height + 1) === 0) height++
    subtrees.push({ height, index: at / 2 ** height })
    at += 2 ** height
  }
  return subtrees
}

/** The hash of a node from those of its {@link subtreesOf}. */
export function join(hashes: readonly Uint8Array[]): Uint8Array {
  return hashes.length === 0 ? EMPTY_ROOT : hashes.reduceRight((right, left) => nodeHash(left, right))
}

/** The nodes whose hashes are the proof that leaf `index` is in a tree of `size`: the leaf's sibling first (RFC 9162, 2.1.3.1). */
export function inclusionRanges(index: number, size: number): Range[] {
  const path: Range[] = []
  for (let [from, to] = [0, size]; to - from > 1; ) {
    const middle = from + splitOf(to - from)
    if (index < middle) {
      path.push({ from: middle, to })
      to = middle
    } else {
      path.push({ from, to: middle })
      from = middle
    }
  }
  return path.reverse()
}

/** The nodes whose hashes are the proof that a tree of `size` continues that of its first `old` leaves (RFC 9162, 2.1.4.1). */
export function consistencyRanges(old: number, size: number): Range[] {
  const path: Range[] = []
  // Every tree continues the one without leaves.
  if (old === 0) return path
  let [from, to] = [0, size]
  while (old !== to) {
    const middle = from + splitOf(to - from)
    if (old <= middle) {
      path.push({ from: middle, to })
      to = middle
    } else {
      path.push({ from, to: middle })
      from = middle
    }
  }
  // The whole of the old tree need not be told: whoever checks has its root.
  if (from > 0) path.push({ from, to })
  return path.reverse()
}

/** Whether leaf `index` is in the tree of `size` with that root (RFC 9162, 2.1.3.2). */
export function isIncluded(
  leaf: Uint8Array,
  index: number,
  { size, root }: Tree,
  path: readonly Uint8Array[],
): boolean {
  if (index < 0 || index >= size || !isPath(path)) return false
  let [fn, sn] = [index, size - 1]
  let hash = leaf
  for (const sibling of path) {
    if (sn === 0) return false
    if (isOdd(fn) || fn === sn) {
      hash = nodeHash(sibling, hash)
      ;[fn, sn] = toOdd(fn, sn)
    } else {
      hash = nodeHash(hash, sibling)
    }
    ;[fn, sn] = [half(fn), half(sn)]
  }
  return sn === 0 && same(hash, root)
}

/** Whether the tree continues the old one (RFC 9162, 2.1.4.2). Every tree continues the one without leaves. */
export function isContinued(old: Tree, { size, root }: Tree, path: readonly Uint8Array[]): boolean {
  if (old.size > size || !isPath(path)) return false
  if (old.size === size || old.size === 0) {
    return path.length === 0 && same(old.root, old.size === size ? root : EMPTY_ROOT)
  }
  let [fn, sn] = [old.size - 1, size - 1]
  while (isOdd(fn)) [fn, sn] = [half(fn), half(sn)]
  // All of the old tree is one complete subtree: its root begins the path, and is not in it.
  const [first, ...rest] = fn === 0 ? [old.root, ...path] : path
  if (first === undefined) return false
  let [before, now] = [first, first]
  for (const hash of rest) {
    if (sn === 0) return false
    if (isOdd(fn) || fn === sn) {
      before = nodeHash(hash, before)
      now = nodeHash(hash, now)
      ;[fn, sn] = toOdd(fn, sn)
    } else {
      now = nodeHash(now, hash)
    }
    ;[fn, sn] = [half(fn), half(sn)]
  }
  return sn === 0 && same(before, old.root) && same(now, root)
}

/** A tree as it is told: how many leaves, and the hash over them. */
export interface Tree {
  readonly size: number
  readonly root: Uint8Array
}

/** The largest power of two below `size`. */
function splitOf(size: number): number {
  let split = 1
  while (split * 2 < size) split *= 2
  return split
}

/** Up to where the node is a right one; a node that has no sibling on its right has none on the levels between. */
function toOdd(fn: number, sn: number): [number, number] {
  while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)]
  return [fn, sn]
}

// Shifts and masks of JavaScript have 32 bits.
function isOdd(value: number): boolean {
  return value % 2 === 1
}

function half(value: number): number {
  return Math.floor(value / 2)
}

function isPath(path: readonly Uint8Array[]): boolean {
  return path.length <= MAX_PATH && path.every(hash => hash.length === HASH_BYTES)
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
