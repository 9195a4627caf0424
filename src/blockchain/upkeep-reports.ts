// What is asked and answered where the chain is pruned, kept as snapshots, restored and counted. Types only.
import type { WriteCall } from './ports.js'

/**
 * How many there are to keep of each kind; what any of them says is kept. Where one of them is given, these alone count, and those that are
 * not given are 0; where none is, the settings do (`retainHourly`, `retainDaily`, `retainWeekly`, `retainQuarterly`). Times are in UTC, by
 * the header's timestamp.
 */
export interface Retention {
  /** The newest of each of the last so many hours that have any. */
  readonly hourly?: number | undefined
  readonly daily?: number | undefined
  /** Of ISO 8601: from Monday on. */
  readonly weekly?: number | undefined
  readonly quarterly?: number | undefined
  /** The newest so many. */
  readonly last?: number | undefined
  /** Those of the last so many milliseconds. */
  readonly within?: number | undefined
}

/** Which blocks keep their bodies. */
export interface PruneCall extends Retention, WriteCall {
  /** Only says what would be. */
  readonly dryRun?: boolean | undefined
  /** Also where nothing would be kept, which is refused otherwise. */
  readonly everything?: boolean | undefined
  /** Asked once it is known what would go, and there is something; nothing is changed unless it answers true. Default: yes. */
  readonly agree?: ((planned: PruneReport) => boolean | Promise<boolean>) | undefined
  /** Blocks that were looked at, of all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

export interface PruneReport {
  /** Nothing was changed: it was not to be, or nobody agreed. */
  readonly dryRun: boolean
  /** Blocks of the chain that were looked at. */
  readonly size: number
  /** Blocks that have their bodies. Those in which prunes say what they took always do, and count for no rule. */
  readonly kept: number
  /** Blocks that have lost their bodies now. */
  readonly pruned: number
  /** Blocks that had none before. */
  readonly before: number
  /** What those bodies took in the segments. A snapshot that was made before keeps what it has. */
  readonly bytes: number
  /** The block that says which bodies went; absent where none was needed. */
  readonly block?: number
  /** All snapshots, damaged ones as well: bodies that were taken from the chain may be in them. */
  readonly snapshots: readonly string[]
}

/** What the metadata of a block of plugin `op-dbus`, operation `prune` has under `op-dbus:prune`: what a prune was about to do. */
export interface PruneNote {
  /** Numbers of blocks whose bodies go, from and to, both included. Some may be there still, where that prune was cut off. */
  readonly ranges: readonly (readonly [from: number, to: number])[]
  /** Those that were not 0. */
  readonly rules: Retention
  /** Blocks in `ranges`, of all that there were. */
  readonly pruned: number
  readonly size: number
}

export interface SnapshotInfo {
  readonly name: string
  /** ISO 8601. Absent where nobody knows. */
  readonly created?: string
  /** Blocks. */
  readonly size: number
  /** Of the last block. */
  readonly hash: string
  /** Of its segments; those that it shares with the chain or other snapshots take room once. */
  readonly bytes: number
  /** Why it is never restored: its manifest or one of its files is not what was written. */
  readonly damaged?: string
}

export interface SnapshotCall {
  /** Reads every byte of the files instead of their sizes alone. */
  readonly full?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

export interface RestoreReport {
  readonly restored: SnapshotInfo
  /** What the chain was before, as a snapshot; absent where there was none. */
  readonly before?: SnapshotInfo
  /** Size of a signed checkpoint that is ahead of the chain now: nothing is signed until the chain continues it again. */
  readonly signedAhead?: number
}

export interface SnapshotPruneCall extends Retention {
  readonly dryRun?: boolean | undefined
  readonly everything?: boolean | undefined
}

export interface SnapshotPruneReport {
  readonly dryRun: boolean
  readonly kept: readonly string[]
  readonly removed: readonly string[]
}

export interface StatsCall {
  /** Blocks that were looked at, of all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface VectorStats {
  readonly space: string
  /** Absent for an embedder of the user's own. */
  readonly model?: string
  /** Blocks that have one: none that was pruned, and none whose text was refused. */
  readonly vectors: number
  /** Blocks that were not looked at yet: a search makes their vectors, where it is this model that computes. */
  readonly pending: number
}

export interface BlockCacheStats {
  /** In memory, and how many there may be. */
  readonly blocks: number
  readonly capacity: number
  readonly hits: number
  readonly misses: number
}

export interface ChainStats {
  /** Blocks. */
  readonly size: number
  /** Of the last block; 64 zeros where there is none. */
  readonly hash: string
  /** Of all segments. */
  readonly bytes: number
  readonly segments: number
  /** Blocks without a body. */
  readonly pruned: number
  /** Unix milliseconds of the first and the last block's header. */
  readonly first?: number
  readonly last?: number
  /** Blocks by plugin, and by operation; the most first. */
  readonly plugins: Readonly<Record<string, number>>
  readonly operations: Readonly<Record<string, number>>
  readonly snapshots: number
  /** Files that are derived from the blocks, bytes. */
  readonly derived: { readonly tree: number; readonly vectors: number; readonly index: number }
  /** Blocks whose place the index knows; the others are found by a walk. */
  readonly indexed: number
  /** Vectors by the model that made them; the models themselves are not asked. */
  readonly vectors: readonly VectorStats[]
  /** Of the block cache in this process, since it was opened: it may serve others as well. */
  readonly cache: BlockCacheStats
  /** What the log is called in what it signs; absent where there is no key yet. */
  readonly log?: string
  /** Blocks of the last signed checkpoint. */
  readonly signed?: number
}
