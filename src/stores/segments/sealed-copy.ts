// A segment as it leaves this machine: its live, sound records behind one another, sealed, with nothing in it that tells where or when it
// was written. The same records always make the same bytes. Reads segments and writes none.
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { OpDbusError } from '../../errors.js'
import { readAt } from '../../fs/files.js'
import type { Crc32 } from '../../ports.js'
import { readEpoch } from './epochs.js'
import {
  encodeFooter,
  encodeHeader,
  footerBytes,
  HEADER_BYTES,
  type Header,
  KEY_AT,
  type Layout,
  LIVE,
  layoutOf,
  MAX_SEGMENT_BYTES,
  offsetOf,
  RECORD_HEAD,
  STATE_AT,
} from './format.js'
import { keyAt, newParsedKey } from './parsed-key.js'
import { readFooter, readTrailer, scanInTurns, type Visit } from './segment.js'
import { belongsIn, type SegmentFile, segmentFiles, withHeader } from './space-files.js'

/** What every copy says instead of an epoch: who takes it in says which one is his. */
export const NO_EPOCH = '0'.repeat(16)

/** What is said of a copy beside its bytes. */
export interface CopyInfo {
  /** 16 hex digits that its records determine. */
  readonly id: string
  /** The segment that it was made of. */
  readonly source: string
  /** The segment's age, see format.ts. */
  readonly seq: number
  readonly records: number
  readonly bytes: number
}

export interface SealedCopy extends CopyInfo {
  readonly dims: number
  readonly valueBytes: number
  /** False: the segment is still being written, and these are the records that it has so far. */
  readonly sealed: boolean
  /** The bytes, in pieces of 1 MiB at most. Throws STORE with `details.why` `changed` where the segment is no more. */
  pieces(): Iterable<Uint8Array>
}

/** A segment that stands. */
export interface StandingSegment {
  readonly file: SegmentFile
  readonly header: Header
  /** Live records by its footer; undefined while it is written. */
  readonly live: number | undefined
}

const PIECE_BYTES = 2 ** 20

/** How long a copy of so many records is. */
export function copyBytes(records: number, valueBytes: number): number {
  return HEADER_BYTES + records * recordBytesOf(valueBytes) + footerBytes(records)
}

function recordBytesOf(valueBytes: number): number {
  return (RECORD_HEAD + valueBytes + 3) & ~3
}

/** The segments of one space that stand, the oldest first. Reads their footers. */
export function standingSegments(dir: string, folder: string, crc32: Crc32): StandingSegment[] {
  const epoch = readEpoch(dir, folder)
  const found: StandingSegment[] = []
  for (const file of segmentFiles(folder)) {
    withHeader(file.path, crc32, ({ fd, size }, header) => {
      if (header === undefined || !belongsIn(folder, header) || header.epoch !== epoch || size > MAX_SEGMENT_BYTES)
        return
      const layout = layoutOf(header.valueBytes, header.space, crc32)
      const slots = readTrailer(fd, size, header, layout, crc32)
      const footer = slots === undefined ? undefined : readFooter(fd, slots, layout, crc32)
      found.push({ file, header, live: footer?.states.reduce((sum, state) => sum + (state === LIVE ? 1 : 0), 0) })
    })
  }
  return found
}

/** The copy of a segment; undefined where it holds nothing, or is no more. Reads all of it. */
export async function sealedCopy(
  { file, header }: StandingSegment,
  crc32: Crc32,
  signal: AbortSignal | undefined,
): Promise<SealedCopy | undefined> {
  const { dims, valueBytes, space } = header
  const layout = layoutOf(valueBytes, space, crc32)
  const found = await withHeader(file.path, crc32, async ({ fd, size }, now) =>
    now?.id === header.id ? liveSlots(fd, size, now, layout, crc32, signal) : undefined,
  )
  if (found === undefined || found.slots.length === 0) return undefined
  const { slots, fingerprints, sealed } = found
  const id = contentId(space, fingerprints, found.checks)
  const head = encodeHeader({ dims, valueBytes, space, id, epoch: NO_EPOCH, boot: 0, pid: 0 }, crc32)
  const footer = encodeFooter(id, { fingerprints, states: new Uint8Array(slots.length).fill(LIVE) }, crc32)
  return {
    id,
    source: header.id,
    seq: file.seq,
    records: slots.length,
    bytes: copyBytes(slots.length, valueBytes),
    dims,
    valueBytes,
    sealed,
    *pieces() {
      yield head
      yield* records(file.path, header.id, slots, layout, crc32)
      yield footer
    },
  }
}

