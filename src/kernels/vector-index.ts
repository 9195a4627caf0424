// Vectors under ids, and which of them lie nearest to another. Knows neither texts nor caches.
import { invalid, OpDbusError } from '../errors.js'
import type { KernelDevice, KernelMatrix, Kernels } from '../ports.js'
import { checkCount, checkDims, checkKernels, checkOptions, checkVector, shown } from './checks.js'
import { type Projection, project } from './project.js'

export interface VectorIndexOptions {
  readonly dims: number
  /** False where lengths mean something: scores are dot products then, not cosines. Default: true. */
  readonly normalize?: boolean | undefined
}

export interface Neighbour {
  readonly id: string
  /** Cosine of the angle, from -1 to 1; the dot product in an index that does not normalise. */
  readonly score: number
}

/** Where each id lies on a map of two dimensions. */
export interface VectorMap extends Omit<Projection, 'points'> {
  readonly points: readonly { readonly id: string; readonly x: number; readonly y: number }[]
}

const FIRST_CAPACITY = 64

/**
 * The rows stay where they are searched, in one matrix that doubles when it is full. What is removed is replaced by the last
 * row. Calls take turns, in the order in which they are made: so no row moves while a search is under way.
 * Throws and rejects with INVALID_INPUT for an id that is no string, a vector of other dims or with a number that is not
 * finite; with CLOSED after `close`.
 */
