// The hashes that a Merkle tree is kept as: those of whole subtrees of 1, 256, 65,536 ... leaves, level by level. What is complete may lie
// elsewhere, and is checked against its parent when it comes back. Opens no file.
import { HASH_BYTES, join, type Range, rootOf, type Subtree, subtreesOf } from './merkle.js'

/** Hashes in a tile, which is a node of a level and eight levels of nodes below it: as C2SP tlog-tiles has them. */
export const TILE = 256
const TILE_BYTES = TILE * HASH_BYTES
export const TILE_HEIGHT = 8
/** Tiles in memory that were read and checked: half a megabyte. */
const KEPT = 64
/** Roots of whole subtrees in memory, of this many hashes or more: they never change, and many proofs need the same. */
const KEPT_ROOTS = 4096
const WORTH_KEEPING = 4

/** Gives what was kept: hashes `from` to `from + count` of a level; undefined where they are not all there. */
export type ReadHashes = (level: number, from: number, count: number) => Buffer | undefined

/** What was kept is not what it was. */
export class TreeDamage extends Error {}

/** The end of a level, in memory. */
interface Edge {
  /** The number of the first hash that is here: those before are whole tiles, and kept elsewhere. */
  first: number
  /** Hashes here. */
  count: number
  bytes: Buffer
}

export class TreeLevels {
  readonly #read: ReadHashes
  readonly #edges: Edge[] = []
  /** Whole tiles that were read and checked, by `level/index`, those longest unused first. */
  readonly #tiles = new Map<string, Buffer>()
  /** By `height/index`. */
  readonly #roots = new Map<string, Buffer>()
  #size: number

  /**
   * A tree of `size` leaves (a multiple of 256) that was kept.
   * @throws TreeDamage where the ends of its levels are not there
   */
  constructor(size: number, read: ReadHashes) {
    this.#read = read
    this.#size = size
    for (let level = 0; level === 0 || countAt(level, size) > 0; level++) {
      const count = countAt(level, size) % TILE
      const first = countAt(level, size) - count
      const bytes = count === 0 ? Buffer.alloc(0) : read(level, first, count)
      if (bytes === undefined) throw new TreeDamage(`the hashes at height ${level * TILE_HEIGHT} are not all there`)
      this.#edges.push({ first, count, bytes })
    }
  }

  /** Leaves. */
  get size(): number {
    return this.#size
  }

  /** Adds a leaf. */
  push(hash: Uint8Array): void {
    this.#size++
    this.#append(0, hash)
  }

  /** The hash of a leaf. @throws TreeDamage */
  leaf(index: number): Buffer {
    return this.hashes(0, index, 1)
  }

  /** The root over the first `size` leaves. @throws TreeDamage */
  root(size: number): Uint8Array {
    return this.node({ from: 0, to: size })
  }

