// What is asked and answered where a damaged chain is repaired. Types only.
import type { WriteCall } from './ports.js'
import type { ChainFault } from './reports.js'
import type { SnapshotInfo } from './upkeep-reports.js'

export interface RepairCall extends WriteCall {
  /** Only says what would be. */
  readonly dryRun?: boolean | undefined
  /**
   * Bodies that are not what was written are taken away, which a block says; another says which were found missing. Default: all of them are
   * told, and nothing is done.
   */
  readonly dropBodies?: boolean | undefined
  /** Lines that were looked at. */
  readonly onProgress?: ((done: number) => void) | undefined
}

export interface RepairReport {
  readonly dryRun: boolean
  /** What is damaged, as `verify` says it; the first thousand. */
  readonly faults: readonly ChainFault[]
  /** Of all that were found. */
  readonly faultCount: number
  /** Lines that there were, whatever is in them: blocks, as long as nothing was damaged. */
  readonly lines: number
  /** Blocks that were acknowledged; absent where nobody says. */
  readonly acknowledged?: number
  /** Blocks that stay: each follows the one before. The block that tells of bodies comes on top. */
  readonly size: number
  /** Lines that are only in the snapshot. */
  readonly cut: number
  /** Blocks that were acknowledged, and are neither here nor in the snapshot. */
  readonly lost: number
  /** Whether the chain was, or would be, written anew. */
  readonly repaired: boolean
  /** Blocks that stay, and whose bodies are not what was written. */
  readonly bodies: readonly number[]
  /** The block that says that these bodies go; absent where they stay. */
  readonly block?: number
  /** Blocks that stay, and have no body, which no prune announced. */
  readonly missing: readonly number[]
  /** The block that says that these were found missing; absent where none does. */
  readonly missingBlock?: number
  /** All that was there before; absent where nothing was written. Damaged as it is, it is never restored. */
  readonly snapshot?: SnapshotInfo
  /** As in a `RestoreReport`. */
  readonly signedAhead?: number
}
