// One text as a job of one, for whoever waits for a promise. Neither batches nor caches.

import { abortError } from '../../errors.js'
import type { CallOptions, Embedder, Embedding, EmbedJob } from '../../ports.js'

/** The embedding of one text; `vector` has an ArrayBuffer of its own. Rejects with ABORTED when the caller's signal fires. */
export function embedText(
  embedder: Pick<Embedder, 'submit' | 'drop'>,
  text: string,
  { signal }: CallOptions = {},
): Promise<Embedding> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      embedder.drop(job, [0])
      reject(abortError(signal!))
    }
    const settled = () => signal?.removeEventListener('abort', leave)
    const job: EmbedJob = {
      texts: [text],
      done({ matrix, tokens, truncated, device }) {
        settled()
        resolve({ vector: matrix.slice(), tokens: tokens[0]!, truncated: truncated[0] === 1, device })
      },
      failed(_rows, error) {
        settled()
        reject(error)
      },
    }
    if (signal?.aborted) return reject(abortError(signal))
    // What it throws, this rejects with.
    embedder.submit(job)
    signal?.addEventListener('abort', leave, { once: true })
  })
}
