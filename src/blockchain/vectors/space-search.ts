// Exact search in the vectors of one space: a scan of int8 rows finds who may be nearest, their floats on the disk decide. Follows what
// others write; computes no vector, and reads no block.
import type { Kernels } from '../../ports.js'
import type { BlockFilter } from '../reports.js'
import type { Seal, VectorReader } from '../store/vector-files.js'
import type { VectorFolder } from '../store/vector-folder.js'
import { unit } from './format.js'
import { DamagedRecord, RowIndex } from './row-index.js'

/** Candidates whose floats are looked at for each of the k that are asked for, and at least. More, where that does not settle it. */
const TIMES_K = 4
const LEAST = 40
/** Rows that a scan hands over; and at most, where very many lie as near as int8 can tell. */
const SCANNED = 512
const MOST_SCANNED = 16_384
/** Standard deviations of rounding that are reckoned with: one row in 10^9 is farther off. */
const DEVIATIONS = 6

/** A vector that is near, by the chain's numbers. */
export interface Near {
  readonly number: number
  /** Of the block that it was made of. */
  readonly hash: string
  /** The cosine. */
  readonly score: number
}

export interface NearReport {
  /** Best first, of equal ones the newer. At least the k that were asked for, where there are so many. */
  readonly near: readonly Near[]
  /** Vectors that fit the filter. */
  readonly fitting: number
  /** Blocks that fit and whose texts were refused. */
  readonly refused: number
  /** Numbers of those that fit and were damaged. */
  readonly damaged: readonly number[]
}

export class SpaceSearch {
  readonly space: string
  readonly #folder: VectorFolder
  readonly #kernels: Kernels
  #files: VectorReader | undefined
  #index: RowIndex | undefined
  #seal: Seal | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(folder: VectorFolder, kernels: Kernels, space: string) {
    this.#folder = folder
    this.#kernels = kernels
    this.space = space
  }

  /** The nearest to `query` among blocks from `from` on. Searches take turns. @throws DamagedRecord; OpDbusError STORE */
  nearest(query: Float32Array, k: number, filter: BlockFilter, from = 0): Promise<NearReport> {
    const answer = this.#turn.then(() => this.#nearest(unit(query), k, filter, from))
    this.#turn = answer.catch(() => undefined)
    return answer
  }

  /** Waits for the search under way, and gives back what it stood on. */
  async close(): Promise<void> {
    await this.#turn
    this.#drop()
  }

  async #nearest(query: Float32Array, k: number, filter: BlockFilter, from: number): Promise<NearReport> {
    await this.#follow()
    const [index, files] = [this.#index, this.#files]
    if (index === undefined || files === undefined) return { near: [], fitting: 0, refused: 0, damaged: [] }
    const wanted = Math.max(TIMES_K * k, LEAST)
    const error = int8Error(query, index.largestScale)
    const near: Near[] = []
    const top = new Top(k)
    for (let scanned = Math.max(SCANNED, wanted); ; scanned = Math.min(scanned * 16, MOST_SCANNED)) {
      const { best, fitting } = await index.nearest(query, scanned, filter, from)
      // Those that a shorter list had stand first in this one, too.
      let settled = best.length >= fitting || scanned >= MOST_SCANNED
      for (const { place, score } of best.slice(near.length)) {
        // No row behind this one can be among the k nearest.
        if (near.length >= wanted && score + error < top.least) {
          settled = true
          break
        }
        const one = this.#rescored(files, place, query)
        near.push(one)
        top.add(one.score)
      }
      if (!settled) continue
      near.sort((a, b) => b.score - a.score || b.number - a.number)
      return { near, fitting, ...index.without(filter, from) }
    }
  }

  #rescored(files: VectorReader, place: number, query: Float32Array): Near {
    const record = files.floatsAt(place)
    if (record === undefined || record.number !== this.#index!.numberAt(place)) throw new DamagedRecord(place)
    const { vector, number, hash } = record
    let score = 0
    for (let d = 0; d < query.length; d++) score += query[d]! * vector[d]!
    return { number, hash, score }
  }

  /** Up to what is sealed now; anew where something else than an append happened. */
  async #follow(): Promise<void> {
    let seal = this.#files?.seal()
    if (seal === undefined || seal.generation !== this.#seal?.generation || seal.records < this.#seal.records) {
      this.#drop()
      this.#files = this.#folder.open(this.space)
      if (this.#files === undefined) return
      this.#index = new RowIndex(this.#kernels, this.#files)
      seal = this.#files.seal()
    }
    this.#seal = seal
    await this.#index!.grow(seal.records)
  }

  #drop(): void {
    this.#index?.free()
    this.#files?.close()
    this.#index = undefined
    this.#files = undefined
    this.#seal = undefined
  }
}

/** The highest of the scores that it was given. */
class Top {
  readonly #scores: number[] = []

  constructor(private readonly k: number) {}

  /** The k-th highest. */
  get least(): number {
    return this.#scores.length < this.k ? Number.NEGATIVE_INFINITY : this.#scores.at(-1)!
  }

  add(score: number): void {
    if (score <= this.least) return
    let [low, high] = [0, this.#scores.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#scores[middle]! >= score) low = middle + 1
      else high = middle
    }
    this.#scores.splice(low, 0, score)
    if (this.#scores.length > this.k) this.#scores.pop()
  }
}

/**
 * How far the dot product of two int8 rows may be from the cosine. A number is off by at most half a step, so a vector of length 1 moves it by
 * half a step times the root of the dims; and, as steps are rounded up as often as down, hardly ever by more than some standard deviations.
 */
function int8Error(query: Float32Array, rowStep: number): number {
  const queryStep = query.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127
  const never =
    ((queryStep + rowStep + (queryStep * rowStep * Math.sqrt(query.length)) / 2) / 2) * Math.sqrt(query.length)
  const hardlyEver = DEVIATIONS * Math.sqrt((queryStep ** 2 + rowStep ** 2) / 12)
  return Math.min(never, hardlyEver)
}
