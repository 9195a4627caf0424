// Requests that are collected one by one, of which nobody knows beforehand how many there are, and made into columns in the end. Holds them once.
import { KEY_SPAN, newRequests, type Requests } from './requests.js'

/** The first piece has room for so many, each next one for twice as many, up to the last. */
const FIRST_PIECE = 256
const LARGEST_PIECE = 65_536

/** One request, as it is collected. The fields are those of {@link Requests}. */
export interface OneRequest {
  at: number
  cache: number
  key: number
  bytes: number
  tokens: number
  cost: number
  micros: number
  outcome: number
}

export const REQUEST_COLUMNS = ['at', 'cache', 'key', 'bytes', 'tokens', 'cost', 'micros', 'outcome'] as const

/** A piece of the list. Its columns are let go one by one as they are put together. */
interface Piece {
  readonly room: number
  used: number
  columns: { -readonly [K in keyof Omit<Requests, 'length'>]: Requests[K] }
}

export class RequestList {
  readonly #pieces: Piece[] = []
  #length = 0
  #last = Number.NEGATIVE_INFINITY

  get length(): number {
    return this.#length
  }

  /** A request that came before the one before it is taken as if it had come at the same time. */
  push(one: Readonly<OneRequest>): void {
    let piece = this.#pieces.at(-1)
    if (piece === undefined || piece.used === piece.room) {
      const room = Math.min(LARGEST_PIECE, piece === undefined ? FIRST_PIECE : 2 * piece.room)
      piece = { room, used: 0, columns: newRequests(room) }
      this.#pieces.push(piece)
    }
    const { columns, used } = piece
    this.#last = Math.max(this.#last, one.at)
    columns.at[used] = this.#last
    columns.cache[used] = one.cache
    columns.key[used] = one.key
    columns.bytes[used] = one.bytes
    columns.tokens[used] = one.tokens
    columns.cost[used] = one.cost
    columns.micros[used] = one.micros
    columns.outcome[used] = one.outcome
    piece.used++
    this.#length++
  }

  /** Leaves that part of the keys alone: those below it. */
  keepBelow(rate: number): void {
    const threshold = rate * KEY_SPAN
    for (const piece of this.#pieces) {
      const { columns } = piece
      let kept = 0
      for (let i = 0; i < piece.used; i++) {
        if (columns.key[i]! >= threshold) continue
        if (kept < i) for (const name of REQUEST_COLUMNS) columns[name][kept] = columns[name][i]!
        kept++
      }
      this.#length -= piece.used - kept
      piece.used = kept
    }
  }

  /** The columns. The list is empty afterwards: a column of its pieces goes before the next one is put together. */
  finish(): Requests {
    const all: { -readonly [K in keyof Requests]: Requests[K] } = { ...newRequests(0), length: this.#length }
    for (const name of REQUEST_COLUMNS) {
      const column = new (all[name].constructor as new (length: number) => Requests[typeof name])(this.#length)
      let at = 0
      for (const piece of this.#pieces) {
        column.set(piece.columns[name].subarray(0, piece.used), at)
        at += piece.used
        piece.columns[name] = NOTHING[name] as never
      }
      all[name] = column as never
    }
    this.#pieces.length = 0
    this.#length = 0
    return all
  }
}

const NOTHING = newRequests(0)
