// Keeps a space's folder small: folds small segments into our own, keeps all spaces within the budget, removes what killed
// processes left. Moves records and removes files; which value a key has is never its business.
import * as fs from 'node:fs'
import * as path from 'node:path'
import { OpDbusError } from '../../errors.js'
import { quietly } from '../../fs/errno.js'
import { retire } from '../../fs/files.js'
import { namesIn } from '../../fs/folders.js'
import { isDead } from '../../fs/process-identity.js'
import type { SpaceContext } from './context.js'
import { LEFT_EPOCH, readEpoch } from './epochs.js'
import type { SpaceFolder } from './folder.js'
import { HEADER_BYTES, hasMagic, KEY_AT, LIVE, STATE_AT, writerOfUnfinished } from './format.js'
import { keyAt, newParsedKey, type ParsedKey } from './parsed-key.js'
import { type Segment, scan } from './segment.js'
import { type SegmentFile, segmentFiles, spaceFolders, withHeader } from './space-files.js'

/** A segment below this is small; more than so many small ones are merged. */
const SMALL_BYTES = 2 ** 20
const MANY = 4
/** A segment without a footer that was untouched for so long has lost its writer, ms. */
const ORPHAN_MS = 10 * 60_000
/** Segments that cannot be removed may take so much more than the budget before a write is refused. */
const TOLERANCE = 1.125

/** Who writes into the space: copies of records go through it, and so do marks on records. */
export interface Appender {
  readonly context: SpaceContext
  readonly folder: SpaceFolder
  /** Slots that our segment still has. */
  readonly slotsLeft: number
  prepare(): void
  appendRecord(key: ParsedKey, record: Uint8Array): void
  tombstone(segment: Segment, slot: number): void
  flush(): void
  sync(): void
}

/** A record that was copied: where from, and the number of its copy. */
interface Copy {
  readonly slot: number
  readonly a: number
  readonly b: number
  readonly number: number
}

/** What is on its way out of which segment. */
type Copies = Map<Segment, readonly Copy[]>

// ---- moving records -------------------------------------------------------------------------------------------------

/** Copies those live records of a segment that are the newest of their key and that `wanted` says yes to, at most `limit`. */
function copyLive(
  source: Segment,
  to: Appender,
  wanted: (slot: number) => boolean = () => true,
  limit = Number.POSITIVE_INFINITY,
): readonly Copy[] {
  const { context, folder } = to
  const fd = context.descriptors.of(source)
  const copies: Copy[] = []
  if (fd < 0) return copies
  const key = newParsedKey()
  scan(fd, context.layout, 0, source.slots, context.crc32, (slot, record, sound) => {
    if (!sound || record[STATE_AT] !== LIVE || copies.length >= limit || source.gone || !wanted(slot)) return
    keyAt(record, KEY_AT, key)
    const number = folder.numbers.of(source, slot)
    // Not the newest: written again, or copied already. Not there at all: deleted.
    if (folder.newestOf(key, number) !== number) return
    to.prepare()
    // Preparing may have found that all was cleared.
    if (source.gone) return
    to.appendRecord(key, record)
    folder.index.remove(key.a, key.b, number)
    const own = folder.own!
    copies.push({ slot, a: key.a, b: key.b, number: folder.numbers.of(own, own.slots - 1) })
  })
  return copies
}

/**
 * Removes segments whose records were copied. The copies are on disk before the originals are
 * looked at once more, and whoever deletes a key looks at the folder once more afterwards: one of the two sees the other,
 * so that dead stays dead. Two processes that do this to the same segment leave duplicates, never a wrong record.
 */
function retireCopied(copies: Copies, to: Appender, durable: boolean): void {
  const { context, folder } = to
  to.flush()
  if (durable) to.sync()
  const sources = [...copies.keys()].filter(source => !source.gone)
  const state = new Uint8Array(STATE_AT + 1)
  for (const source of sources) {
    for (const { slot, a, b, number } of copies.get(source)!) {
      if (source.readHead(slot, state) && state[STATE_AT] === LIVE) continue
      const copy = folder.numbers.segmentOf(number)
      if (copy !== undefined) to.tombstone(copy, folder.numbers.slotOf(number))
      folder.index.remove(a, b, number)
    }
  }
  for (const source of sources) {
    const fd = context.descriptors.of(source)
    if (fd >= 0) retire(source.path, fd)
  }
  folder.drop(sources)
}

/**
 * Whether another process may have copied records of this segment and not looked at them again since. It takes a segment
 * that has gone meanwhile for a delete and undoes its copies: so whoever leaves a record to such a copy keeps the original.
 */
function isBeingCopied(source: Segment, { context, folder }: Appender): boolean {
  const fd = context.descriptors.of(source)
  if (fd < 0) return false
  const key = newParsedKey()
  let found = false
  scan(fd, context.layout, 0, source.slots, context.crc32, (slot, record, sound) => {
    if (found || !sound || record[STATE_AT] !== LIVE) return
    keyAt(record, KEY_AT, key)
    const number = folder.numbers.of(source, slot)
    const newest = folder.newestOf(key, number)
    if (newest === undefined || newest === number) return
    const holder = folder.numbers.segmentOf(newest)!
    // Sealed or without a writer: what was to be undone is undone.
    found = holder !== folder.own && !holder.sealed && !isDead(holder.header)
  })
  return found
}

// ---- small segments -------------------------------------------------------------------------------------------------

