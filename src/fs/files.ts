// Files of ours, opened, read and written so that a link, a FIFO or a folder in their place does no harm. Makes no folders.
import * as fs from 'node:fs'
import { isOpDbusError, messageOf, OpDbusError } from '../errors.js'
import { errnoOf, isAbsent, NO_SYNC, quietly, READ_ONLY } from './errno.js'

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_APPEND } = fs.constants
// Absent on Windows, where opening a link is a right few have.
const NO_FOLLOW = fs.constants.O_NOFOLLOW ?? 0
const NON_BLOCK = fs.constants.O_NONBLOCK ?? 0

export interface OpenFile {
  readonly fd: number
  readonly size: number
  /** False where we may only read. */
  readonly writable: boolean
}

/** Opens a regular file, to write in place where allowed; undefined where there is none, or it is something else. */
export function openRegular(path: string): OpenFile | undefined {
  if (!fs.lstatSync(path, { throwIfNoEntry: false })?.isFile()) return undefined
  let fd: number
  let writable = true
  try {
    fd = openToWrite(path)
  } catch (error) {
    if (isAbsent(error) || errnoOf(error) === 'ELOOP') return undefined
    if (!READ_ONLY.includes(errnoOf(error) ?? '')) throw error
    fd = fs.openSync(path, O_RDONLY | NO_FOLLOW | NON_BLOCK)
    writable = false
  }
  const stat = fs.fstatSync(fd)
  if (stat.isFile()) return { fd, size: stat.size, writable }
  fs.closeSync(fd)
  return undefined
}

export function openToWrite(path: string): number {
  return fs.openSync(path, O_RDWR | NO_FOLLOW | NON_BLOCK)
}

/** As {@link openToWrite}, of a file that is made where there is none, for its owner alone. */
export function openOrMake(path: string): number {
  return fs.openSync(path, O_RDWR | O_CREAT | NO_FOLLOW | NON_BLOCK, 0o600)
}

/** What is written by it goes behind whatever is there by then. */
export function openAtEnd(path: string): number {
  return fs.openSync(path, O_WRONLY | O_APPEND | NO_FOLLOW | NON_BLOCK)
}

/** A new file that only its owner may read and write, unless `mode` says otherwise. Throws EEXIST where something of that name is. */
export function createFile(path: string, mode = 0o600): number {
  return fs.openSync(path, O_RDWR | O_CREAT | O_EXCL | NO_FOLLOW, mode)
}

/**
 * Waits until what was written is on the disk. Returns the errno name where the system does not sync this file, which is
 * no failure: what was written is there, only a power cut may take it. Throws what else the disk says.
 */
export function syncFile(fd: number): string | undefined {
  try {
    fs.fdatasyncSync(fd)
    return undefined
  } catch (error) {
    const errno = errnoOf(error)
    if (errno !== undefined && NO_SYNC.includes(errno)) return errno
    throw error
  }
}

/** Reads until `target` is full or the file ends; returns how many bytes there were. */
export function readAt(fd: number, target: Uint8Array, position: number): number {
  let done = 0
  while (done < target.length) {
    const count = fs.readSync(fd, target, done, target.length - done, position + done)
    if (count === 0) break
    done += count
  }
  return done
}

/** Writes all of `bytes` or throws; some may have been written then. */
export function writeAt(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += fs.writeSync(fd, bytes, done, bytes.length - done, position + done)
  }
}

/** As {@link writeAt}, by what {@link openAtEnd} opened. */
export function writeAtEnd(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done, bytes.length - done, null)
}

/**
 * Removes a file that is open as `fd` and empties it once nothing links to it: others that still hold it open see at
 * once that it ended. Returns false, and changes nothing, where the name is gone or may not be removed: someone else did,
 * or we try again later.
 */
export function retire(path: string, fd: number): boolean {
  try {
    fs.unlinkSync(path)
  } catch {
    return false
  }
  quietly(() => {
    if (fs.fstatSync(fd).nlink === 0) fs.ftruncateSync(fd, 0)
  })
  return true
}

/** The first `length` bytes of a regular file; undefined where there is none, or what is there is over `maxBytes`. */
export function readFile(path: string, maxBytes: number, length = maxBytes): Uint8Array | undefined {
  const fd = openToRead(path)
  if (fd === undefined) return undefined
  try {
    return readWhole(fd, maxBytes, length)
  } finally {
    fs.closeSync(fd)
  }
}

/** Undefined where nothing of that name may be read as a file; a folder may be opened. */
export function openToRead(path: string): number | undefined {
  try {
    return fs.openSync(path, O_RDONLY | NO_FOLLOW | NON_BLOCK)
  } catch (error) {
    if (isAbsent(error) || ['ELOOP', 'EISDIR', 'ENXIO'].includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
}

/** The first `length` bytes of what is open as `fd`; undefined where that is no file, or one over `maxBytes`. */
export function readWhole(fd: number, maxBytes: number, length = maxBytes): Uint8Array | undefined {
  const stats = fs.fstatSync(fd)
  if (!stats.isFile() || stats.size > maxBytes) return undefined
  const bytes = new Uint8Array(Math.min(stats.size, length))
  return bytes.subarray(0, readAt(fd, bytes, 0))
}

/** The text of a small regular file; undefined where there is none, or what is there is no file of at most `limit` bytes. */
export function readSmall(path: string, limit: number): string | undefined {
  const bytes = readFile(path, limit)
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}

/** The file itself, not what a link leads to; undefined where there is none. */
export function statOf(path: string): fs.Stats | undefined {
  try {
    // An error for each file that is not there would cost more than the look.
    return fs.lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** False when it was gone already. */
export function unlink(path: string): boolean {
  try {
    fs.unlinkSync(path)
    return true
  } catch (error) {
    if (isAbsent(error)) return false
    throw error
  }
}

/** What `read` says; undefined where there is no such file. Other failures are a STORE error. */
export async function unlessAbsent<T>(path: string, read: (path: string) => Promise<T>): Promise<T | undefined> {
  try {
    return await read(path)
  } catch (error) {
    // The last is a name with a NUL in it, which no file has.
    if (isAbsent(error) || errnoOf(error) === 'ERR_INVALID_ARG_VALUE') return undefined
    if (isOpDbusError(error)) throw error
    throw new OpDbusError('STORE', `cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
      details: { file: path },
    })
  }
}
