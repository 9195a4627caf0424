// Exact search in the vectors of one space: a scan of int8 rows finds who may be nearest, their floats on the disk decide. Follows what
// others write; computes no vector, and reads no block.
import type { Kernels } from '../../ports.js'
import type { BlockFilter } from '../reports.js'
import type { Seal, VectorReader } from '../store/vector-files.js'
import type { VectorFolder } from '../store/vector-folder.js'
import { unit } from './format.js'
import { DamagedRecord, RowIndex } from './row-index.js'

/** Candidates for each of the k that are asked for, and at least: with so many, 1,000,000 vectors of 384 dims had a recall of 1. */
const TIMES_K = 4
const LEAST = 40
/** Rows that a scan hands over, so that equal vectors (equal texts) do not push the others out; and at most, when they do. */
const SCANNED = 96
const MOST_SCANNED = 65_536

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

  /** The first block that has not been looked at when the last search began. */
  get next(): number {
    return this.#seal?.next ?? 0
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
    if (index === undefined || files === undefined) return { near: [], fitting: 0 }
    const wanted = Math.max(TIMES_K * k, LEAST)
    for (let scanned = Math.max(SCANNED, wanted); ; scanned *= 16) {
      const { best, fitting } = await index.nearest(query, scanned, filter, from)
      const near: Near[] = []
      let groups = 0
      let inGroup = 0
      for (const [i, { place, score }] of best.entries()) {
        // Equal texts have equal vectors, so equal scores: of each, the k newest are as many as can be asked for.
        const isNew = score !== best[i - 1]?.score
        if (isNew && ++groups > wanted) break
        inGroup = isNew ? 1 : inGroup + 1
        if (inGroup <= wanted) near.push(this.#rescored(files, place, query))
      }
      if (groups < wanted && best.length < fitting && scanned < MOST_SCANNED) continue
      near.sort((a, b) => b.score - a.score || b.number - a.number)
      return { near, fitting }
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
