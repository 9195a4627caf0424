// What the chain is made of. Types only.
import type { Diagnostics } from '../diagnostics.js'
import type { Clock, Warn } from '../ports.js'
import type { CachedBlocks } from './cached-blocks.js'
import type { ChainVectors } from './chain-vectors.js'
import type { BlockIndex, BlockStore, MerkleTree } from './ports.js'
import type { Retention } from './reports.js'

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
  /** Where what happens is told: those of the caches. */
  readonly diagnostics: Pick<Diagnostics, 'appended' | 'pruned' | 'restored'>
  /** What is kept where a call does not say it: the settings. */
  readonly retention: Required<Pick<Retention, 'hourly' | 'daily' | 'weekly' | 'quarterly'>>
  /** What the log is called where its key is made without a name; absent: a name is made from the key. */
  readonly logName?: string
  /** `<dataDir>/snapshots`. */
  readonly snapshotsDir: string
  /** Called last by close. */
  readonly release: () => Promise<void>
}
