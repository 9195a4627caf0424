// The verifier keys of this chain, from its folder: to check heads that it signed. Makes no key, and signs nothing.
import type { ChainParts } from '../chain-parts.js'
import { readOpenKey, retiredKeys } from './keys.js'

/** The present one's and those of keys before; none where nothing was signed yet. @throws OpDbusError STORE for a key that is damaged */
export function knownKeys({ store }: Pick<ChainParts, 'store'>): readonly string[] {
  const present = readOpenKey(store.dir)?.signer
  return [...(present ? [present] : []), ...retiredKeys(store.dir)].map(({ text }) => text)
}
