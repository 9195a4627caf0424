// What lies on disk of each space of embeddings, and how one of them is emptied. Part of the Node root; opens no store.
import type { DiskSize } from '../caches/cache-set.js'
import { OpDbusError } from '../errors.js'
import { clearSpaceOfSegments, type SpaceSize, spacesOfSegments } from '../stores/segments.js'
import { foldersIn } from './disk.js'
import { crc32, nodeHash } from './runtime.js'

/** How many hex digits a space is listed by. */
const ID_DIGITS = 32

export interface SpaceOnDisk extends DiskSize {
  /** As {@link spaceId} says it. */
  readonly space: string
  /** What it is, for people; empty where its `space.json` is lost. */
  readonly description: Readonly<Record<string, string | number | boolean>>
  readonly dims: number
  /** Unix ms: when its first file was begun, and when one was last written to. */
  readonly oldest: number
  readonly newest: number
}

/** What a space is listed by, 32 hex digits: the first of SHA-256 of the embedder's own word for it (`Embedder.space`). */
export function spaceId(space: string): string {
  return nodeHash.sha256(space).slice(0, ID_DIGITS)
}

/**
 * Every space of embeddings in the cache folder `dir` that holds something, the largest first. Reads no record, and writes nothing.
 * @throws OpDbusError STORE where the folder cannot be read
 */
export async function listSpaces(dir: string): Promise<readonly SpaceOnDisk[]> {
  const sizes = spacesOfSegments(foldersIn(dir).embeddings, { crc32 })
  return sizes.map(onDisk).sort((one, other) => other.bytes - one.bytes || (one.space < other.space ? -1 : 1))
}

/**
 * Empties one space, in every process: what others hold of it in memory goes as well, at their next look-up. Other spaces, links and
 * files that are not ours stay as they are. Says what went.
 * @throws OpDbusError INVALID_INPUT where no such space is listed, STORE where the folder cannot be written to
 */
export async function clearSpace(dir: string, space: string): Promise<DiskSize> {
  const { embeddings } = foldersIn(dir)
  const found = spacesOfSegments(embeddings, { crc32 }).find(({ id }) => id === space)
  if (found === undefined) {
    throw new OpDbusError(
      'INVALID_INPUT',
      'no such space is in the cache folder: it was cleared, or never there; list them again',
      {
        details: { dir },
      },
    )
  }
  clearSpaceOfSegments(embeddings, found, { hash: nodeHash })
  return { entries: found.entries, bytes: found.bytes }
}

function onDisk(size: SpaceSize): SpaceOnDisk {
  const { id, dims, entries, bytes, oldest, newest } = size
  return { space: id, description: describedSpace(size).description, dims, entries, bytes, oldest, newest }
}

/** What a `space.json` says, if it is of this space: it is for people alone, and anybody may have changed it. `name`: the embedder's own word. */
export function describedSpace({ id, description }: SpaceSize): {
  readonly name: string | null
  readonly description: SpaceOnDisk['description']
} {
  let parsed: unknown
  try {
    parsed = JSON.parse(description ?? '')
  } catch {
    return { name: null, description: {} }
  }
  const { format: _format, space, ...rest } = Object(parsed) as Record<string, unknown>
  if (typeof space !== 'string' || spaceId(space) !== id) return { name: null, description: {} }
  const told = Object.entries(rest).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
  return { name: space, description: Object.fromEntries(told) as SpaceOnDisk['description'] }
}
