// What is asked and answered where the chain is pruned, kept as snapshots, restored and counted. Types only.
import type { WriteCall } from './ports.js'

/** How many there are to keep of each kind; what any of them says is kept. Times are in UTC, by the header's timestamp. */
export interface Retention {
  /** The newest of each of the last so many hours that have any. Default: the setting `retainHourly`, and so on. */
  readonly hourly?: number | undefined
  readonly daily?: number | undefined
  /** Of ISO 8601: from Monday on. */
  readonly weekly?: number | undefined
  readonly quarterly?: number | undefined
  /** The newest so many. Default: 0. */
  readonly last?: number | undefined
  /** Those of the last so many milliseconds. Default: 0. */
  readonly within?: number | undefined
}

/** Which blocks keep their bodies. */
export interface PruneCall extends Retention, WriteCall {
  /** Only says what would be. */
  readonly dryRun?: boolean | undefined
  /** Also where nothing would be kept, which is refused otherwise. */
  readonly everything?: boolean | undefined
  /** Blocks that were looked at, of all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

export interface PruneReport {
  readonly dryRun: boolean
  /** Blocks of the chain. */
  readonly size: number
  /** Blocks that have their bodies. */
  readonly kept: number
  /** Blocks that have lost their bodies now. */
  readonly pruned: number
  /** Blocks that had none before. */
  readonly before: number
  /** What the segments are smaller by. A snapshot that was made before keeps what it has. */
  readonly bytes: number
  /** Snapshots that are whole: bodies that were taken from the chain may be in them. */
  readonly snapshots: readonly string[]
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

export interface SnapshotCall extends WriteCall {
  /** Reads every byte of the files instead of their sizes alone. */
  readonly full?: boolean | undefined
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
  readonly signal?: AbortSignal | undefined
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
  readonly derived: { readonly tree: number; readonly vectors: number }
  /** What the log is called in what it signs; absent where there is no key yet. */
  readonly log?: string
  /** Blocks of the last signed checkpoint. */
  readonly signed?: number
}
