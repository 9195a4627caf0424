// The disk tier on a file system: vectors as records in append-only segment files, a folder for each space. The face of
// src/stores/segments/. Its one policy is its room: over the budget the oldest goes.

import { join } from 'node:path'
import { asStoreError, guarded } from '../fs/errno.js'
import type { Crc32, Hash } from '../ports.js'
import { checkArrival, type ExpectedCopy, placeArrival } from './segments/arrival.js'
import type { SegmentOptions } from './segments/context.js'
import { type SealedCopy, type StandingSegment, sealedCopy, standingSegments } from './segments/sealed-copy.js'
import { type SpaceSize, sizeOfSpaces, sizesOfSpaces } from './segments/sizes.js'
import { clearOneSpace, clearSpaces, segmentFiles, spaceFileText, spaceFolders } from './segments/space-files.js'
import { type SegmentStore, Segments } from './segments/store.js'
import { emptyReport, type VerifyReport, verifyFolder } from './segments/verify.js'

export type { ExpectedCopy } from './segments/arrival.js'
export type { SegmentOptions } from './segments/context.js'
export { MAX_SEGMENT_BYTES } from './segments/format.js'
export { type CopyInfo, copyBytes, type SealedCopy, type StandingSegment } from './segments/sealed-copy.js'
export type { SpaceSize } from './segments/sizes.js'
export { ARRIVING } from './segments/space-files.js'
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

/** The segments of a space that stand, the oldest first: what may be copied elsewhere. Throws STORE. */
export function segmentsOfSpace(dir: string, folder: string, { crc32 }: { readonly crc32: Crc32 }): StandingSegment[] {
  return guarded(dir, () => standingSegments(dir, folder, crc32))
}

/** A segment as others may have it; undefined where it holds nothing, or is no more. Reads all of it. Throws STORE. */
export function copyOfSegment(segment: StandingSegment, { crc32 }: { readonly crc32: Crc32 }): SealedCopy | undefined {
  return guarded(segment.file.folder, () => sealedCopy(segment, crc32))
}

export interface TakeInOptions {
  readonly crc32: Crc32
  /** Whether a value is one that its readers know. */
  readonly isValue: (value: Uint8Array) => boolean
  /** What the space is called by its embedder, and for people; undefined where nobody knows any more. */
  readonly space:
    | { readonly name: string; readonly description: Readonly<Record<string, string | number | boolean>> }
    | undefined
}

/**
 * Checks every byte of the copy in `file`, then puts it beside the segments under `dir`; it has to lie in the same file system. False
 * where it is there already. Throws STORE, with `details.why` `damaged` where it is not what was expected.
 */
export async function takeInSegment(
  dir: string,
  file: string,
  copy: ExpectedCopy,
  options: TakeInOptions,
): Promise<boolean> {
  const { crc32, space } = options
  try {
    await checkArrival(file, copy, options)
    const spaceFile = space && spaceFileText(space.name, space.description)
    return placeArrival(dir, folderOfSpace(dir, copy.space), file, copy, { crc32, spaceFile })
  } catch (error) {
    throw asStoreError(error, dir)
  }
}

/** Where the segments of a space lie. `id`: the first 32 hex digits of SHA-256 of the space. */
export function folderOfSpace(dir: string, id: string): string {
  return join(dir, id.slice(0, 16))
}

/** What all that bears a segment's name takes: what the budget is compared with. Throws STORE. */
export function bytesOfSegments(dir: string): number {
  return guarded(dir, () => segmentFiles(...spaceFolders(dir)).reduce((sum, { bytes }) => sum + bytes, 0))
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
