// How a tier treats its medium: how long it waits, how much it lets wait, what clear and close do. Values only.
import type { Crc32 } from '../ports.js'

export interface TierPolicy {
  /**
   * How long a look-up waits for the medium, in ms; then it goes on without. Absent: as long as it takes, and a medium that can
   * answer at once is asked so.
   */
  readonly readTimeoutMs?: number
  /** How long a write, a removal or a count is waited for, in ms. Nobody's look-up waits for one. Absent: as long as it takes. */
  readonly writeTimeoutMs?: number
  /** Bytes that may wait to be written; what comes on top is dropped, and counted. Absent: all of it waits. */
  readonly pendingBytes?: number
  /** Bytes of values that are written at once, where there are more. Absent: all that waits. */
  readonly batchBytes?: number
  /** How long `clear` is waited for where that is longer than other calls, in ms: it may have to find what is ours among much else. */
  readonly clearTimeoutMs?: number
  /** A text that takes longer to compute, in ms, is computed by one process for all, where the store can say by which. Absent: by each. */
  readonly claimAboveMs?: number
  /** Whether `clear` empties it only for who names it: other machines live on what it holds. */
  readonly clearedByName: boolean
  /** Whether `close` closes the store: then it was opened for this tier. */
  readonly closesStore: boolean
  /** Checksums for a medium that is not trusted to bring back what it was given; absent: the store sees to that itself. */
  readonly sealed?: Crc32
}

/** Ours alone, or our machine's: its store checks what it reads, and is waited for. */
export const DISK_POLICY: TierPolicy = { clearedByName: false, closesStore: true }

/** Default of `timeoutMs` of a shared tier: far above what a store in the same network needs. */
export const SHARED_TIMEOUT_MS = 100
/** Vectors of 384 floats: about 20,000 of them. */
const SHARED_PENDING_BYTES = 32 * 2 ** 20
/** Of calls for which no look-up waits: nobody wants to close a program for minutes. */
const MOST_PATIENCE_MS = 10_000
/** So little that a slow network takes it within the time limit of a write. */
const SHARED_BATCH_BYTES = 256 * 2 ** 10

/** Somebody else's store, over a network perhaps. */
export function sharedPolicy(options: {
  crc32: Crc32
  timeoutMs?: number
  clearTimeoutMs?: number
  claimAboveMs?: number
  close?: boolean
}): TierPolicy {
  const { crc32, timeoutMs = SHARED_TIMEOUT_MS, clearTimeoutMs, claimAboveMs, close = false } = options
  return {
    readTimeoutMs: timeoutMs,
    writeTimeoutMs: Math.max(1000, timeoutMs, Math.min(10 * timeoutMs, MOST_PATIENCE_MS)),
    pendingBytes: SHARED_PENDING_BYTES,
    batchBytes: SHARED_BATCH_BYTES,
    ...(clearTimeoutMs !== undefined && { clearTimeoutMs }),
    ...(claimAboveMs !== undefined && { claimAboveMs }),
    clearedByName: true,
    closesStore: close,
    sealed: crc32,
  }
}
