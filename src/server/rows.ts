// Many texts at once, where some may fail: what is there of the others, and why those did. Knows no requests.
import { BatchError, isOpDbusError } from '../errors.js'
import type { Caches, EmbeddingMatrix } from '../public.js'
import type { RowsReport } from './api.js'
import { httpErrorOf } from './http-errors.js'

export interface Rows {
  /** Rows of texts that failed are zeros, of which the lists say nothing that is so. */
  readonly result: EmbeddingMatrix
  readonly failed: RowsReport['failed']
}

/**
 * As `embedManyBounded`, with what failed told beside.
 * @throws what failed, where every text did; OVERLOADED
 */
export async function embedRows(
  embeddings: Caches['embeddings'],
  texts: readonly string[],
  signal: AbortSignal,
): Promise<Rows> {
  try {
    return { result: await embeddings.embedManyBounded(texts, { signal }), failed: [] }
  } catch (error) {
    if (!(error instanceof BatchError)) throw error
    const { failed } = error
    if (failed.length === texts.length) throw failed[0]!.error
    const lost = new Set(failed.map(({ index }) => index))
    // What finished is cached: this computes nothing.
    const sound = texts.filter((_, index) => !lost.has(index))
    const found = await embeddings.embedMany(sound, { signal })
    return { result: spread(found, texts.length, lost), failed: failed.map(told) }
  }
}

/** Rows at the places where their texts stand among all. */
function spread(found: EmbeddingMatrix, count: number, lost: ReadonlySet<number>): EmbeddingMatrix {
  const { dims } = found
  const matrix = new Float32Array(count * dims)
  const places = Array.from({ length: count }, (_, index) => index).filter(index => !lost.has(index))
  places.forEach((place, row) => {
    matrix.set(found.matrix.subarray(row * dims, (row + 1) * dims), place * dims)
  })
  const put = <V>(values: readonly V[], without: V): V[] => {
    const all = new Array<V>(count).fill(without)
    places.forEach((place, row) => {
      all[place] = values[row]!
    })
    return all
  }
  return {
    matrix,
    dims,
    count,
    sources: put(found.sources, 'computed'),
    devices: put(found.devices, 'cpu'),
    tokens: put(found.tokens, 0),
    truncated: put(found.truncated, false),
    ...(found.templates && { templates: put(found.templates, '') }),
  }
}

function told({ index, error }: BatchError['failed'][number]): RowsReport['failed'][number] {
  return {
    index,
    code: isOpDbusError(error) ? error.code : 'EMBEDDER_FAILED',
    message: httpErrorOf(error, false).message,
  }
}
