// Segments that leave the cache and come in: the face of sealed-copy.ts and arrival.ts, for snapshots alone. Look-ups never load it.
import { join } from 'node:path'
import { asStoreError, guarded } from '../../fs/errno.js'
import type { Crc32 } from '../../ports.js'
import { checkArrival, type ExpectedCopy, placeArrival } from './arrival.js'
import { readEpoch } from './epochs.js'
import { type SealedCopy, type StandingSegment, sealedCopy, standingSegments } from './sealed-copy.js'
import { segmentFiles, spaceFileText, spaceFolders } from './space-files.js'

export type { ExpectedCopy } from './arrival.js'
export { MAX_SEGMENT_BYTES } from './format.js'
export { type CopyInfo, copyBytes, type SealedCopy, type StandingSegment } from './sealed-copy.js'
export { ARRIVING } from './space-files.js'

/** The segments of a space that stand, the oldest first: what may be copied elsewhere. Throws STORE. */
export function segmentsOfSpace(dir: string, folder: string, { crc32 }: { readonly crc32: Crc32 }): StandingSegment[] {
  return guarded(dir, () => standingSegments(dir, folder, crc32))
}

/** A segment as others may have it; undefined where it holds nothing, or is no more. Reads all of it. Throws STORE or ABORTED. */
export async function copyOfSegment(
  segment: StandingSegment,
  { crc32, signal }: { readonly crc32: Crc32; readonly signal?: AbortSignal | undefined },
): Promise<SealedCopy | undefined> {
  try {
    return await sealedCopy(segment, crc32, signal)
  } catch (error) {
    throw asStoreError(error, segment.file.folder)
  }
}

export interface TakeInOptions {
  readonly crc32: Crc32
  /** {@link epochOfSpace} when the copy was asked for: a clear since then is not undone. */
  readonly epoch: string
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
  const { crc32, epoch, space } = options
  try {
    await checkArrival(file, copy, options)
    const spaceFile = space && spaceFileText(space.name, space.description)
    return placeArrival(dir, folderOfSpace(dir, copy.space), file, copy, { crc32, spaceFile, epoch })
  } catch (error) {
    throw asStoreError(error, dir)
  }
}

/** Where the segments of a space lie. `id`: the first 32 hex digits of SHA-256 of the space. */
export function folderOfSpace(dir: string, id: string): string {
  return join(dir, id.slice(0, 16))
}

/** The clear epoch that a space is in. Throws STORE. */
export function epochOfSpace(dir: string, id: string): string {
  return guarded(dir, () => readEpoch(dir, folderOfSpace(dir, id)))
}

/** What all that bears a segment's name takes: what the budget is compared with. Throws STORE. */
export function bytesOfSegments(dir: string): number {
  return guarded(dir, () => segmentFiles(...spaceFolders(dir)).reduce((sum, { bytes }) => sum + bytes, 0))
}
