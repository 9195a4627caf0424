// Reads everything that segments hold and reports it; repairs nothing.
import * as fs from 'node:fs'
import * as path from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { openRegular, readAt } from '../../fs/files.js'
import type { Crc32 } from '../../ports.js'
import { readEpoch } from './epoch.js'
import {
  decodeHeader,
  decodeTrailer,
  HEADER_BYTES,
  type Header,
  KEY_AT,
  type Layout,
  LIVE,
  layoutOf,
  MAX_SEGMENT_BYTES,
  STATE_AT,
  TRAILER_BYTES,
} from './format.js'
import { IndexTable } from './index-table.js'
import { newProbe, probeBytes } from './probe.js'
import { scan } from './segment.js'
import { segmentFiles } from './spaces.js'

/** The event loop gets a turn after so many bytes. */
const TURN_BYTES = 4 * 2 ** 20

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
  const epoch = readEpoch(dir)
  for (const file of segmentFiles(folder)) {
    const opened = openRegular(file.path)
    if (opened === undefined) continue
    try {
      const head = new Uint8Array(HEADER_BYTES)
      readAt(opened.fd, head, 0)
      const header = decodeHeader(head, crc32)
      if (header === undefined || !belongs(header, folder) || opened.size > MAX_SEGMENT_BYTES) {
        report.foreign.push(file.path)
      } else if (header.epoch !== epoch) {
        report.stale++
      } else {
        report.segments++
        report.bytes += opened.size
        await verifySegment(opened.fd, opened.size, header, crc32, keys, report)
      }
    } finally {
      fs.closeSync(opened.fd)
    }
  }
}

function belongs(header: Header, folder: string): boolean {
  return header.space.startsWith(path.basename(folder))
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
  const sealed = sealedSlots(fd, size, header, layout, crc32)
  const slots = sealed ?? Math.floor((size - HEADER_BYTES) / layout.recordBytes)
  const probe = newProbe()
  const found: number[] = []
  let damaged = 0
  const perTurn = Math.max(1, Math.floor(TURN_BYTES / layout.recordBytes))
  for (let from = 0; from < slots; from += perTurn) {
    scan(fd, layout, from, Math.min(slots, from + perTurn), crc32, (_slot, record, sound) => {
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
      probeBytes(record, KEY_AT, probe)
      if (keys.find(probe.a, probe.b, found) > 0) {
        report.duplicate++
      } else {
        report.live++
        keys.insert(probe.a, probe.b, 1)
      }
    })
    await setImmediate()
  }
  if (sealed === undefined) return
  report.damaged += damaged
  report.records += damaged
}

function sealedSlots(fd: number, size: number, header: Header, layout: Layout, crc32: Crc32): number | undefined {
  const trailer = new Uint8Array(TRAILER_BYTES)
  if (size < HEADER_BYTES + TRAILER_BYTES) return undefined
  readAt(fd, trailer, size - TRAILER_BYTES)
  return decodeTrailer(trailer, header.id, size, layout, crc32)
}
