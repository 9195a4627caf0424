// The vectors of the blocks, compared with their hashes and, where it is asked, with what the model says today.
import { isOpDbusError } from '../../errors.js'
import type { ChainParts } from '../chain-parts.js'
import type { VectorCheck, VerifyCall } from '../reports.js'
import type { Faults } from './faults.js'

/**
 * What became of the vectors, where they were to be computed again.
 * @throws OpDbusError what the embedder throws, ABORTED, STORE
 */
export async function checkVectors(
  { vectors }: ChainParts,
  call: VerifyCall,
  faults: Faults,
): Promise<VectorCheck | undefined> {
  const counts = { compared: 0, passed: 0, missing: 0 }
  const recompute = call.vectors === true
  try {
    // To embed takes long; all else is over in a moment.
    const asked = { recompute, signal: call.signal, ...(recompute && { onProgress: call.onProgress }) }
    for await (const { kind, block, message } of vectors.faults(asked, counts)) {
      faults.add(kind, block, message)
    }
  } catch (error) {
    // A block that a vector belongs to is damaged, which was told.
    if (!isOpDbusError(error, 'CHAIN_DAMAGED') || faults.count === 0) throw error
  }
  return recompute ? counts : undefined
}