  /** The hash of a node. @throws TreeDamage */
  node(range: Range): Uint8Array {
    return join(subtreesOf(range).map(subtree => this.#subtree(subtree)))
  }

  /** A copy of hashes of a level, one behind the other. @throws TreeDamage */
  hashes(level: number, from: number, count: number): Buffer {
    const copy = Buffer.alloc(count * HASH_BYTES)
    for (let done = 0; done < count; ) {
      const at = from + done
      const wanted = Math.min(count - done, TILE - (at % TILE))
      this.#part(level, at, wanted).copy(copy, done * HASH_BYTES)
      done += wanted
    }
    return copy
  }

  /** Leaves as they are kept, from one on, at most `count` of them: not checked, for who looks for something and then looks at that. */
  unchecked(from: number, count: number): Buffer {
    const { first } = this.#edges[0]!
    if (from >= first) return this.hashes(0, from, Math.min(count, this.#size - from))
    const bytes = this.#read(0, from, Math.min(count, first - from))
    if (bytes === undefined) throw new TreeDamage('the hashes of leaves are not all there')
    return bytes
  }

  /** Looks at the tile around a leaf, where it is kept elsewhere. @throws TreeDamage */
  check(leaf: number): void {
    if (leaf < this.#edges[0]!.first) this.#checked(0, Math.floor(leaf / TILE))
  }

  /** The hashes that a tree of `saved` leaves does not have yet, up to a whole number of tiles of leaves: by level, what is to be kept. */
  *unsaved(saved: number): Iterable<{ readonly level: number; readonly from: number; readonly bytes: Uint8Array }> {
    const size = this.wholeSize
    for (let level = 0; countAt(level, size) > countAt(level, saved); level++) {
      const { first, bytes } = this.#edges[level]!
      const [from, to] = [countAt(level, saved), countAt(level, size)]
      yield { level, from, bytes: bytes.subarray((from - first) * HASH_BYTES, (to - first) * HASH_BYTES) }
    }
  }

  /** Leaves in whole tiles. */
  get wholeSize(): number {
    return this.#size - (this.#size % TILE)
  }

  /** All of {@link unsaved} is kept now: whole tiles need not stay in memory. */
  saved(): void {
    for (const edge of this.#edges) {
      const whole = edge.count - (edge.count % TILE)
      edge.bytes = Buffer.from(edge.bytes.subarray(whole * HASH_BYTES, edge.count * HASH_BYTES))
      edge.first += whole
      edge.count -= whole
    }
  }

  #append(level: number, hash: Uint8Array): void {
    this.#edges[level] ??= { first: 0, count: 0, bytes: Buffer.alloc(0) }
    const edge = this.#edges[level]
    const at = edge.count * HASH_BYTES
    if (at === edge.bytes.length) {
      const larger = Buffer.alloc(Math.max(2 * at, TILE_BYTES / 8))
      edge.bytes.copy(larger)
      edge.bytes = larger
    }
    edge.bytes.set(hash, at)
    edge.count++
    const count = edge.first + edge.count
    if (count % TILE === 0) this.#append(level + 1, rootOf(this.hashes(level, count - TILE, TILE)))
  }

  #subtree({ height, index }: Subtree): Buffer {
    const level = Math.floor(height / TILE_HEIGHT)
    const width = 2 ** (height % TILE_HEIGHT)
    if (width < WORTH_KEEPING) return rootOf(this.hashes(level, index * width, width))
    const name = `${height}/${index}`
    const root = this.#roots.get(name) ?? Buffer.from(rootOf(this.hashes(level, index * width, width)))
    if (this.#roots.size >= KEPT_ROOTS) this.#roots.clear()
    this.#roots.set(name, root)
    return root
  }

  /** Hashes of one tile. Not to be changed. */
  #part(level: number, from: number, count: number): Buffer {
    const edge = this.#edges[level]
    if (edge === undefined || from + count > edge.first + edge.count) throw new RangeError('past the end of the tree')
    const [source, at] = from >= edge.first ? [edge.bytes, from - edge.first] : [this.#tile(level, from), from % TILE]
    return source.subarray(at * HASH_BYTES, (at + count) * HASH_BYTES)
  }

  /** The whole tile around a hash: what was kept elsewhere, and leads to its parent. */
  #tile(level: number, around: number): Buffer {
    const index = Math.floor(around / TILE)
    const name = `${level}/${index}`
    const known = this.#tiles.get(name)
    const tile = known ?? this.#checked(level, index)
    this.#tiles.delete(name)
    this.#tiles.set(name, tile)
    if (this.#tiles.size > KEPT) this.#tiles.delete(this.#tiles.keys().next().value!)
    return tile
  }

  #checked(level: number, index: number): Buffer {
    const tile = this.#read(level, index * TILE, TILE)
    if (tile === undefined || !rootOf(Buffer.from(tile)).equals(this.hashes(level + 1, index, 1))) {
      throw new TreeDamage(`the hashes at height ${level * TILE_HEIGHT} from ${index * TILE} on are not what they were`)
    }
    return tile
  }
}

/** How many whole subtrees of a level a tree has. */
export function countAt(level: number, size: number): number {
  return Math.floor(size / TILE ** level)
}
