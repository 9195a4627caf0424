// A matrix in memory that this thread can reach. Checks what is asked; a block of rows does the arithmetic.
import { invalid, OpDbusError } from '../errors.js'
import type { KernelDevice, KernelMatrix, NearestOptions, NearestRows } from '../ports.js'
import { checkAmong, checkCount, checkInt8Rows, checkOptions, checkRows, checkVector, rowsOf, shown } from './checks.js'
import { cutBelow, topK } from './top-k.js'

/** Room for rows, and who multiplies them. Gets only arguments that were checked. */
export interface RowBlock {
  write(first: number, vectors: Float32Array): void
  /** Absent where rows are not kept as int8. */
  writeInt8?(first: number, rows: Int8Array, scales: Float32Array): void
  /** A copy. */
  read(first: number, count: number): Float32Array
  /** One score for each of the first `rows` rows. Good until the next call: the block may use it again. */
  dot(query: Float32Array, rows: number): Float32Array
  /** As `dot`, one score for each of these rows, bit for bit the same. */
  dotAmong(query: Float32Array, among: Uint32Array): Float32Array
  /** Absent: the scores of all rows are looked through. */
  nearest?(query: Float32Array, k: number, wanted: Wanted): NearestRows
  free(): void
}

/** Which rows may be the nearest. */
export interface Wanted {
  /** Of the first so many. */
  readonly rows: number
  /** Of these alone, in ascending order. */
  readonly among: Uint32Array | undefined
  /** Of equal scores the one with the higher row comes first. */
  readonly higher: boolean
  readonly least: number
}

/** Whose matrix it is: closed once, with all its matrices. */
export interface Owner {
  readonly device: KernelDevice
  readonly closed: boolean
}

export class HostMatrix implements KernelMatrix {
  readonly #owner: Owner
  #block: RowBlock | undefined
  #rows = 0

  constructor(
    owner: Owner,
    readonly dims: number,
    readonly capacity: number,
    block: RowBlock,
  ) {
    this.#owner = owner
    this.#block = block
  }

  get device(): KernelDevice {
    return this.#owner.device
  }

  get rows(): number {
    return this.#rows
  }

  put(first: number, vectors: Float32Array): void {
    const block = this.#open()
    const count = rowsOf(vectors, this.dims, 'what is put in')
    this.#checkPlace(first, count)
    checkRows(vectors, this.dims)
    block.write(first, vectors)
    this.#rows = Math.max(this.#rows, first + count)
  }

  putInt8(first: number, rows: Int8Array, scales: Float32Array): void {
    const block = this.#open()
    if (block.writeInt8 === undefined) throw invalid('rows of int8 go into a matrix whose precision is int8')
    const count = checkInt8Rows(rows, scales, this.dims)
    this.#checkPlace(first, count)
    block.writeInt8(first, rows, scales)
    this.#rows = Math.max(this.#rows, first + count)
  }

  cut(rows: number): void {
    this.#open()
    checkCount(rows, 'rows')
    this.#rows = Math.min(this.#rows, rows)
  }

  read(first: number, count: number): Float32Array {
    const block = this.#open()
    checkCount(first, 'first')
    checkCount(count, 'count')
    if (first + count > this.#rows)
      throw invalid(`there are no ${count} rows from row ${first} on: the matrix has ${this.#rows}`)
    return block.read(first, count)
  }

  async dot(query: Float32Array): Promise<Float32Array> {
    return this.#scores(query).slice()
  }

  async nearest(query: Float32Array, k: number, options: NearestOptions = {}): Promise<NearestRows> {
    checkCount(k, 'k')
    checkOptions(options, 'the options of a search')
    const { among, ties = 'lower', least = Number.NEGATIVE_INFINITY } = options
    if (ties !== 'lower' && ties !== 'higher') throw invalid(`ties must be lower or higher; got ${shown(ties)}`)
    if (typeof least !== 'number' || Number.isNaN(least)) throw invalid(`least must be a number; got ${shown(least)}`)
    const block = this.#open()
    checkVector(query, this.dims)
    if (among !== undefined) checkAmong(among, this.#rows)
    const higher = ties === 'higher'
    if (block.nearest !== undefined) return block.nearest(query, k, { rows: this.#rows, among, higher, least })
    if (among === undefined) return cutBelow(topK(block.dot(query, this.#rows), k, higher), least)
    const { rows, scores } = cutBelow(topK(block.dotAmong(query, among), k, higher), least)
    return { rows: rows.map(place => among[place]!), scores }
  }

  free(): void {
    this.#block?.free()
    this.#block = undefined
  }

  #checkPlace(first: number, count: number): void {
    if (!Number.isInteger(first) || first < 0 || first > this.#rows)
      throw invalid(`rows go in from 0 to ${this.#rows}, right behind what is there; got ${shown(first)}`)
    if (first + count > this.capacity)
      throw invalid(`${count} rows from row ${first} on do not fit: the matrix has room for ${this.capacity}`)
  }

  #scores(query: Float32Array): Float32Array {
    const block = this.#open()
    checkVector(query, this.dims)
    return block.dot(query, this.#rows)
  }

  #open(): RowBlock {
    if (this.#block === undefined || this.#owner.closed)
      throw new OpDbusError('CLOSED', 'this matrix was freed, or its kernels were closed')
    return this.#block
  }
}
