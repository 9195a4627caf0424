// Brings the newest snapshot of each space from a target into the cache folder: each segment is fetched beside it, checked in every byte,
// then put in its place. Part of the Node root; replaces and evicts nothing.
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { decodeVec } from '../../caches/embedding-record.js'
import { BatchError, type FailedItem, isOpDbusError, OpDbusError, throwIfAborted } from '../../errors.js'
import { asStoreError, quietly } from '../../fs/errno.js'
import { openOrMake, readAt, statOf, unlink, writeAt } from '../../fs/files.js'
import { isFolder, makeFolder, namesIn } from '../../fs/folders.js'
import { acquireMutex, MACHINE_IO } from '../../fs/mutex.js'
import type { ObjectStore } from '../../ports.js'
import {
  ARRIVING,
  bytesOfSegments,
  epochOfSpace,
  folderOfSpace,
  segmentsOfSpace,
  takeInSegment,
} from '../../stores/segments/copies.js'
import { foldersIn } from '../disk.js'
import { type OpenOptions, readOptions } from '../options.js'
import { crc32 } from '../runtime.js'
import { type Manifest, type ManifestSegment, segmentObject } from './manifest.js'
import type { ImportedSpace, ImportReport, SnapshotCall } from './reports.js'
import { chosenSpaces, fetchManifest, inventoryOf, openTarget } from './target.js'

const PART = /^[0-9a-f]{64}\.part$/
const PIECE_BYTES = 2 ** 20

/**
 * Puts the newest snapshot of each space in `target` beside what the cache folder holds. What is here stays, and what was fetched by an
 * import that was cut off is not fetched again. Newer segments come first, as many as the budget has room for. Processes that use the
 * folder see the vectors at their next look at it, within 100 ms.
 * @throws OpDbusError INVALID_INPUT for a target or a space that cannot be, or holds no snapshot; STORE for what a disk or the service says,
 * and for a manifest that is none; BatchError (PARTIAL_FAILURE) where segments were refused: all others are in, and `details.report`
 * is the {@link ImportReport} of them; ABORTED
 */
export async function importEmbeddings(
  target: string,
  options: OpenOptions = {},
  call: SnapshotCall = {},
): Promise<ImportReport> {
  const { dir, config } = readOptions(options)
  const store = openTarget(target, call)
  if (dir === undefined) throw new OpDbusError('INVALID_INPUT', 'there is no cache folder: set OPDBUS_CACHE_DIR')
  const manifests = await newestManifests(store, call)
  const { embeddings } = foldersIn(dir)
  const place = join(embeddings, ARRIVING)
  try {
    makeOwnFolder(embeddings)
    makeOwnFolder(place)
    const release = await acquireMutex(join(place, 'lock'), { below: dir, io: MACHINE_IO, signal: call.signal })
    try {
      return await bringIn({ dir: embeddings, place, store, call, budgetBytes: config.embeddingDiskBytes }, manifests)
    } finally {
      await release()
      quietly(() => fs.rmdirSync(place))
    }
  } catch (error) {
    throw asStoreError(error, embeddings)
  }
}

function makeOwnFolder(path: string): void {
  if (statOf(path) === undefined) makeFolder(path)
  if (!isFolder(path)) throw new OpDbusError('STORE', `${path} is no folder of its own: nothing is written through it`)
}

type Numbered = readonly [number: number, manifest: Manifest]

async function newestManifests(store: ObjectStore, call: SnapshotCall): Promise<readonly Numbered[]> {
  const there = await inventoryOf(store, call)
  const spaces = [...there].filter(([, { newest }]) => newest > 0)
  if (spaces.length === 0)
    throw new OpDbusError('INVALID_INPUT', `no snapshot is in ${store.at}: op-dbus cache export makes one`)
  const chosen = chosenSpaces(
    spaces.map(([space]) => space),
    call.space,
    store.at,
  )
  const manifests: Numbered[] = []
  // All are read before anything is fetched: one that is refused costs no download.
  for (const space of chosen) {
    const { newest } = there.get(space)!
    manifests.push([newest, await fetchManifest(store, space, newest, call)])
  }
  return manifests
}

interface Importing {
  /** The folder of embeddings. */
  readonly dir: string
  readonly place: string
  readonly store: ObjectStore
  readonly call: SnapshotCall
  readonly budgetBytes: number
}

interface Wanted {
  readonly manifest: Manifest
  readonly segment: ManifestSegment
}

