// The vectors of one space as a search scans them: int8 rows in the kernels' memory, and beside them what filters ask for. Reads what is
// sealed on the disk as it is, and grows by what is new. Computes no vector, and knows no block.
import { yieldToEventLoop } from '../../cache/yield-to-event-loop.js'
import type { KernelMatrix, Kernels } from '../../ports.js'
import type { BlockFilter } from '../reports.js'
import type { VectorReader } from '../store/vector-files.js'
import { type ScanColumns, STATES } from './format.js'

/** Rows of one matrix: it is searched within some 2 ms, then other work has its turn. */
const PIECE_ROWS = 65_536
const FIRST_ROWS = 1024
/** Records that are read at once: what a processor keeps near it. */
const READ_RECORDS = 1024
/** Records between turns of the event loop. */
const PER_TURN = 16_384

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
  #columns = columnsOf(FIRST_ROWS)
  #rows = 0
  /** Records without a vector. */
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
    return this.#columns.numbers[place]!
  }

  /** Reads on up to `records`. @throws DamagedRecord; OpDbusError STORE */
  async grow(records: number): Promise<void> {
    // Whatever the seal says: no more than the files hold.
    this.#widen(Math.min(records, this.#files.whole()))
    const room = new Uint8Array(Math.min(READ_RECORDS, records - this.#rows) * this.#files.format.scanBytes)
    while (this.#rows < records) {
      const piece = await this.#room(records)
      const count = Math.min(PER_TURN, records - this.#rows, piece.first + piece.matrix.capacity - this.#rows)
      const before = this.#rows
      this.#put(piece, before, count, room)
      this.#rows += count
      for (let place = before; place < this.#rows; place++)
        if (this.#columns.states[place] !== STATES.vector) this.#dead++
      await yieldToEventLoop()
    }
  }

  /**
   * The `k` rows of blocks from `from` on that fit and are nearest to `query`, best first, of equal ones the newer; and how many fit.
   */
  async nearest(
    query: Float32Array,
    k: number,
    filter: BlockFilter,
    from = 0,
  ): Promise<{ best: Candidate[]; fitting: number }> {
    const rows = this.#rows
    let best: Candidate[] = []
    let fitting = 0
    // The newest first: an older one that is only as near comes behind.
    for (const { matrix, first } of [...this.#pieces].reverse()) {
      const count = Math.min(matrix.rows, rows - first)
      const among = this.#among(filter, from, first, count)
      fitting += among?.length ?? count
      if (among?.length === 0) continue
      // What is farther than k others are is not handed over at all.
      const least = best.length === k ? best[k - 1]!.score : undefined
      const found = await matrix.nearest(query, k, { among, ties: 'higher', least })
      for (const [i, row] of found.rows.entries()) best.push({ place: first + row, score: found.scores[i]! })
      best = best.sort((a, b) => b.score - a.score || b.place - a.place).slice(0, k)
      await yieldToEventLoop()
    }
    return { best, fitting }
  }

  /**
   * Blocks from `from` on that fit, and whose texts have no vector: how many were refused, and the numbers of those that were damaged.
   */
  without(filter: BlockFilter, from = 0): { refused: number; damaged: number[] } {
    let refused = 0
    const damaged: number[] = []
    for (const { matrix, first } of this.#dead > 0 ? this.#pieces : []) {
      const count = Math.min(matrix.rows, this.#rows - first)
      const { states } = this.#columns
      for (const row of this.#among(filter, from, first, count, STATES.refused, STATES.damaged + 1) ?? []) {
        if (states[first + row] === STATES.refused) refused++
        else damaged.push(this.numberAt(first + row))
      }
    }
    return { refused, damaged }
  }

  free(): void {
    for (const { matrix } of this.#pieces) matrix.free()
    this.#pieces.length = 0
  }

  /** The rows of a piece that fit and are in one of these states, by their numbers in it; undefined where all are. */
  #among(
    { plugin, operation, since, until }: BlockFilter,
    from: number,
    first: number,
    count: number,
    leastState: number = STATES.vector,
    belowState: number = STATES.vector + 1,
  ): Uint32Array | undefined {
    const { numbers, times, plugins, operations, states } = this.#columns
    let among: Uint32Array | undefined
    // A column at a time: one loop over numbers is several times faster than one that asks each row everything.
    const keep = (column: Column, least: number, below: number) => {
      among = rowsWithin(column, least, below, { first, count, among })
    }
    const keepName = (column: Column, name: string) => {
      const mark = this.#files.format.nameMark(name)
      keep(column, mark, mark + 1)
    }
    if (plugin !== undefined) keepName(plugins, plugin)
    if (operation !== undefined) keepName(operations, operation)
    if (since !== undefined || until !== undefined)
      keep(times, since ?? Number.NEGATIVE_INFINITY, until ?? Number.POSITIVE_INFINITY)
    if (from > 0) keep(numbers, from, Number.POSITIVE_INFINITY)
    if (this.#dead > 0) keep(states, leastState, belowState)
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
      this.#put(piece, first, this.#rows - first)
      last.matrix.free()
      this.#pieces.pop()
    }
    this.#pieces.push(piece)
    return piece
  }

  #put(
    { matrix, first }: Piece,
    start: number,
    count: number,
    room = new Uint8Array(READ_RECORDS * this.#files.format.scanBytes),
  ): void {
    const { format } = this.#files
    const { dims } = format
    for (let place = start; place < start + count; place += READ_RECORDS) {
      const wanted = Math.min(READ_RECORDS, start + count - place)
      const scales = new Float32Array(wanted)
      const bytes = this.#files.readScan(place, wanted, room)
      const sound = format.readScans(bytes, this.#columns, place, scales)
      if (sound < wanted) throw new DamagedRecord(place + sound)
      for (const scale of scales) if (scale > this.#largestScale) this.#largestScale = scale
      matrix.putInt8(place - first, new Int8Array(bytes.buffer, bytes.byteOffset, wanted * dims), scales)
    }
  }

  #widen(rows: number): void {
    const narrow = this.#columns
    if (rows <= narrow.states.length) return
    const wide = columnsOf(Math.max(rows, Math.ceil(narrow.states.length * 1.5)))
    wide.numbers.set(narrow.numbers)
    wide.times.set(narrow.times)
    wide.plugins.set(narrow.plugins)
    wide.operations.set(narrow.operations)
    wide.states.set(narrow.states)
    this.#columns = wide
  }
}

function columnsOf(rows: number): ScanColumns {
  return {
    numbers: new Float64Array(rows),
    times: new Float64Array(rows),
    plugins: new Uint32Array(rows),
    operations: new Uint32Array(rows),
    states: new Uint8Array(rows),
  }
}

type Column = Float64Array | Uint32Array | Uint8Array

/** Of the rows of a piece (or of those `among` them) the ones whose number in the column is at least `least` and less than `below`. */
function rowsWithin(
  column: Column,
  least: number,
  below: number,
  { first, count, among }: { first: number; count: number; among: Uint32Array | undefined },
): Uint32Array {
  const rows = among ?? new Uint32Array(count)
  const length = among?.length ?? count
  let found = 0
  for (let i = 0; i < length; i++) {
    const row = among === undefined ? i : among[i]!
    const value = column[first + row]!
    if (value >= least && value < below) rows[found++] = row
  }
  return rows.subarray(0, found)
}
