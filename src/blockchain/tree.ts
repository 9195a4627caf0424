// The Merkle tree over the blocks' hashes. To be written by its owner.
import { OpDbusError } from '../errors.js'
import type { Warn } from '../ports.js'
import type { BlockStore, MerkleTree } from './ports.js'

/** Looks at nothing before it is asked. `dir` is where it may keep hashes: `<chain>/tree`. */
export function openTree(_store: BlockStore, _options: { readonly dir: string; readonly warn: Warn }): MerkleTree {
  const not = async () => {
    throw new OpDbusError('CLOSED', 'not built yet')
  }
  return { root: not, inclusion: not, consistency: not, hashes: not, stored: () => new Uint8Array(), withPrefix: not }
}