async function bringIn(importing: Importing, manifests: readonly Numbered[]): Promise<ImportReport> {
  const { dir, place, store, call, budgetBytes } = importing
  // What is cleared from now on stays cleared.
  const epochs = new Map(manifests.map(([, { space }]) => [space, epochOfSpace(dir, space)]))
  const missing = manifests.flatMap(([, manifest]) => missingOf(dir, manifest))
  // The newest first, of all spaces: as the budget lets the oldest go.
  missing.sort((one, other) => other.segment.seq - one.segment.seq || (one.segment.id < other.segment.id ? -1 : 1))
  let room = budgetBytes - bytesOfSegments(dir)
  const wanted = missing.filter(({ segment }) => {
    const fits = segment.bytes <= room
    if (fits) room -= segment.bytes
    return fits
  })
  removeOthers(place, wanted)
  const counts = new Map(manifests.map(([, { space }]) => [space, { segments: 0, records: 0, bytes: 0, of: 0 }]))
  for (const { manifest } of wanted) counts.get(manifest.space)!.of++
  const progress = { bytes: 0, ofBytes: wanted.reduce((sum, { segment }) => sum + segment.bytes, 0) }
  const failed: FailedItem[] = []
  for (const [index, { manifest, segment }] of wanted.entries()) {
    const count = counts.get(manifest.space)!
    const began = progress.bytes
    const tell = (bytes: number) => {
      progress.bytes = began + bytes
      call.onProgress?.({ space: manifest.space, segments: count.segments, ofSegments: count.of, ...progress })
    }
    try {
      throwIfAborted(call.signal)
      if (await bringOne(importing, { manifest, segment }, epochs.get(manifest.space)!, tell)) {
        count.segments++
        count.records += segment.records
        count.bytes += segment.bytes
      }
      tell(segment.bytes)
    } catch (error) {
      if (!isOpDbusError(error, 'STORE') || !['damaged', 'absent'].includes(String(error.details.why))) throw error
      failed.push({ index, error })
    }
  }
  const spaces = manifests.map(([snapshot, manifest]): ImportedSpace => {
    const { space, description, made } = manifest
    const { of: _of, ...came } = counts.get(space)!
    const mine = (list: readonly Wanted[]) => list.filter(one => one.manifest === manifest)
    const left = mine(missing).filter(one => !wanted.includes(one))
    const leftOut = { segments: left.length, bytes: left.reduce((sum, { segment }) => sum + segment.bytes, 0) }
    return {
      space,
      description,
      snapshot,
      made,
      ...came,
      there: manifest.segments.length - mine(missing).length,
      leftOut,
    }
  })
  const report: ImportReport = { at: store.at, spaces }
  if (failed.length > 0) throw new BatchError(failed, wanted.length, { report })
  return report
}

/** What of a snapshot is not here: neither as a copy, nor as the segment that it was made of, nor with more in it. */
function missingOf(dir: string, manifest: Manifest): Wanted[] {
  const here = new Map(
    segmentsOfSpace(dir, folderOfSpace(dir, manifest.space), { crc32 }).map(({ header, live }) => [header.id, live]),
  )
  return manifest.segments
    .filter(({ id, source, records }) => !here.has(id) && !(here.has(source) && (here.get(source) ?? 0) >= records))
    .map(segment => ({ manifest, segment }))
}

/** What an earlier import left, and nobody waits for any more. */
function removeOthers(place: string, wanted: readonly Wanted[]): void {
  const parts = new Set(wanted.map(({ segment }) => `${segment.sha256}.part`))
  for (const name of namesIn(place)) if (PART.test(name) && !parts.has(name)) quietly(() => unlink(join(place, name)))
}

async function bringOne(
  { dir, place, store, call }: Importing,
  { manifest, segment }: Wanted,
  epoch: string,
  tell: (bytes: number) => void,
): Promise<boolean> {
  const part = join(place, `${segment.sha256}.part`)
  // Whatever else somebody put there is not written through.
  if (statOf(part)?.isFile() === false) unlink(part)
  const { space, name, description, dims, valueBytes } = manifest
  // A part that an earlier import left may be of anything: where it does not fit, the segment is fetched from its beginning.
  for (let again = fs.existsSync(part); ; again = false) {
    try {
      await fetchSegment(part, segmentObject(space, segment.sha256), segment, store, call, tell)
      const { id, records, bytes } = segment
      // Nothing here is older than what comes from a clock that goes ahead.
      const copy = { id, records, bytes, seq: Math.min(segment.seq, Date.now()), space, dims, valueBytes }
      return await takeInSegment(dir, part, copy, {
        crc32,
        epoch,
        space: name === null ? undefined : { name, description },
        isValue: value => decodeVec(value, dims)?.vector.every(Number.isFinite) === true,
      })
    } catch (error) {
      const damaged = isOpDbusError(error, 'STORE') && error.details.why === 'damaged'
      if (damaged) quietly(() => unlink(part))
      if (!damaged || !again) throw error
    }
  }
}

/** Fetches what `part` does not hold yet, and compares all of it with the manifest's hash. */
async function fetchSegment(
  part: string,
  object: string,
  { bytes, sha256 }: ManifestSegment,
  store: ObjectStore,
  call: SnapshotCall,
  tell: (bytes: number) => void,
): Promise<void> {
  const refuse = (why: string): never => {
    const message = `${store.at}/${object} is refused: ${why}; remove it, and the next export puts it there again`
    throw new OpDbusError('STORE', message, { details: { why: 'damaged', object } })
  }
  const fd = openOrMake(part)
  try {
    const stat = fs.fstatSync(fd)
    if (!stat.isFile() || stat.nlink > 1 || stat.size > bytes) return refuse('what an earlier import left is not of it')
    const digest = createHash('sha256')
    const piece = new Uint8Array(PIECE_BYTES)
    let at = 0
    while (at < stat.size) {
      const count = readAt(fd, piece.subarray(0, Math.min(piece.length, stat.size - at)), at)
      digest.update(piece.subarray(0, count))
      at += count
      if (count === 0) break
    }
    tell(at)
    if (at < bytes) {
      for await (const came of store.read(object, { from: at, signal: call.signal })) {
        if (at + came.length > bytes) return refuse(`it is longer than the ${bytes} bytes of its snapshot`)
        writeAt(fd, came, at)
        digest.update(came)
        at += came.length
        tell(at)
      }
    }
    if (at < bytes) return refuse(`it ends after ${at} of ${bytes} bytes`)
    if (digest.digest('hex') !== sha256) return refuse('its bytes have another SHA-256 than its snapshot says')
  } finally {
    fs.closeSync(fd)
  }
}
