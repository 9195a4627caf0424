// The disk tier on a file system: vectors as records in append-only segment files, a folder for each space. The face of
// src/stores/segments/, which holds no policy either: what to keep is the business of the tiers above.

import { asStoreError, guarded } from '../fs/errno.js'
import type { Clock, Crc32, Hash, Key, Space, Store, Warn } from '../ports.js'
import { clearSpaces, sizeOfSpaces, spaceFolders } from './segments/spaces.js'
import { Segments } from './segments/store.js'
import { emptyReport, type VerifyReport, verifyFolder } from './segments/verify.js'

export type { VerifyReport } from './segments/verify.js'

export interface SegmentOptions {
  /** The folder of all spaces, `<cache>/embeddings`. Ours is made in it with the first write. */
  readonly dir: string
  readonly space: Space
  /** Goes into `space.json`, for people. */
  readonly description: Readonly<Record<string, string | number | boolean>>
  readonly dims: number
  /** Length of every value. */
  readonly valueBytes: number
  /** For all spaces under `dir` together. A segment is at most a sixteenth of it. */
  readonly budgetBytes: number
  readonly hash: Hash
  readonly clock: Clock
  readonly crc32: Crc32
  /** Told what no caller can be told: a write in the background that failed, an unsafe folder. */
  readonly warn: Warn
}

/** What happened since the store was opened. */
export interface SegmentCounters {
  /** Records that failed their check: never served, counted once. */
  corrupt: number
  /** Records of this space that were let go to keep the budget, and those of them that got another round. */
  evicted: number
  reinserted: number
  /** Small segments that were folded into ours. */
  merged: number
}

export interface SegmentStore extends Store {
  /** The value in a buffer of its own, at an offset that 4 divides. Throws STORE where the folder cannot be read, CLOSED. */
  getSync(key: Key): Uint8Array | undefined
  /** Writes what is buffered, at once: for the exit of a process. Throws STORE. */
  flushSync(): void
  /** Reads everything there is in this space. */
  verify(): Promise<VerifyReport>
  readonly counters: Readonly<SegmentCounters>
}

/**
 * A store in `<dir>/<first 16 hex digits of SHA-256 of the space>/`. Opening touches nothing on disk; the first read looks
 * at the folder, the first write makes it. Any number of stores, in any number of processes, may share a folder. What is
 * set is on disk after 50 ms, or a flush, or a close; keys are 64 lowercase hex digits. `clear` empties all spaces under
 * `dir`, in every process. Throws INVALID_INPUT for measures that cannot be.
 */
export function openSegmentStore(options: SegmentOptions): SegmentStore {
  return new Segments(options)
}

/** Empties all spaces under `dir`, also for the processes that have them open. Throws what the file system said as STORE. */
export function clearSegments(dir: string, { hash }: { readonly hash: Hash }): void {
  guarded(dir, () => clearSpaces(dir, hash))
}

/** How many vectors all spaces under `dir` hold, and what they take. Reads footers, not records. Throws STORE. */
export function sizeOfSegments(dir: string, { crc32 }: { readonly crc32: Crc32 }): { entries: number; bytes: number } {
  return guarded(dir, () => sizeOfSpaces(dir, crc32))
}

/** Reads every record of every space under `dir`. Throws STORE. */
export async function verifySegments(dir: string, { crc32 }: { readonly crc32: Crc32 }): Promise<VerifyReport> {
  const report = emptyReport()
  try {
    for (const folder of spaceFolders(dir)) await verifyFolder(dir, folder, crc32, report)
  } catch (error) {
    throw asStoreError(error, dir)
  }
  return report
}
