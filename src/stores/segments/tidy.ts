// Removes what killed processes left behind in a space's folder and beside it. Fails silently: the next writer does it again.
import * as fs from 'node:fs'
import * as path from 'node:path'
import { quietly } from '../../fs/errno.js'
import { openRegular, readAt, retire } from '../../fs/files.js'
import { namesIn } from '../../fs/folders.js'
import { isDead } from '../../fs/process-identity.js'
import type { Clock, Crc32 } from '../../ports.js'
import { readEpoch } from './epoch.js'
import { decodeHeader, HEADER_BYTES, hasMagic, writerOfUnfinished } from './format.js'
import { ORPHAN_MS } from './merge.js'
import { segmentFiles } from './spaces.js'

const LEFT_EPOCH = /^epoch\.[0-9a-f]{8}\.tmp$/

export interface TidyParts {
  readonly dir: string
  readonly path: string
  readonly clock: Clock
  readonly crc32: Crc32
}

/** Removes segments that a clear made void but could not remove, ones that were only begun, and half a clear's file. */
export function tidy(parts: TidyParts): void {
  for (const file of segmentFiles(parts.path)) quietly(() => tidySegment(file.path, parts))
  for (const name of namesIn(parts.path)) {
    const writer = writerOfUnfinished(name)
    if (writer !== undefined) quietly(() => removeLeft(path.join(parts.path, name), isDead(writer), parts.clock))
  }
  for (const name of namesIn(parts.dir)) {
    if (LEFT_EPOCH.test(name)) quietly(() => removeLeft(path.join(parts.dir, name), false, parts.clock))
  }
}

function removeLeft(file: string, surely: boolean, clock: Clock): void {
  const stat = fs.lstatSync(file)
  if (stat.isFile() && (surely || isOld(stat, clock))) fs.unlinkSync(file)
}

function tidySegment(file: string, { dir, clock, crc32 }: TidyParts): void {
  const opened = openRegular(file)
  if (opened === undefined) return
  try {
    const head = new Uint8Array(HEADER_BYTES)
    const length = readAt(opened.fd, head, 0)
    // The epoch is read after the header: a segment that bears another is of an epoch that will not come back.
    const header = decodeHeader(head.subarray(0, length), crc32)
    const stale = header !== undefined && header.epoch !== readEpoch(dir)
    const headless =
      length < HEADER_BYTES && hasMagic(head.subarray(0, length)) && isOld(fs.fstatSync(opened.fd), clock)
    if (stale || headless) retire(file, opened.fd)
  } finally {
    fs.closeSync(opened.fd)
  }
}

function isOld(stat: fs.Stats, clock: Clock): boolean {
  return clock.now() - stat.mtimeMs > ORPHAN_MS
}
