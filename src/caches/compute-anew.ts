// Vectors computed now, whatever a cache has: for who checks what was kept. Looks nothing up, and keeps nothing.
import type { Loader } from '../cache/loader.js'
import { abortError } from '../errors.js'
import type { Embedding } from '../ports.js'

/**
 * One vector of `dims` floats for each text, row-major; equal texts are computed once. `load` begins a computation.
 * @throws what the first text that fails is refused with; ABORTED
 */
export async function computeAnew(
  texts: readonly string[],
  dims: number,
  load: Loader<Embedding>,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const ids = [...new Set(texts)]
  const rowOf = new Map(ids.map((id, row) => [id, row]))
  const vectors = await computed(ids, dims, load, signal)
  const matrix = new Float32Array(texts.length * dims)
  for (const [i, text] of texts.entries()) {
    const row = rowOf.get(text)!
    matrix.set(vectors.subarray(row * dims, (row + 1) * dims), i * dims)
  }
  return matrix
}

function computed(
  ids: readonly string[],
  dims: number,
  load: Loader<Embedding>,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const matrix = new Float32Array(ids.length * dims)
  if (ids.length === 0) return Promise.resolve(matrix)
  return new Promise((resolve, reject) => {
    let open = ids.length
    const end = (settle: () => void) => {
      signal?.removeEventListener('abort', abort)
      settle()
    }
    const loading = load(ids, {
      loaded(rows, values) {
        // Views onto what the embedder uses again.
        for (const [i, { vector }] of values.entries()) matrix.set(vector, rows[i]! * dims)
        open -= values.length
        if (open === 0) end(() => resolve(matrix))
      },
      failed(_, error) {
        end(() => reject(error))
      },
    })
    const abort = () => {
      const error = abortError(signal!)
      loading.drop([...ids.keys()], error)
      end(() => reject(error))
    }
    signal?.addEventListener('abort', abort, { once: true })
  })
}
