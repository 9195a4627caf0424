// What memory holds of embeddings, copied for who searches it. Counts nothing and moves nothing.
import type { TieredCache } from '../cache/tiered-cache.js'
import type { Embedding } from '../ports.js'
import { copyInto } from './embedding-pool.js'

export interface MemoryCopy {
  /** Texts or, where patterns are on, templates. */
  readonly ids: readonly string[]
  /** A row of `dims` floats for each. */
  readonly matrix: Float32Array
  readonly dims: number
}

/** At most `most` entries, most recently used first. */
export function copyOf(cache: TieredCache<Embedding> | undefined, dims: number, most: number): MemoryCopy {
  const ids: string[] = []
  const rows = Math.min(most, cache?.held ?? 0)
  const matrix = new Float32Array(rows * dims)
  cache?.eachEntry(rows, (id, embedding) => copyInto(embedding, matrix, dims * (ids.push(id) - 1)))
  return { ids, matrix: matrix.subarray(0, ids.length * dims), dims }
}
