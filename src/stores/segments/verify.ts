// Reads every record of a space and says whether it is whole. Repairs nothing.
import type { Crc32 } from '../../ports.js'
import { readEpoch } from './epochs.js'
import { HEADER_BYTES, type Header, KEY_AT, LIVE, layoutOf, MAX_SEGMENT_BYTES, STATE_AT } from './format.js'
import { IndexTable } from './index-table.js'
import { keyAt, newParsedKey } from './parsed-key.js'
import { readTrailer, scanInTurns } from './segment.js'
import { belongsIn, segmentFiles, withHeader } from './space-files.js'

export interface VerifyReport {
  /** Segments that serve. */
  segments: number
  /** Segments that a clear made void and that are still there. */
  stale: number
  /** Slots in the segments that serve: live + duplicate + dead + damaged. */
  records: number
  /** Keys that can be read. */
  live: number
  /** Further live records of keys that are counted already. */
  duplicate: number
  /** Deleted, or written again elsewhere. */
  dead: number
  /** Records whose check fails. */
  damaged: number
  /** Bytes of the segments that serve. */
  bytes: number
  /** Files with a segment's name that are not for us: another version, a damaged header, moved here from another space. */
  foreign: string[]
}

export function emptyReport(): VerifyReport {
  return { segments: 0, stale: 0, records: 0, live: 0, duplicate: 0, dead: 0, damaged: 0, bytes: 0, foreign: [] }
}

/** Adds what is in one space's folder to `report`. Records that are still being written are not counted. */
export async function verifyFolder(dir: string, folder: string, crc32: Crc32, report: VerifyReport): Promise<void> {
  const keys = new IndexTable()
  const epoch = readEpoch(dir, folder)
  for (const file of segmentFiles(folder)) {
    await withHeader(file.path, crc32, async ({ fd, size }, header) => {
      if (header === undefined || !belongsIn(folder, header) || size > MAX_SEGMENT_BYTES) {
        report.foreign.push(file.path)
      } else if (header.epoch !== epoch) {
        report.stale++
      } else {
        report.segments++
        report.bytes += size
        await verifySegment(fd, size, header, crc32, keys, report)
      }
    })
  }
}

async function verifySegment(
  fd: number,
  size: number,
  header: Header,
  crc32: Crc32,
  keys: IndexTable,
  report: VerifyReport,
): Promise<void> {
  const layout = layoutOf(header.valueBytes, header.space, crc32)
  const sealed = readTrailer(fd, size, header, layout, crc32)
  const slots = sealed ?? Math.floor((size - HEADER_BYTES) / layout.recordBytes)
  const key = newParsedKey()
  const found: number[] = []
  let damaged = 0
  await scanInTurns(fd, layout, slots, crc32, (_slot, record, sound) => {
    if (!sound) {
      damaged++
      return
    }
    // Damaged ones at the end of a segment that is still written may be on their way: only what follows tells.
    report.damaged += damaged
    report.records += damaged + 1
    damaged = 0
    if (record[STATE_AT] !== LIVE) {
      report.dead++
      return
    }
    keyAt(record, KEY_AT, key)
    if (keys.find(key.a, key.b, found) > 0) {
      report.duplicate++
    } else {
      report.live++
      keys.insert(key.a, key.b, 1)
    }
  })
  if (sealed === undefined) return
  report.damaged += damaged
  report.records += damaged
}
