// The vectors of one space as a search scans them: int8 rows in the kernels' memory, and beside them what filters ask for. Reads what is
// sealed on the disk as it is, and grows by what is new. Computes no vector, and knows no block.
import { yieldToEventLoop } from '../../cache/yield-to-event-loop.js'
import type { KernelMatrix, Kernels } from '../../ports.js'
import type { BlockFilter } from '../reports.js'
import type { VectorReader } from '../store/vector-files.js'

/** Rows of one matrix: it is searched within some 2 ms, then other work has its turn. */
const PIECE_ROWS = 65_536
const FIRST_ROWS = 1024
/** Records that are read at once. */
const READ_RECORDS = 8192

/** A row that may be among the nearest. */
export interface Candidate {
  /** Of its record in the files. */
  readonly place: number
  /** As int8 rows have it. */
  readonly score: number
}

/** A record that is not what was written. */
export class DamagedRecord extends Error {
  constructor(readonly place: number) {
    super(`the vector at place ${place} is damaged`)
  }
}

/** A part of the rows, in one matrix. */
interface Piece {
  readonly matrix: KernelMatrix
  readonly first: number
}

export class RowIndex {
  readonly #kernels: Kernels
  readonly #files: VectorReader
  readonly #pieces: Piece[] = []
  #numbers = new Float64Array(FIRST_ROWS)
  #times = new Float64Array(FIRST_ROWS)
  #plugins = new Uint32Array(FIRST_ROWS)
  #operations = new Uint32Array(FIRST_ROWS)
  /** 1 where there is a vector. */
  #live = new Uint8Array(FIRST_ROWS)
  #rows = 0
  #dead = 0
  #largestScale = 0

  constructor(kernels: Kernels, files: VectorReader) {
    this.#kernels = kernels
    this.#files = files
  }

  /** Records that were read. */
  get rows(): number {
    return this.#rows
  }

  /** What one step of int8 is in the row where it is largest. */
  get largestScale(): number {
    return this.#largestScale
  }

  numberAt(place: number): number {
    return this.#numbers[place]!
  }

