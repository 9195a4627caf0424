// How embeddings lie in memory: as rows of a few large arrays, until somebody needs one as an array of its own. A row is
// used again when its entry has gone, so no view of one may ever be handed out.
import type { ValuePool } from '../cache/memory-options.js'
import type { Device, Embedding } from '../ports.js'

/*
 * A Float32Array of its own costs about 400 bytes beside its floats (the array, its ArrayBuffer, V8's record of the memory
 * behind it, malloc's header), and each of these is an object that garbage collection visits. A row costs the 80 bytes of its
 * PooledEmbedding and 8 in `Slab.tenants`.
 *
 * Rows lie densely: where one goes, the last one takes its place. So there is no list of free rows and nothing is
 * fragmented: beside the rows in use, no more is held than what is left of the last slab, and one empty slab.
 */

/** Floats of a slab, about: 256 KiB, which malloc takes from the system and gives back by itself. */
const SLAB_FLOATS = 65_536

export class EmbeddingPool implements ValuePool<Embedding> {
  readonly #dims: number
  readonly #rowsPerSlab: number
  /** All are full but the last, which is never empty. */
  #slabs: Slab[] = []
  /** Kept at hand, so that entries that come and go at a slab's border allocate nothing. */
  #empty: Slab | undefined

  /** `slabFloats`: how many floats a slab has, about; tests take few. */
  constructor(dims: number, slabFloats = SLAB_FLOATS) {
    this.#dims = dims
    this.#rowsPerSlab = Math.max(1, Math.floor(slabFloats / Math.max(1, dims)))
  }

  /** Bytes that are held for rows, in use or not. */
  get bytes(): number {
    const slabs = this.#slabs.length + (this.#empty === undefined ? 0 : 1)
    return 4 * slabs * this.#rowsPerSlab * this.#dims
  }

  /** A copy of `embedding` in a row of this pool. Throws RangeError where the vector has not `dims` floats. */
  put(embedding: Embedding): PooledEmbedding {
    const { length } = embedding.vector
    if (length !== this.#dims) throw new RangeError(`a vector has ${length} floats, not ${this.#dims}`)
    let slab = this.#slabs.at(-1)
    if (slab === undefined || slab.tenants.length === this.#rowsPerSlab) {
      slab = this.#empty ?? new Slab(this, this.#rowsPerSlab, this.#dims)
      this.#empty = undefined
      this.#slabs.push(slab)
    }
    return new PooledEmbedding(embedding, slab)
  }

  lend(pooled: PooledEmbedding): void {
    // Mostly it is already, and reading is cheaper.
    if (!pooled.lent) pooled.lent = true
  }

  /** Its row is free. An embedding that somebody may still hold takes its vector along. */
  release(pooled: PooledEmbedding): void {
    if (pooled.lent) void pooled.vector
    else pooled.leave()
  }

  /** Lets go of all rows at once. Whoever holds an embedding may read it: its slab is not written to any more. */
  clear(): void {
    for (const slab of this.#slabs) slab.pool = undefined
    this.#slabs = []
    this.#empty = undefined
  }

  /** Takes the last row of all out of its slab, to be put where a row has gone. @internal */
  takeLast(): { readonly slab: Slab; readonly row: number; readonly tenant: PooledEmbedding } {
    const slab = this.#slabs.at(-1)!
    const tenant = slab.tenants.pop()!
    const row = slab.tenants.length
    if (row === 0) this.#empty = this.#slabs.pop()
    return { slab, row, tenant }
  }
}

/** Some rows in one buffer. */
class Slab {
  /** Undefined once that was cleared: rows are then read, and never written. */
  pool: EmbeddingPool | undefined
  readonly dims: number
  readonly floats: Float32Array
  /** Whose each row is: as many as rows are in use. */
  readonly tenants: PooledEmbedding[] = []

  constructor(pool: EmbeddingPool, rows: number, dims: number) {
    this.pool = pool
    this.dims = dims
    this.floats = new Float32Array(rows * dims)
  }

  /** A view that is good until the next `put` or `vacate`. */
  view(row: number): Float32Array {
    return this.floats.subarray(row * this.dims, (row + 1) * this.dims)
  }

  /** Nobody reads `row` any more. */
  vacate(row: number): void {
    if (this.pool === undefined) return
    const last = this.pool.takeLast()
    if (last.slab === this && last.row === row) return
    this.floats.set(last.slab.view(last.row), row * this.dims)
    this.tenants[row] = last.tenant
    last.tenant.moveTo(this, row)
  }
}

/** An embedding in a row of a pool. Reads the same for ever. */
export class PooledEmbedding implements Embedding {
  // What every hit reads comes first, on one line of the processor's cache.
  /** Whether anybody but the memory tier may hold this object. @internal */
  lent = false
  #own: Float32Array | undefined
  /** Where the vector lies, as long as it has no array of its own. */
  #slab: Slab | undefined
  #row: number
  readonly tokens: number
  readonly truncated: boolean
  readonly device: Device

  /** Takes the next row of `slab`, which has one. */
  constructor(embedding: Embedding, slab: Slab) {
    this.#slab = slab
    this.#row = slab.tenants.length
    this.tokens = embedding.tokens
    this.truncated = embedding.truncated
    this.device = embedding.device
    slab.floats.set(embedding.vector, this.#row * slab.dims)
    slab.tenants.push(this)
  }

  /** The vector in an array of its own, which it moves to when it is first asked for: the same one every time. */
  get vector(): Float32Array {
    return this.#own ?? this.#moveOut()
  }

  /** A copy of the vector. */
  copy(): Float32Array {
    const slab = this.#slab
    if (slab === undefined) return this.vector.slice()
    return slab.floats.slice(this.#row * slab.dims, (this.#row + 1) * slab.dims)
  }

  /** Copies the vector to `target`, from the index `at` on. */
  copyInto(target: Float32Array, at: number): void {
    target.set(this.#slab?.view(this.#row) ?? this.vector, at)
  }

  /** The same floats are now in `row` of `slab`. @internal */
  moveTo(slab: Slab, row: number): void {
    this.#slab = slab
    this.#row = row
  }

  /** Lets go of the row, which is used again: nobody may read this embedding after it, unless it has an array of its own. @internal */
  leave(): void {
    this.#slab?.vacate(this.#row)
    this.#slab = undefined
  }

  #moveOut(): Float32Array {
    this.#own = this.copy()
    this.leave()
    return this.#own
  }
}

/** A copy of the vector of `embedding`: the caller's to keep and to change. */
export function vectorOf(embedding: Embedding): Float32Array {
  return embedding instanceof PooledEmbedding ? embedding.copy() : embedding.vector.slice()
}

/** Copies the vector of `embedding` to `target`, from the index `at` on. */
export function copyInto(embedding: Embedding, target: Float32Array, at: number): void {
  if (embedding instanceof PooledEmbedding) embedding.copyInto(target, at)
  else target.set(embedding.vector, at)
}
