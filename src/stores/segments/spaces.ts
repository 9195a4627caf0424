// All spaces of one folder, as files: which segments there are, clearing them. Opens no space and keeps nothing.
import * as fs from 'node:fs'
import * as path from 'node:path'
import { OpDbusError } from '../../errors.js'
import { quietly } from '../../fs/errno.js'
import { openRegular, readAt, readSmall, retire, statOf } from '../../fs/files.js'
import { isFolder, namesIn } from '../../fs/folders.js'
import type { Crc32, Hash } from '../../ports.js'
import { Descriptors } from './descriptors.js'
import { nextEpoch } from './epoch.js'
import { SpaceFolder } from './folder.js'
import { decodeHeader, HEADER_BYTES, type Header, hasMagic, layoutOf, seqOf, writerOfUnfinished } from './format.js'

const SPACE_FOLDER = /^[0-9a-f]{16}$/
export const SPACE_FILE = 'space.json'
/** What a `space.json` of ours says of itself. */
export const SPACE_FORMAT = 'op-dbus segments 1'

export interface SegmentFile {
  readonly path: string
  readonly name: string
  /** The folder it is in. */
  readonly folder: string
  readonly seq: number
  readonly bytes: number
}

/** The folders under `dir` that may be spaces: real folders, named as ours are. */
export function spaceFolders(dir: string): string[] {
  return namesIn(dir)
    .filter(name => SPACE_FOLDER.test(name))
    .map(name => path.join(dir, name))
    .filter(isFolder)
}

/** The regular files in a space's folder that bear a segment's name, whatever is in them; the oldest first. */
export function segmentFiles(folder: string): SegmentFile[] {
  const files: SegmentFile[] = []
  for (const name of namesIn(folder)) {
    const seq = seqOf(name)
    if (seq === undefined) continue
    const file = path.join(folder, name)
    const stat = fs.lstatSync(file, { throwIfNoEntry: false })
    if (stat?.isFile()) files.push({ path: file, name, folder, seq, bytes: stat.size })
  }
  return files.sort((one, other) => one.seq - other.seq || (one.name < other.name ? -1 : 1))
}

/** Removes a file if it begins as a segment of ours does, of any version. False where it is not ours, or stayed. */
export function removeSegment(file: string): boolean {
  const opened = openRegular(file)
  if (opened === undefined) return false
  try {
    const head = new Uint8Array(HEADER_BYTES)
    const length = readAt(opened.fd, head, 0)
    return hasMagic(head.subarray(0, length)) && retire(file, opened.fd)
  } finally {
    fs.closeSync(opened.fd)
  }
}

/**
 * Empties every space under `dir`: begins a new clear epoch, which alone makes all there is void, then removes what is
 * ours. Files that we did not write stay, links are not followed, and a file that cannot be removed stays for later.
 * Throws what the file system said where the epoch cannot be written.
 */
export function clearSpaces(dir: string, hash: Hash): void {
  if (statOf(dir) === undefined) return
  // What a link leads to is not ours to clear.
  if (!isFolder(dir)) throw new OpDbusError('STORE', `not a folder of its own: ${dir}`, { details: { dir } })
  nextEpoch(dir, hash)
  for (const folder of spaceFolders(dir)) {
    for (const file of segmentFiles(folder)) quietly(() => void removeSegment(file.path))
    // A writer whose file this is finds it gone, and begins again in the new epoch.
    const unfinished = namesIn(folder).filter(name => writerOfUnfinished(name) !== undefined)
    for (const name of unfinished) quietly(() => void removeSegment(path.join(folder, name)))
    const description = path.join(folder, SPACE_FILE)
    quietly(() => {
      if (readSmall(description, 65_536)?.includes(`"${SPACE_FORMAT}"`)) fs.unlinkSync(description)
      fs.rmdirSync(folder)
    })
  }
}

/** What all spaces under `dir` hold, each key of a space counted once. */
export function sizeOfSpaces(dir: string, crc32: Crc32): { entries: number; bytes: number } {
  const sum = { entries: 0, bytes: 0 }
  const descriptors = new Descriptors()
  for (const path of spaceFolders(dir)) {
    const header = firstHeader(path, crc32)
    if (header === undefined) continue
    const layout = layoutOf(header.valueBytes, header.space, crc32)
    const ignore = (): void => {}
    const clock = { now: () => 0, monotonic: () => 0 }
    const parts = { dir, path, space: header.space, layout, crc32, clock, descriptors }
    const folder = new SpaceFolder({ ...parts, onCorrupt: ignore, onReset: ignore })
    try {
      folder.look()
      sum.entries += folder.index.distinct
      for (const segment of folder.segments.values()) sum.bytes += segment.size
    } finally {
      descriptors.closeAll()
    }
  }
  return sum
}

/** The header of any segment that belongs into this folder. */
function firstHeader(folder: string, crc32: Crc32): Header | undefined {
  for (const file of segmentFiles(folder)) {
    const header = headerOf(file.path, crc32)
    if (header?.space.startsWith(path.basename(folder))) return header
  }
  return undefined
}

function headerOf(file: string, crc32: Crc32): Header | undefined {
  const opened = openRegular(file)
  if (opened === undefined) return undefined
  try {
    const head = new Uint8Array(HEADER_BYTES)
    readAt(opened.fd, head, 0)
    return decodeHeader(head, crc32)
  } finally {
    fs.closeSync(opened.fd)
  }
}