/** What names a copy: its records by the fingerprints of their keys and by their checks. */
export function contentId(space: string, fingerprints: Int32Array, checks: Int32Array): string {
  const digest = createHash('sha256').update(space)
  for (const numbers of [fingerprints, checks]) {
    const bytes = Buffer.alloc(numbers.length * 4)
    for (let i = 0; i < numbers.length; i++) bytes.writeInt32LE(numbers[i]!, i * 4)
    digest.update(bytes)
  }
  return digest.digest('hex').slice(0, 16)
}

interface LiveSlots {
  readonly slots: readonly number[]
  readonly fingerprints: Int32Array
  readonly checks: Int32Array
  readonly sealed: boolean
}

async function liveSlots(
  fd: number,
  size: number,
  header: Header,
  layout: Layout,
  crc32: Crc32,
  signal: AbortSignal | undefined,
): Promise<LiveSlots> {
  const sealed = readTrailer(fd, size, header, layout, crc32)
  const all = sealed ?? Math.max(0, Math.floor((size - HEADER_BYTES) / layout.recordBytes))
  const slots: number[] = []
  const fingerprints = new Int32Array(all * 2)
  const checks = new Int32Array(all)
  const key = newParsedKey()
  const visit: Visit = (slot, record, sound) => {
    if (!sound || record[STATE_AT] !== LIVE) return
    keyAt(record, KEY_AT, key)
    const at = slots.push(slot) - 1
    fingerprints[at * 2] = key.a
    fingerprints[at * 2 + 1] = key.b
    checks[at] = Buffer.from(record.buffer, record.byteOffset, 4).readInt32LE()
  }
  await scanInTurns(fd, layout, all, crc32, visit, signal)
  const count = slots.length
  return {
    slots,
    fingerprints: fingerprints.subarray(0, count * 2),
    checks: checks.subarray(0, count),
    sealed: sealed !== undefined,
  }
}

/** The records of these slots, as live ones. */
function* records(
  file: string,
  id: string,
  slots: readonly number[],
  layout: Layout,
  crc32: Crc32,
): Iterable<Uint8Array> {
  const fd = openAgain(file, id, crc32)
  const { recordBytes } = layout
  const perPiece = Math.max(1, Math.floor(PIECE_BYTES / recordBytes))
  try {
    for (let from = 0; from < slots.length; from += perPiece) {
      const some = slots.slice(from, from + perPiece)
      // A piece of its own each: the one before may still be on its way.
      const piece = Buffer.alloc(some.length * recordBytes)
      for (let i = 0; i < some.length; ) {
        // What lies side by side is read at once.
        let run = 1
        while (i + run < some.length && some[i + run] === some[i]! + run) run++
        const target = piece.subarray(i * recordBytes, (i + run) * recordBytes)
        if (readAt(fd, target, offsetOf(some[i]!, layout)) < target.length) throw changed(file)
        i += run
      }
      for (let i = 0; i < some.length; i++) piece.writeUInt32LE(LIVE, i * recordBytes + STATE_AT)
      yield piece
    }
  } finally {
    fs.closeSync(fd)
  }
}

function openAgain(file: string, id: string, crc32: Crc32): number {
  const fd = withHeader(file, crc32, (opened, header) => {
    if (header?.id !== id) return undefined
    opened.keep()
    return opened.fd
  })
  if (fd === undefined) throw changed(file)
  return fd
}

function changed(file: string): OpDbusError {
  return new OpDbusError(
    'STORE',
    `${file} was removed while it was being read: another process evicted or cleared it`,
    {
      details: { why: 'changed', file },
    },
  )
}
