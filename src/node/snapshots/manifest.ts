// What a snapshot of a space says of itself: a small JSON file that lists its segments. It may come from anywhere, so nothing in it is
// believed before a look. Part of the Node root; touches no medium.
import { vecBytes } from '../../caches/embedding-record.js'
import { OpDbusError } from '../../errors.js'
import { type CopyInfo, copyBytes, MAX_SEGMENT_BYTES } from '../../stores/segments/copies.js'
import { spaceId } from '../spaces.js'

/*
   <target>/<space, 32 hex digits>/segments/<SHA-256 of its bytes>.vec     a sealed copy of a segment
                                  /snapshots/<8 or more digits>.json       what a cache held once; the highest number is the newest
   Objects are only ever added, or put again where one is not as long as it has to be. A snapshot names every segment that belongs to it, whichever export sent them.
*/
const FORMAT = 'op-dbus snapshot 1'
const OF_ANY_VERSION = /^op-dbus snapshot (\d{1,6})$/
export const MOST_MANIFEST_BYTES = 32 * 2 ** 20
const MOST_SEGMENTS = 100_000
/** The highest number of a snapshot, of 15 digits: any that a name may bear counts exactly. */
export const LAST_SNAPSHOT = 1e15 - 1
const OBJECT = /^([0-9a-f]{32})\/(?:segments\/([0-9a-f]{64})\.vec|snapshots\/(\d{8}|[1-9]\d{8,14})\.json)$/

export interface ManifestSegment extends CopyInfo {
  /** Of its bytes, 64 hex digits. */
  readonly sha256: string
}

export interface Manifest {
  /** As {@link spaceId} says it. */
  readonly space: string
  /** What the embedder calls the space; null where nobody knows any more. */
  readonly name: string | null
  /** For people. */
  readonly description: Readonly<Record<string, string | number | boolean>>
  readonly dims: number
  readonly valueBytes: number
  /** When it was made, as ISO 8601. */
  readonly made: string
  /** The oldest first. */
  readonly segments: readonly ManifestSegment[]
}

export function segmentObject(space: string, sha256: string): string {
  return `${space}/segments/${sha256}.vec`
}

export function manifestObject(space: string, number: number): string {
  return `${space}/snapshots/${String(number).padStart(8, '0')}.json`
}

/** What an object's name says; undefined where it is none of ours. */
export function readObjectName(name: string): { space: string; sha256?: string; snapshot?: number } | undefined {
  const match = OBJECT.exec(name)
  if (match === null) return undefined
  const [, space = '', sha256, number] = match
  return sha256 === undefined ? { space, snapshot: Number(number) } : { space, sha256 }
}

export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify({ format: FORMAT, ...manifest }, null, 1)}\n`
}

/**
 * The manifest in `text`, which is to be of `space`.
 * @throws OpDbusError STORE: `details.why` is `version` where a newer op-dbus wrote it, else `damaged`
 */
export function readManifest(text: string, space: string, at: string): Manifest {
  const refuse = (why: string, kind: 'version' | 'damaged' = 'damaged'): never => {
    throw new OpDbusError('STORE', `the snapshot ${at} is refused: ${why}`, { details: { why: kind, at } })
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return refuse('it is no JSON')
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return refuse('it is no manifest')
  const { format, name, description, dims, valueBytes, made, segments } = parsed as Record<string, unknown>
  if (format !== FORMAT) {
    const newer = typeof format === 'string' && OF_ANY_VERSION.test(format)
    return newer
      ? refuse(`its form is ${JSON.stringify(format)}, and this op-dbus reads "${FORMAT}": update op-dbus`, 'version')
      : refuse('it is no manifest of op-dbus')
  }
  if ((parsed as { space?: unknown }).space !== space) return refuse('it is of another space')
  if (name !== null && (typeof name !== 'string' || spaceId(name) !== space))
    return refuse('it calls its space by a wrong name')
  if (!isNumber(dims, 1, 2 ** 22) || valueBytes !== vecBytes(dims))
    return refuse('its vectors have no length that fits')
  if (typeof made !== 'string' || !/^\d{4}-\d\d-\d\dT[\d:.]{8,15}Z$/.test(made))
    return refuse('it does not say when it was made')
  if (!isDescription(description)) return refuse('its description is none')
  if (!Array.isArray(segments) || segments.length > MOST_SEGMENTS) return refuse('it lists no segments, or too many')
  const ids = new Set<string>()
  for (const one of segments) {
    if (!isSegment(one, valueBytes)) return refuse('what it says of a segment cannot be')
    if (ids.has(one.id)) return refuse('it lists a segment twice')
    ids.add(one.id)
  }
  const listed = segments.map(({ id, source, seq, records, bytes, sha256 }) => ({
    id,
    source,
    seq,
    records,
    bytes,
    sha256,
  }))
  return { space, name, description, dims, valueBytes, made, segments: listed }
}

function isSegment(value: unknown, valueBytes: number): value is ManifestSegment {
  if (typeof value !== 'object' || value === null) return false
  const { id, source, seq, records, bytes, sha256 } = value as Record<string, unknown>
  return (
    isHex(id, 16) &&
    isHex(source, 16) &&
    isHex(sha256, 64) &&
    isNumber(seq, 0, 1e14 - 1) &&
    isNumber(records, 1, MAX_SEGMENT_BYTES) &&
    isNumber(bytes, 1, MAX_SEGMENT_BYTES) &&
    bytes === copyBytes(records, valueBytes)
  )
}

function isDescription(value: unknown): value is Manifest['description'] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const entries = Object.entries(value)
  return (
    entries.length <= 100 &&
    entries.every(
      ([key, one]) =>
        key.length <= 100 &&
        (typeof one === 'string' ? one.length <= 10_000 : ['number', 'boolean'].includes(typeof one)),
    )
  )
}

function isNumber(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most
}

function isHex(value: unknown, digits: number): value is string {
  return typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value)
}
