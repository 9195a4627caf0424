// How much the spaces of a folder hold. Reads footers where there are, not records, and changes nothing.
import { statOf } from '../../fs/files.js'
import type { Crc32 } from '../../ports.js'
import { SpaceFolder } from './folder.js'
import { type Header, layoutOf } from './format.js'
import { Descriptors } from './segment.js'
import { belongsIn, readSpaceFile, segmentFiles, spaceFolders, withHeader } from './space-files.js'

export interface SpaceSize {
  readonly folder: string
  /** See {@link Header.space}. */
  readonly id: string
  readonly dims: number
  readonly valueBytes: number
  /** Keys that can be read, each counted once. */
  readonly entries: number
  /** Of its segments. */
  readonly bytes: number
  /** Unix ms: when its first segment was begun, and when one was last written to. */
  readonly oldest: number
  readonly newest: number
  /** The text of its `space.json`; undefined where there is none of ours. */
  readonly description: string | undefined
}

/** The spaces under `dir` that hold something, in no order. */
export function* sizesOfSpaces(dir: string, crc32: Crc32): Iterable<SpaceSize> {
  for (const folder of spaceFolders(dir)) {
    const header = firstHeader(folder, crc32)
    const size = header && sizeOf(dir, folder, header, crc32)
    if (size) yield size
  }
}

/** What all spaces under `dir` hold together. */
export function sizeOfSpaces(dir: string, crc32: Crc32): { entries: number; bytes: number } {
  const sum = { entries: 0, bytes: 0 }
  for (const { entries, bytes } of sizesOfSpaces(dir, crc32)) {
    sum.entries += entries
    sum.bytes += bytes
  }
  return sum
}

const still = { now: () => 0, monotonic: () => 0 }

function sizeOf(dir: string, place: string, header: Header, crc32: Crc32): SpaceSize | undefined {
  const { space, valueBytes, dims } = header
  const layout = layoutOf(valueBytes, space, crc32)
  const descriptors = new Descriptors()
  const counters = { damaged: 0, evicted: 0 }
  const folder = new SpaceFolder({ dir, path: place, space, layout, crc32, clock: still, descriptors, counters })
  try {
    folder.look()
    const segments = [...folder.segments.values()]
    const newest = Math.floor(Math.max(...segments.map(({ path: segment }) => statOf(segment)?.mtimeMs ?? 0)))
    if (!(newest > 0)) return undefined
    return {
      folder: place,
      id: space,
      dims,
      valueBytes,
      entries: folder.index.distinct,
      bytes: segments.reduce((sum, { size }) => sum + size, 0),
      // A segment's number is above all that was there before it, so it may be ahead of the clock.
      oldest: Math.min(newest, ...segments.map(({ seq }) => seq)),
      newest,
      description: readSpaceFile(place),
    }
  } finally {
    descriptors.closeAll()
  }
}

/** The header of any segment that belongs into this folder. */
function firstHeader(folder: string, crc32: Crc32): Header | undefined {
  for (const file of segmentFiles(folder)) {
    const header = withHeader(file.path, crc32, (_opened, found) => found)
    if (header !== undefined && belongsIn(folder, header)) return header
  }
  return undefined
}
