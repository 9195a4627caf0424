// The files of all spaces of one folder: which there are, one opened with its header, one begun, all of them cleared. Knows
// no record and keeps nothing.
import * as fs from 'node:fs'
import * as path from 'node:path'
import { OpDbusError } from '../../errors.js'
import { errnoOf, isAbsent, quietly } from '../../fs/errno.js'
import { type OpenFile, openRegular, readAt, readSmall, retire, statOf } from '../../fs/files.js'
import { isFolder, makeFolder, namesIn } from '../../fs/folders.js'
import type { ProcessIdentity } from '../../fs/process-identity.js'
import { putFile } from '../../fs/replace.js'
import type { Crc32, Hash } from '../../ports.js'
import { beginEpoch, beginSpaceEpoch } from './epochs.js'
import {
  decodeHeader,
  HEADER_BYTES,
  type Header,
  hasMagic,
  seqOf,
  unfinishedName,
  writerOfUnfinished,
} from './format.js'

/*
   <dir>/epoch…                           the clear epochs, see epochs.ts
   <dir>/<first 16 of the space>/space.json   what the space is, for people
                                 /<seq>-<id>.vec   segments, see format.ts
                                 /<seq>-<id>.vec.<boot>-<pid>.new   one that is being begun
   <dir>/importing/<SHA-256>.part         one that is being fetched from elsewhere
*/
const SPACE_FOLDER = /^[0-9a-f]{16}$/
const SPACE_FILE = 'space.json'
/** The folder of segments that come from elsewhere, until they are checked: by their SHA-256. */
export const ARRIVING = 'importing'
const PART = /^[0-9a-f]{64}\.part$/
/** What a `space.json` of ours says of itself. */
const SPACE_FORMAT = 'op-dbus segments 1'
/** Clears that may come between making the folder and using it before we give up. */
const MOST_TRIES = 100

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

/** The regular files in spaces' folders that bear a segment's name, whatever is in them; the oldest first. */
export function segmentFiles(...folders: readonly string[]): SegmentFile[] {
  const files: SegmentFile[] = []
  for (const folder of folders) {
    for (const name of namesIn(folder)) {
      const seq = seqOf(name)
      if (seq === undefined) continue
      const file = path.join(folder, name)
      const stat = fs.lstatSync(file, { throwIfNoEntry: false })
      if (stat?.isFile()) files.push({ path: file, name, folder, seq, bytes: stat.size })
    }
  }
  return files.sort((one, other) => one.seq - other.seq || (one.name < other.name ? -1 : 1))
}

/** A file that is open while something is done with it. */
export interface HeadedFile extends OpenFile {
  /** Its first {@link HEADER_BYTES} bytes; fewer where there are not so many. */
  readonly head: Uint8Array
  /** It stays open: closing it is the caller's business from now on. */
  keep(): void
}

/** Opens a regular file, reads where its header would be, acts on it, closes it. Undefined where there is no such file. */
export function withHead<T>(file: string, act: (opened: HeadedFile) => T): T | undefined {
  const opened = openRegular(file)
  if (opened === undefined) return undefined
  let kept = false
  const close = (): void => {
    if (!kept) fs.closeSync(opened.fd)
  }
  let result: T
  try {
    const head = new Uint8Array(HEADER_BYTES)
    const length = readAt(opened.fd, head, 0)
    const keep = (): void => {
      kept = true
    }
    result = act({ ...opened, head: head.subarray(0, length), keep })
  } catch (error) {
    close()
    throw error
  }
  if (result instanceof Promise) return result.finally(close) as T
  close()
  return result
}

/** The same with the header that the file has; undefined for what is not a sound one of this version. */
export function withHeader<T>(
  file: string,
  crc32: Crc32,
  act: (opened: HeadedFile, header: Header | undefined) => T,
): T | undefined {
  return withHead(file, opened => act(opened, decodeHeader(opened.head, crc32)))
}

/** Whether a segment with this header is in the folder of its own space. */
export function belongsIn(folder: string, header: Header): boolean {
  return header.space.startsWith(path.basename(folder))
}

/** The text of the `space.json` in a folder; undefined where there is none of ours. */
export function readSpaceFile(folder: string): string | undefined {
  const text = readSmall(path.join(folder, SPACE_FILE), 65_536)
  return text?.includes(`"${SPACE_FORMAT}"`) ? text : undefined
}

/** The text of a `space.json`. */
export function spaceFileText(space: string, description: Readonly<Record<string, string | number | boolean>>): string {
  return `${JSON.stringify({ format: SPACE_FORMAT, space, ...description }, null, 2)}\n`
}

/**
 * Brings a new segment into the folder of a space, whole: under its name it is seen with its header or not at all. Makes the
 * folder and its description (`spaceFile`) where they are not there. Returns a descriptor to write to.
 */
export function createSegment(
  folder: string,
  spaceFile: string,
  name: string,
  head: Uint8Array,
  writer: ProcessIdentity,
): number {
  for (let tries = 1; ; tries++) {
    try {
      makeSpaceFolder(folder, spaceFile)
      return putFile(path.join(folder, name), head, path.join(folder, unfinishedName(name, writer)), { sync: false })
    } catch (error) {
      // A clear removed the folder, or the file, while we made it.
      if (!isAbsent(error) || tries === MOST_TRIES) throw error
    }
  }
}

/** Makes the folder of a space, and its description where that is known. */
export function makeSpaceFolder(folder: string, spaceFile: string | undefined): void {
  makeFolder(folder)
  // Throws ENOENT where a clear has removed it already.
  if (!fs.lstatSync(folder).isDirectory()) {
    throw new OpDbusError('STORE', `not a folder of its own: ${folder}`, { details: { dir: folder } })
  }
  const file = path.join(folder, SPACE_FILE)
  if (spaceFile === undefined || fs.existsSync(file)) return
  try {
    fs.writeFileSync(file, spaceFile, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return
    if (!isAbsent(error)) quietly(() => fs.unlinkSync(file))
    throw error
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
  beginEpoch(dir, hash)
  for (const folder of spaceFolders(dir)) emptyFolder(folder)
  // What an import was about to bring. One that still runs finds out, and says so.
  const arriving = path.join(dir, ARRIVING)
  if (!isFolder(arriving)) return
  for (const name of namesIn(arriving)) if (PART.test(name)) quietly(() => fs.unlinkSync(path.join(arriving, name)))
  quietly(() => fs.rmdirSync(arriving))
}

/** As {@link clearSpaces}, of the one space in `folder`, which {@link spaceFolders} named. */
export function clearOneSpace(dir: string, folder: string, hash: Hash): void {
  beginSpaceEpoch(dir, folder, hash)
  emptyFolder(folder)
}

function emptyFolder(folder: string): void {
  for (const file of segmentFiles(folder)) quietly(() => removeOurs(file.path))
  // A writer whose file this is finds it gone, and begins again in the new epoch.
  const unfinished = namesIn(folder).filter(name => writerOfUnfinished(name) !== undefined)
  for (const name of unfinished) quietly(() => removeOurs(path.join(folder, name)))
  quietly(() => {
    if (readSpaceFile(folder) !== undefined) fs.unlinkSync(path.join(folder, SPACE_FILE))
    fs.rmdirSync(folder)
  })
}

/** Removes a file if it begins as a segment of ours does, of any version. */
function removeOurs(file: string): void {
  withHead(file, ({ fd, head }) => {
    if (hasMagic(head)) retire(file, fd)
  })
}
