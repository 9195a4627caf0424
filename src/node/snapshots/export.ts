// Sends what the cache folder holds of embeddings to a target: segments that are not there yet, then a manifest that names them all.
// Part of the Node root; changes nothing in the cache folder.
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { isOpDbusError, OpDbusError, throwIfAborted } from '../../errors.js'
import type { ObjectSource, ObjectStore } from '../../ports.js'
import { copyOfSegment, type SealedCopy, type StandingSegment, segmentsOfSpace } from '../../stores/segments/copies.js'
import { type SpaceSize, spacesOfSegments } from '../../stores/segments.js'
import { foldersIn } from '../disk.js'
import { type OpenOptions, readOptions } from '../options.js'
import { crc32, nodeHash } from '../runtime.js'
import { describedSpace } from '../spaces.js'
import {
  LAST_SNAPSHOT,
  type Manifest,
  type ManifestSegment,
  manifestObject,
  manifestText,
  segmentObject,
} from './manifest.js'
import type { ExportedSpace, ExportReport, SnapshotCall } from './reports.js'
import { chosenSpaces, fetchManifest, type Inventory, inventoryOf, openTarget } from './target.js'

/** How often a space is begun anew whose segments went while they were read. */
const MOST_ROUNDS = 5
/** Exports to one target that may come in between. */
const MOST_NUMBERS = 100

/**
 * Adds a snapshot of the embeddings on disk to `target`: `s3://bucket/prefix` or a folder. Only what is not there yet is sent, and what
 * was sent by an export that was cut off is not sent again. Vectors of the last 50 ms may still be on their way to the disk.
 * @throws OpDbusError INVALID_INPUT for a target or a space that cannot be, STORE for what a disk or the service says, ABORTED
 */
export async function exportEmbeddings(
  target: string,
  options: OpenOptions = {},
  call: SnapshotCall = {},
): Promise<ExportReport> {
  const { dir } = readOptions(options)
  const store = openTarget(target, { ...call, notIn: dir })
  if (dir === undefined) throw new OpDbusError('INVALID_INPUT', 'there is no cache folder: set OPDBUS_CACHE_DIR')
  const { embeddings } = foldersIn(dir)
  const sizes = spacesOfSegments(embeddings, { crc32 }).filter(({ entries }) => entries > 0)
  const chosen = new Set(
    chosenSpaces(
      sizes.map(({ id }) => id),
      call.space,
      dir,
    ),
  )
  const spaces = sizes.filter(({ id }) => chosen.has(id)).sort((one, other) => other.bytes - one.bytes)
  const there = await inventoryOf(store, call)
  const progress = { bytes: 0, ofBytes: spaces.reduce((sum, { bytes }) => sum + bytes, 0) }
  const done: ExportedSpace[] = []
  for (const space of spaces) {
    const inventory = there.get(space.id) ?? { segments: new Map<string, number>(), newest: 0 }
    const exported = await exportSpace({ dir: embeddings, space, store, inventory, call, progress })
    if (exported) done.push(exported)
  }
  return { at: store.at, spaces: done }
}

interface Exporting {
  readonly dir: string
  readonly space: SpaceSize
  readonly store: ObjectStore
  readonly inventory: Inventory
  readonly call: SnapshotCall
  readonly progress: { bytes: number; ofBytes: number }
}

interface Sent {
  segments: number
  bytes: number
  mended: number
}

async function exportSpace(exporting: Exporting): Promise<ExportedSpace | undefined> {
  const { space, store, inventory, call } = exporting
  const before = await manifestBefore(exporting)
  const sent: Sent = { segments: 0, bytes: 0, mended: 0 }
  const { segments, unsealed } = await sendSegments(exporting, before, sent)
  const sum = (of: (segment: ManifestSegment) => number) => segments.reduce((all, one) => all + of(one), 0)
  if (segments.length === 0) return undefined
  const { name, description } = describedSpace(space)
  const report = {
    space: space.id,
    description,
    segments: segments.length,
    records: sum(({ records }) => records),
    bytes: sum(({ bytes }) => bytes),
    sent,
    unsealed,
  }
  if (before !== undefined && sameSegments(before.segments, segments)) {
    return { ...report, snapshot: inventory.newest, changed: false }
  }
  const valueBytes = space.valueBytes
  const manifest = {
    space: space.id,
    name,
    description,
    dims: space.dims,
    valueBytes,
    made: new Date().toISOString(),
    segments,
  }
  const text = Buffer.from(manifestText(manifest))
  if (inventory.newest >= LAST_SNAPSHOT) {
    throw new OpDbusError(
      'STORE',
      `${store.at}/${manifestObject(space.id, inventory.newest)} bears the last number: remove it, or take another target`,
    )
  }
  // Whoever exports at the same time takes a number, too: the one that comes later is the newer snapshot.
  for (let number = inventory.newest + 1; number <= inventory.newest + MOST_NUMBERS; number++) {
    const object = manifestObject(space.id, number)
    if (await store.putNew(object, await sourceOf([text]), call)) return { ...report, snapshot: number, changed: true }
  }
  throw new OpDbusError('STORE', `${store.at} is written to by too many others at once: try again`)
}