/**
 * Folds small segments that no one writes any more into our own, so that a thousand short processes leave a handful. Their
 * live records are copied and synced before the files go.
 */
export function mergeSmall(to: Appender): void {
  const sources = smallSegments(to)
  if (sources.length < 2) return
  const copies: Copies = new Map()
  for (const source of sources) copies.set(source, copyLive(source, to))
  retireCopied(copies, to, true)
}

/**
 * The oldest small segments, if there are many, as far as they fit into our own. Nothing tells for sure that another
 * writer has gone; one that only slept finds its file removed, and begins a new one.
 */
function smallSegments(to: Appender): Segment[] {
  const { folder, context } = to
  const limit = Math.min(SMALL_BYTES, context.segmentBytes / 2)
  const small = [...folder.segments.values()].filter(segment => {
    if (segment === folder.own || segment.size >= limit) return false
    if (segment.sealed || isDead(segment.header)) return true
    const fd = context.descriptors.of(segment)
    return fd >= 0 && context.clock.now() - fs.fstatSync(fd).mtimeMs > ORPHAN_MS
  })
  if (small.length <= MANY) return []
  small.sort((one, other) => (one.isNewerThan(other) ? 1 : -1))
  let slots = to.slotsLeft
  const chosen: Segment[] = []
  for (const segment of small) {
    if (isBeingCopied(segment, to)) continue
    slots -= Math.ceil(segment.size / context.layout.recordBytes)
    if (slots < 0) break
    chosen.push(segment)
  }
  return chosen
}

// ---- the budget -----------------------------------------------------------------------------------------------------

/**
 * Makes sure that `bytes` more fit into the budget of all spaces: the oldest segment goes first, whoever wrote it. What this
 * process read of a segment since it was written gets another round in our own (a CLOCK): at most half of the segment, so
 * that every step frees something. Removing a file is the claim: who comes second finds it gone. Throws STORE only where
 * far too much cannot be removed.
 */
export function makeRoom(bytes: number, to: Appender): void {
  const { dir, path: folder, budgetBytes } = to.context
  const files = segmentFiles(...spaceFolders(dir))
  let total = files.reduce((all, file) => all + file.bytes, 0) + bytes
  for (const file of files) {
    if (total <= budgetBytes) return
    const known = file.folder === folder ? to.folder.segments.get(file.name) : undefined
    if (known !== undefined && known === to.folder.own) continue
    total -= known === undefined ? evictUnknown(file, to.context) : evictKnown(known, file, to)
  }
  if (total <= budgetBytes * TOLERANCE) return
  throw new OpDbusError('STORE', `the cache folder ${dir} is over its budget and cannot be emptied`, {
    details: { dir, bytes: total, budgetBytes },
  })
}

/** Evicts a segment of our space and returns how many bytes that freed, net. */
function evictKnown(segment: Segment, file: SegmentFile, to: Appender): number {
  const { context, folder } = to
  const before = folder.index.records
  const copies = copyLive(segment, to, slot => segment.wasTouched(slot), Math.floor(segment.slots / 2))
  retireCopied(new Map([[segment, copies]]), to, false)
  context.counters.evicted += Math.max(0, before - folder.index.records)
  const stayed = fs.existsSync(file.path) ? file.bytes : 0
  return file.bytes - stayed - copies.length * context.layout.recordBytes
}

/** Removes a segment of another space, or one we do not know; returns by how many bytes less of ours there is. */
function evictUnknown(file: SegmentFile, { crc32 }: SpaceContext): number {
  let freed: number | undefined
  try {
    freed = withHeader(file.path, crc32, ({ fd }, header) => {
      // What is of another version, or not ours at all, stays, and does not count.
      if (header === undefined) return file.bytes
      return retire(file.path, fd) || !fs.existsSync(file.path) ? file.bytes : 0
    })
  } catch {
    return 0
  }
  return freed ?? file.bytes
}

// ---- what killed processes left -------------------------------------------------------------------------------------

/**
 * Removes segments that a clear made void but could not remove, ones that were only begun, and half a clear's file. Fails
 * silently: the next writer does it again.
 */
export function removeLeftovers(context: SpaceContext): void {
  const { dir, path: folder } = context
  for (const file of segmentFiles(folder)) quietly(() => removeIfVoid(file.path, context))
  for (const name of namesIn(folder)) {
    const writer = writerOfUnfinished(name)
    if (writer !== undefined) quietly(() => removeIfLeft(path.join(folder, name), isDead(writer), context))
  }
  for (const name of namesIn(dir)) {
    if (LEFT_EPOCH.test(name)) quietly(() => removeIfLeft(path.join(dir, name), false, context))
  }
}

function removeIfVoid(file: string, { dir, path: folder, clock, crc32 }: SpaceContext): void {
  withHeader(file, crc32, ({ fd, head }, header) => {
    // The epoch is read after the header: a segment that bears another is of an epoch that will not come back.
    const stale = header !== undefined && header.epoch !== readEpoch(dir, folder)
    const headless = head.length < HEADER_BYTES && hasMagic(head) && isOld(fs.fstatSync(fd), clock.now())
    if (stale || headless) retire(file, fd)
  })
}

function removeIfLeft(file: string, surely: boolean, { clock }: SpaceContext): void {
  const stat = fs.lstatSync(file)
  if (stat.isFile() && (surely || isOld(stat, clock.now()))) fs.unlinkSync(file)
}

function isOld(stat: fs.Stats, now: number): boolean {
  return now - stat.mtimeMs > ORPHAN_MS
}
