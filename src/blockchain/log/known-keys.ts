// The verifier keys of this chain, from its folder: to check heads that it signed. To be written by its owner.
import type { ChainParts } from '../chain-parts.js'

/** The present one's and those of keys before; none where nothing was signed yet. Makes no key. @throws OpDbusError STORE */
export async function knownKeys(_parts: Pick<ChainParts, 'store'>): Promise<readonly string[]> {
  return []
}
