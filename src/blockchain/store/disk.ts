// What touches the disk in an append, where a test can have it fail. Knows no block.
import * as fs from 'node:fs'
import { errnoOf, NO_SYNC } from '../../fs/errno.js'
import { openToWrite, writeAt } from '../../fs/files.js'

export interface WriteIo {
  /** All of `bytes`, or throws; some may have been written then. */
  write(fd: number, bytes: Uint8Array, position: number): void
  /** Waits until what was written is on the disk; the event loop goes on. */
  sync(fd: number): Promise<void>
  truncate(fd: number, length: number): void
}

export const DISK: WriteIo = {
  write: writeAt,
  sync: fd => new Promise((resolve, reject) => fs.fdatasync(fd, error => (error ? reject(error) : resolve()))),
  truncate: (fd, length) => fs.ftruncateSync(fd, length),
}

/** The errno name of what a file system says that does not sync at all; what else it says is thrown. */
export async function synced(io: WriteIo, fd: number): Promise<string | undefined> {
  try {
    await io.sync(fd)
    return undefined
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === undefined || !NO_SYNC.includes(errno)) throw error
    return errno
  }
}

/** Undefined where there is none. */
export function openIfThere(path: string): number | undefined {
  try {
    return openToWrite(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** To write, made where it is not there. */
export function openOrMake(path: string): number {
  const { O_RDWR, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants
  return fs.openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
}