/** The newest manifest that is there; undefined where there is none that says anything. */
async function manifestBefore({ space, store, inventory, call }: Exporting): Promise<Manifest | undefined> {
  if (inventory.newest === 0) return undefined
  try {
    return await fetchManifest(store, space.id, inventory.newest, call)
  } catch (error) {
    // A damaged one, or something that only bears its name, costs no more than a look at every segment.
    if (isOpDbusError(error, 'STORE') && ['damaged', 'absent'].includes(String(error.details.why))) return undefined
    throw error
  }
}

/** Sends what is not there; begins anew where the segments were merged, evicted or cleared meanwhile. */
async function sendSegments(
  exporting: Exporting,
  before: Manifest | undefined,
  sent: Sent,
): Promise<{ segments: ManifestSegment[]; unsealed: number }> {
  const { dir, space, call, progress } = exporting
  const began = progress.bytes
  for (let round = 1; ; round++) {
    const standing = segmentsOfSpace(dir, space.folder, { crc32 })
    const segments = new Map<string, ManifestSegment>()
    let unsealed = 0
    let done = 0
    progress.bytes = began
    try {
      for (const segment of standing) {
        throwIfAborted(call.signal)
        const known = knownSegment(segment, before, exporting.inventory)
        const copy = known ?? (await copyOfSegment(segment, { crc32, signal: call.signal }))
        if (copy && 'pieces' in copy && !copy.sealed) unsealed++
        if (copy) segments.set(copy.id, 'pieces' in copy ? await sendSegment(exporting, copy, sent) : copy)
        progress.bytes += segment.file.bytes
        call.onProgress?.({ space: space.id, segments: ++done, ofSegments: standing.length, ...progress })
      }
      return { segments: [...segments.values()], unsealed }
    } catch (error) {
      if (round === MOST_ROUNDS || !isOpDbusError(error, 'STORE') || error.details.why !== 'changed') throw error
    }
  }
}

/** What an earlier manifest says of a segment that has not changed since: then it need not be read. */
function knownSegment(
  { header, live }: StandingSegment,
  before: Manifest | undefined,
  { segments }: Inventory,
): ManifestSegment | undefined {
  // A sealed segment only ever loses records.
  if (live === undefined) return undefined
  return before?.segments.find(
    ({ id, source, records, sha256, bytes }) =>
      (source === header.id || id === header.id) && records === live && segments.get(sha256) === bytes,
  )
}

async function sendSegment(
  { space, store, inventory, call }: Exporting,
  copy: SealedCopy,
  sent: Sent,
): Promise<ManifestSegment> {
  const source = await sourceOf(copy)
  const { sha256 } = source
  const { id, source: of, seq, records, bytes } = copy
  const there = inventory.segments.get(sha256)
  const object = segmentObject(space.id, sha256)
  // What bears this hash and has another length is damaged: whoever puts it again puts these same bytes.
  const mends = there !== undefined && there !== bytes
  if (mends) await store.replace(object, source, call)
  if (mends || (there === undefined && (await store.putNew(object, source, call)))) {
    sent.segments++
    sent.bytes += bytes
    if (mends) sent.mended++
  }
  inventory.segments.set(sha256, bytes)
  return { id, source: of, seq, records, bytes, sha256 }
}

async function sourceOf(from: readonly Uint8Array[] | SealedCopy): Promise<ObjectSource> {
  const pieces = () => ('pieces' in from ? from.pieces() : from)
  const digest = createHash('sha256')
  let bytes = 0
  for (const piece of pieces()) {
    digest.update(piece)
    bytes += piece.length
    await setImmediate()
  }
  return { bytes, sha256: digest.digest('hex'), pieces }
}

function sameSegments(one: readonly ManifestSegment[], other: readonly ManifestSegment[]): boolean {
  const named = (segments: readonly ManifestSegment[]) =>
    nodeHash.sha256(
      segments
        .map(({ sha256 }) => sha256)
        .sort()
        .join(),
    )
  return one.length === other.length && named(one) === named(other)
}
