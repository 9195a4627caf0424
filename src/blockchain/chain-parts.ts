// What the chain is made of. Types only.
import type { Clock, Warn } from '../ports.js'
import type { CachedBlocks } from './cached-blocks.js'
import type { ChainVectors } from './chain-vectors.js'
import type { BlockIndex, BlockStore, MerkleTree } from './ports.js'

/** @internal */
export interface ChainParts {
  readonly store: BlockStore
  readonly tree: MerkleTree
  /** What the store looks blocks up in; absent where it has none. */
  readonly index?: BlockIndex
  readonly blocks: CachedBlocks
  readonly vectors: ChainVectors
  readonly clock: Clock
  readonly warn: Warn
  /** Called last by close. */
  readonly release: () => Promise<void>
}
