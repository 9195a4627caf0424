// One batch from token ids to finished vectors: pad, run, pool, normalise. Keeps nothing between two batches.

import { OpDbusError } from '../../errors.js'
import type { Backend, BackendOutput, TokenBatch } from '../../ports.js'
import type { ModelSpec } from '../model/spec.js'
import { finishRow, poolRow } from './pooling.js'

/** What of a model decides how token vectors become a text's vector. */
export type VectorSpec = Pick<ModelSpec, 'dims' | 'hiddenDims' | 'pooling' | 'normalize' | 'padId'>

/** A tokenised text. */
export interface TokenRow {
  readonly ids: ArrayLike<number>
}

/** Row `i` of `matrix` (`kept.length x dims`, row-major) is the vector of `kept[i]`. */
export interface FinishedBatch<T> {
  readonly kept: readonly T[]
  readonly matrix: Float32Array
  /** Their vectors hold a NaN or an infinity. */
  readonly notFinite: readonly T[]
}

/**
 * The vectors of `items`, in one run of `backend`. `sums` is scratch space of `dims` numbers.
 * Rejects with what the backend says, and with UNSUPPORTED_MODEL when its answer has another size than the model's files say.
 */
export async function runBatch<T extends TokenRow>(
  backend: Pick<Backend, 'run'>,
  spec: VectorSpec,
  items: readonly T[],
  sums: Float64Array,
): Promise<FinishedBatch<T>> {
  const batch = toBatch(items, spec.padId)
  return finishBatch(items, batch, await backend.run(batch), spec, sums)
}

function finishBatch<T extends TokenRow>(
  items: readonly T[],
  { rows, width }: TokenBatch,
  { vectors, pooled }: BackendOutput,
  { dims, hiddenDims, pooling, normalize }: VectorSpec,
  sums: Float64Array,
): FinishedBatch<T> {
  if (vectors.length !== rows * (pooled ? 1 : width) * hiddenDims)
    throw new OpDbusError(
      'UNSUPPORTED_MODEL',
      `the model answered ${vectors.length} numbers for ${rows} texts of ${width} tokens; its files say ${hiddenDims} dims`,
    )
  // What a runtime hands out is not written into.
  const matrix = pooled && dims === hiddenDims ? vectors.slice() : new Float32Array(rows * dims)
  const kept: T[] = []
  const notFinite: T[] = []
  for (let row = 0; row < rows; row++) {
    const item = items[row]!
    const at = row * dims
    if (!pooled) {
      const vector = matrix.subarray(at, at + dims)
      poolRow(vectors, row * width * hiddenDims, hiddenDims, item.ids.length, pooling, sums, vector)
    } else if (dims < hiddenDims) matrix.set(vectors.subarray(row * hiddenDims, row * hiddenDims + dims), at)
    if (!finishRow(matrix, at, dims, normalize)) {
      notFinite.push(item)
      continue
    }
    if (kept.length < row) matrix.copyWithin(kept.length * dims, at, at + dims)
    kept.push(item)
  }
  return { kept, matrix: kept.length === rows ? matrix : matrix.slice(0, kept.length * dims), notFinite }
}

/**
 * Pads on the right to the longest item, and to two at least: where a graph is quantised as it runs, padding shows in a
 * vector, and those of texts of one token are kept already.
 */
function toBatch(items: readonly TokenRow[], padId: number): TokenBatch {
  const rows = items.length
  const width = items.reduce((most, item) => Math.max(most, item.ids.length), 2)
  const inputIds = new BigInt64Array(rows * width)
  const attentionMask = new BigInt64Array(rows * width)
  // The low halves of the 64-bit numbers: ids are small, and a BigInt per token costs more than tokenising.
  const ids = new Int32Array(inputIds.buffer)
  const mask = new Int32Array(attentionMask.buffer)
  for (let row = 0; row < rows; row++) {
    const tokens = items[row]!.ids
    let at = row * width * 2
    for (let i = 0; i < tokens.length; i++, at += 2) {
      ids[at] = tokens[i]!
      mask[at] = 1
    }
    for (const end = (row + 1) * width * 2; at < end; at += 2) ids[at] = padId
  }
  return { rows, width, inputIds, attentionMask }
}
