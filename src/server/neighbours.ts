// Which texts in memory lie nearest to a vector: for people who look at what a cache holds. Changes nothing in it.
import { openKernels } from '../kernels.js'
import type { Kernels } from '../ports.js'
import type { Caches } from '../public.js'
import type { LookupReport } from './api.js'

/** Entries that are looked at, most recently used first: of 1,024 dims they are copied in 82 MB. */
const MOST_ENTRIES = 20_000

/** Opened with the first question. One question at a time: each copies what memory holds. */
export class Neighbours {
  #kernels: Promise<Kernels> | undefined
  #turn: Promise<unknown> = Promise.resolve()

  /** The `k` nearest to `vector` by cosine, nearest first, without the entry `id`. */
  of(
    embeddings: Caches['embeddings'],
    vector: Float32Array,
    id: string,
    k: number,
  ): Promise<LookupReport['neighbours']> {
    const found = this.#turn.then(() => this.#nearest(embeddings, vector, id, k))
    this.#turn = found.catch(() => {})
    return found
  }

  async close(): Promise<void> {
    await this.#turn
    ;(await this.#kernels)?.close()
  }

  async #nearest(
    embeddings: Caches['embeddings'],
    vector: Float32Array,
    id: string,
    k: number,
  ): Promise<LookupReport['neighbours']> {
    const { ids, matrix, dims } = embeddings.copyMemory(MOST_ENTRIES)
    if (k === 0 || ids.length === 0 || dims !== vector.length) return []
    this.#kernels ??= openKernels()
    const kernels = await this.#kernels
    const query = vector.slice()
    kernels.normalize(query, dims)
    kernels.normalize(matrix, dims)
    const loaded = await kernels.load(matrix, dims)
    try {
      const { rows, scores } = await loaded.nearest(query, k + 1)
      return Array.from(rows, (row, i) => ({ text: ids[row]!, score: scores[i]! }))
        .filter(({ text }) => text !== id)
        .slice(0, k)
    } finally {
      loaded.free()
    }
  }
}
