// The disk tier on a file system: vectors as records in append-only segment files, a folder for each space. The face of
// src/stores/segments/. Its one policy is its room: over the budget the oldest goes.

import { asStoreError, guarded } from '../fs/errno.js'
import type { Crc32, Hash } from '../ports.js'
import type { SegmentOptions } from './segments/context.js'
import { type SpaceSize, sizeOfSpaces, sizesOfSpaces } from './segments/sizes.js'
import { clearOneSpace, clearSpaces, spaceFolders } from './segments/space-files.js'
import { type SegmentStore, Segments } from './segments/store.js'
import { emptyReport, type VerifyReport, verifyFolder } from './segments/verify.js'

export type { SegmentOptions } from './segments/context.js'
export type { SpaceSize } from './segments/sizes.js'
export type { SegmentStore } from './segments/store.js'
export type { VerifyReport } from './segments/verify.js'

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

/** What lies in each space under `dir` that holds something, in no order. Reads footers, not records. Throws STORE. */
export function spacesOfSegments(dir: string, { crc32 }: { readonly crc32: Crc32 }): SpaceSize[] {
  return guarded(dir, () => [...sizesOfSpaces(dir, crc32)])
}

/** Empties one of these spaces, also for the processes that have it open. Throws STORE. */
export function clearSpaceOfSegments(dir: string, { folder }: SpaceSize, { hash }: { readonly hash: Hash }): void {
  guarded(dir, () => clearOneSpace(dir, folder, hash))
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