  /** Reads on up to `records`. @throws DamagedRecord; OpDbusError STORE */
  async grow(records: number): Promise<void> {
    while (this.#rows < records) {
      const piece = await this.#room(records)
      const count = Math.min(READ_RECORDS, records - this.#rows, piece.first + piece.matrix.capacity - this.#rows)
      this.#put(piece, this.#rows, count)
      this.#rows += count
      await yieldToEventLoop()
    }
  }

  /**
   * The `k` rows of blocks from `from` on that fit and are nearest to `query`, best first, of equal ones the newer; and how many fit.
   * Only rows that fit are multiplied.
   */
  async nearest(
    query: Float32Array,
    k: number,
    filter: BlockFilter,
    from = 0,
  ): Promise<{ best: Candidate[]; fitting: number }> {
    const rows = this.#rows
    const best: Candidate[] = []
    let fitting = 0
    for (const { matrix, first } of this.#pieces) {
      const count = Math.min(matrix.rows, rows - first)
      const among = this.#among(filter, from, first, count)
      fitting += among?.length ?? count
      if (among?.length === 0) continue
      const found = await matrix.nearest(query, k, { among, ties: 'higher' })
      for (const [i, row] of found.rows.entries()) best.push({ place: first + row, score: found.scores[i]! })
      await yieldToEventLoop()
    }
    best.sort((a, b) => b.score - a.score || b.place - a.place)
    return { best: best.slice(0, k), fitting }
  }

  free(): void {
    for (const { matrix } of this.#pieces) matrix.free()
    this.#pieces.length = 0
  }

  /** The rows of a piece that fit, by their numbers in it; undefined where all do. */
  #among(
    { plugin, operation, since, until }: BlockFilter,
    from: number,
    first: number,
    count: number,
  ): Uint32Array | undefined {
    const { format } = this.#files
    let among: Uint32Array | undefined
    // A column at a time: one loop over numbers is several times faster than one that asks each row everything.
    const keep = (fits: (place: number) => boolean) => {
      among = rowsThat(fits, first, count, among)
    }
    const is = (marks: Uint32Array, name: string) => {
      const mark = format.nameMark(name)
      keep(place => marks[place] === mark)
    }
    if (plugin !== undefined) is(this.#plugins, plugin)
    if (operation !== undefined) is(this.#operations, operation)
    if (since !== undefined) keep(place => this.#times[place]! >= since)
    if (until !== undefined) keep(place => this.#times[place]! < until)
    if (from > 0) keep(place => this.#numbers[place]! >= from)
    if (this.#dead > 0) keep(place => this.#live[place] === 1)
    return among
  }

  /** A piece with room for at least one more row. */
  async #room(records: number): Promise<Piece> {
    const last = this.#pieces.at(-1)
    const full = last === undefined || last.matrix.rows === PIECE_ROWS
    const first = full ? this.#rows : last.first
    if (!full && last.matrix.rows < last.matrix.capacity) return last
    const wanted = Math.max(FIRST_ROWS, records - first, full ? 0 : 2 * last.matrix.capacity)
    const capacity = Math.min(PIECE_ROWS, wanted)
    const { dims } = this.#files.record
    const matrix = await this.#kernels.load(new Float32Array(0), dims, { precision: 'int8', capacity })
    const piece = { matrix, first }
    if (!full) {
      // Those that it had are read from the files once more: there is no second copy of them in memory.
      for (let row = first; row < this.#rows; row += READ_RECORDS)
        this.#put(piece, row, Math.min(READ_RECORDS, this.#rows - row))
      last.matrix.free()
      this.#pieces.pop()
    }
    this.#pieces.push(piece)
    return piece
  }

  #put({ matrix, first }: Piece, place: number, count: number): void {
    const { format } = this.#files
    const { dims } = format
    const bytes = this.#files.readScan(place, count)
    const rows = new Int8Array(count * dims)
    const scales = new Float32Array(count)
    this.#widen(place + count)
    for (let i = 0; i < count; i++) {
      const start = i * format.scanBytes
      const record = start < bytes.length ? format.readScan(bytes.subarray(start, start + format.scanBytes)) : undefined
      if (record === undefined) throw new DamagedRecord(place + i)
      rows.set(record.row, i * dims)
      scales[i] = record.scale
      if (record.scale > this.#largestScale) this.#largestScale = record.scale
      const at = place + i
      this.#numbers[at] = record.number
      this.#times[at] = record.timestamp
      this.#plugins[at] = record.plugin
      this.#operations[at] = record.operation
      this.#live[at] = record.state === 'vector' ? 1 : 0
      if (record.state !== 'vector' && at >= this.#rows) this.#dead++
    }
    matrix.putInt8(place - first, rows, scales)
  }

  #widen(rows: number): void {
    if (rows <= this.#numbers.length) return
    const size = Math.max(rows, Math.ceil(this.#numbers.length * 1.5))
    this.#numbers = into(new Float64Array(size), this.#numbers)
    this.#times = into(new Float64Array(size), this.#times)
    this.#plugins = into(new Uint32Array(size), this.#plugins)
    this.#operations = into(new Uint32Array(size), this.#operations)
    this.#live = into(new Uint8Array(size), this.#live)
  }
}

function into<T extends Float64Array | Uint32Array | Uint8Array>(wide: T, narrow: T): T {
  wide.set(narrow)
  return wide
}

/** Of the rows of a piece (or of those `among` them) the ones whose place fits. */
function rowsThat(fits: (place: number) => boolean, first: number, count: number, among?: Uint32Array): Uint32Array {
  const rows = among ?? new Uint32Array(count)
  const length = among?.length ?? count
  let found = 0
  for (let i = 0; i < length; i++) {
    const row = among === undefined ? i : among[i]!
    if (fits(first + row)) rows[found++] = row
  }
  return rows.subarray(0, found)
}
