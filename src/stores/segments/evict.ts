// Keeps all spaces of a folder together within one byte budget: the oldest segment goes first, whoever wrote it.
import * as fs from 'node:fs'
import { OpDbusError } from '../../errors.js'
import { type OpenFile, openRegular, readAt, retire } from '../../fs/files.js'
import { decodeHeader, HEADER_BYTES } from './format.js'
import { copyLive, type RelocateParts, retireCopied } from './relocate.js'
import type { Segment } from './segment.js'
import { type SegmentFile, segmentFiles, spaceFolders } from './spaces.js'

/** Segments that cannot be removed may take so much more than the budget before a write is refused. */
const TOLERANCE = 1.125

export interface EvictParts extends RelocateParts {
  readonly dir: string
  readonly path: string
  readonly budgetBytes: number
}

/** What was let go of, of our own space. */
export interface Evicted {
  evicted: number
  reinserted: number
}

/**
 * Makes sure that `bytes` more fit into the budget. What this process read of a segment since it was written gets
 * another round in our own (a CLOCK): at most half of the segment, so that every step frees something. Removing a file
 * is the claim: who comes second finds it gone. Throws STORE only where far too much cannot be removed.
 */
export function makeRoom(bytes: number, parts: EvictParts): Evicted {
  const { folder, budgetBytes } = parts
  const sum: Evicted = { evicted: 0, reinserted: 0 }
  const files = spaceFolders(parts.dir).flatMap(segmentFiles)
  files.sort((one, other) => one.seq - other.seq || (one.name < other.name ? -1 : 1))
  let total = files.reduce((all, file) => all + file.bytes, 0) + bytes
  for (const file of files) {
    if (total <= budgetBytes) return sum
    const known = file.folder === parts.path ? folder.segments.get(file.name) : undefined
    if (known !== undefined && known === folder.own) continue
    if (known !== undefined) total -= evictKnown(known, file, parts, sum)
    else total -= removeOther(file, parts)
  }
  if (total <= budgetBytes * TOLERANCE) return sum
  throw new OpDbusError('STORE', `the cache folder ${parts.dir} is over its budget and cannot be emptied`, {
    details: { dir: parts.dir, bytes: total, budgetBytes },
  })
}

/** Evicts a segment of our space and returns how many bytes that freed, net. */
function evictKnown(segment: Segment, file: SegmentFile, parts: EvictParts, sum: Evicted): number {
  const { folder, layout } = parts
  const before = folder.index.records
  const copies = copyLive(segment, parts, slot => segment.wasTouched(slot), Math.floor(segment.slots / 2))
  retireCopied(new Map([[segment, copies]]), parts, false)
  sum.evicted += Math.max(0, before - folder.index.records)
  sum.reinserted += copies.length
  const stayed = fs.existsSync(file.path) ? file.bytes : 0
  return file.bytes - stayed - copies.length * layout.recordBytes
}

/** Removes a segment of another space, or one we do not know; returns by how many bytes less of ours there is. */
function removeOther(file: SegmentFile, parts: EvictParts): number {
  let opened: OpenFile | undefined
  try {
    opened = openRegular(file.path)
  } catch {
    return 0
  }
  if (opened === undefined) return file.bytes
  try {
    const head = new Uint8Array(HEADER_BYTES)
    readAt(opened.fd, head, 0)
    // What is of another version, or not ours at all, stays, and does not count.
    if (decodeHeader(head, parts.crc32) === undefined) return file.bytes
    return retire(file.path, opened.fd) || !fs.existsSync(file.path) ? file.bytes : 0
  } finally {
    fs.closeSync(opened.fd)
  }
}