export class VectorIndex {
  readonly dims: number
  readonly #kernels: Kernels
  readonly #normalize: boolean
  readonly #rowOf = new Map<string, number>()
  /** The id of each row. */
  readonly #ids: string[] = []
  #matrix: KernelMatrix | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(kernels: Kernels, options: VectorIndexOptions) {
    checkKernels(kernels)
    checkOptions(options, 'the options of an index')
    const { dims, normalize = true } = options
    checkDims(dims)
    this.dims = dims
    this.#kernels = kernels
    this.#normalize = normalize
  }

  get size(): number {
    return this.#ids.length
  }

  /** What the last search ran on, and the next will if nothing changes. */
  get device(): KernelDevice {
    return this.#matrix?.device ?? this.#kernels.device
  }

  has(id: string): boolean {
    checkId(id)
    return this.#rowOf.has(id)
  }

  ids(): IterableIterator<string> {
    return this.#rowOf.keys()
  }

  /** Puts a vector in, over the one that had its id. The vector is copied at once. */
  set(id: string, vector: Float32Array): Promise<void> {
    return this.setMany([[id, vector]])
  }

  /** All or, where one is refused, none. A later one with the same id wins. */
  async setMany(items: Iterable<readonly [string, Float32Array]>): Promise<void> {
    const latest = latestOf(items)
    const vectors = new Float32Array(latest.size * this.dims)
    let at = 0
    for (const [id, vector] of latest) {
      vectors.set(this.#checked(vector, `the vector of ${shown(id)}`), at)
      at += this.dims
    }
    return this.#inTurn(() => this.#put([...latest.keys()], vectors))
  }

  /** How many of `ids` were there. */
  async remove(...ids: readonly string[]): Promise<number> {
    for (const id of ids) checkId(id)
    return this.#inTurn(async () => ids.filter(id => this.#drop(id)).length)
  }

  clear(): Promise<void> {
    return this.#inTurn(async () => {
      this.#rowOf.clear()
      this.#ids.length = 0
      this.#matrix?.free()
      this.#matrix = undefined
    })
  }

  /** A copy of what is searched: of length 1 where the index normalises. */
  async vector(id: string): Promise<Float32Array | undefined> {
    checkId(id)
    return this.#inTurn(async () => {
      const row = this.#rowOf.get(id)
      return row === undefined ? undefined : this.#matrix?.read(row, 1)
    })
  }

  /** The `k` that score highest, best first, all where there are fewer. An id finds itself first. */
  async nearest(to: Float32Array | string, k: number): Promise<Neighbour[]> {
    checkCount(k, 'k')
    const query = typeof to === 'string' ? undefined : this.#checked(to, 'the query')
    return this.#inTurn(async () => {
      const matrix = this.#matrix
      const from = query ?? this.#vectorOf(to as string)
      if (matrix === undefined) return []
      const { rows, scores } = await matrix.nearest(from, k)
      return Array.from(rows, (row, i) => ({ id: this.#ids[row]!, score: scores[i]! }))
    })
  }

  /** All on a map of two dimensions; see `project`. */
  project(): Promise<VectorMap> {
    return this.#inTurn(async () => {
      const { points, ...rest } = await project(this.#kernels, await this.#roomFor(this.size))
      return { ...rest, points: this.#ids.map((id, row) => ({ id, x: points[2 * row]!, y: points[2 * row + 1]! })) }
    })
  }

  /** Gives the room back; the kernels stay open. What was asked before is still answered. Closing twice is fine. */
  close(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    const done = this.clear()
    this.#closed = true
    return done
  }

  async #put(ids: readonly string[], vectors: Float32Array): Promise<void> {
    const fresh = ids.filter(id => !this.#rowOf.has(id))
    const matrix = await this.#roomFor(this.size + fresh.length)
    for (let i = 0; i < ids.length; ) {
      // As many at once as go into rows that follow one another: all of them, where all are new.
      const first = this.#rowFor(ids[i]!)
      let end = i + 1
      while (end < ids.length && this.#rowFor(ids[end]!) === first + end - i) end++
      matrix.put(first, vectors.subarray(i * this.dims, end * this.dims))
      i = end
    }
  }

  /** The row of `id`, a new one at the end if it has none. */
  #rowFor(id: string): number {
    let row = this.#rowOf.get(id)
    if (row === undefined) {
      row = this.#ids.push(id) - 1
      this.#rowOf.set(id, row)
    }
    return row
  }

  async #roomFor(rows: number): Promise<KernelMatrix> {
    const old = this.#matrix
    if (old !== undefined && rows <= old.capacity) return old
    const capacity = Math.max(FIRST_CAPACITY, rows, 2 * (old?.capacity ?? 0))
    const kept = old?.read(0, old.rows) ?? new Float32Array(0)
    this.#matrix = await this.#kernels.load(kept, this.dims, { capacity })
    old?.free()
    return this.#matrix
  }

  #drop(id: string): boolean {
    const row = this.#rowOf.get(id)
    const matrix = this.#matrix
    if (row === undefined || matrix === undefined) return false
    const last = this.#ids.length - 1
    const lastId = this.#ids[last]!
    if (row !== last) {
      matrix.put(row, matrix.read(last, 1))
      this.#ids[row] = lastId
      this.#rowOf.set(lastId, row)
    }
    this.#rowOf.delete(id)
    this.#ids.pop()
    matrix.cut(last)
    return true
  }

  #vectorOf(id: string): Float32Array {
    const row = this.#rowOf.get(id)
    if (row === undefined || this.#matrix === undefined) throw invalid(`nothing has the id ${shown(id)}`)
    return this.#matrix.read(row, 1)
  }

  /** A copy, of length 1 where the index normalises. */
  #checked(vector: Float32Array, what: string): Float32Array {
    checkVector(vector, this.dims, what)
    const copy = vector.slice()
    if (this.#normalize) this.#kernels.normalize(copy, this.dims)
    return copy
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new OpDbusError('CLOSED', 'this index was closed'))
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => undefined)
    return result
  }
}

function checkId(id: unknown): void {
  if (typeof id !== 'string') throw invalid(`an id must be a string; got ${shown(id)}`)
}

/** Each id once, with the last of its vectors. */
function latestOf(items: Iterable<readonly [string, Float32Array]>): Map<string, Float32Array> {
  const latest = new Map<string, Float32Array>()
  if (typeof items?.[Symbol.iterator] !== 'function')
    throw invalid(`what is set must be pairs [id, vector]; got ${shown(items)}`)
  for (const item of items) {
    if (!Array.isArray(item)) throw invalid(`what is set must be pairs [id, vector]; got ${shown(item)} among them`)
    const [id, vector] = item
    checkId(id)
    latest.set(id, vector)
  }
  return latest
}
