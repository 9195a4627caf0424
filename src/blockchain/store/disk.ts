// What touches the disk in an append, where a test can have it fail. Knows no block.
import * as fs from 'node:fs'
import { errnoOf, NO_SYNC, quietly } from '../../fs/errno.js'
import { openAtEnd, openOrMake, openToWrite, writeAt, writeAtEnd } from '../../fs/files.js'

export interface WriteIo {
  /** Behind the end of a file that is open for that alone: all of `bytes`, or throws; some may have been written then. */
  append(fd: number, bytes: Uint8Array): void
  /** Over what is there: all of `bytes`, or throws. */
  write(fd: number, bytes: Uint8Array, position: number): void
  /** Waits until what was written is on the disk; the event loop goes on. */
  sync(fd: number): Promise<void>
  truncate(fd: number, length: number): void
}

export const DISK: WriteIo = {
  append: writeAtEnd,
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

/**
 * A segment that is open to append to. Its end has a descriptor of its own, by which the system itself writes behind whatever is there: two
 * processes that both take themselves for the writer never write over each other's blocks.
 */
export class WritableSegment {
  readonly file: number
  readonly end: number

  private constructor(path: string, file: number) {
    this.file = file
    try {
      this.end = openAtEnd(path)
    } catch (error) {
      fs.closeSync(file)
      throw error
    }
  }

  /** Undefined where there is none. */
  static openIfThere(path: string): WritableSegment | undefined {
    try {
      return new WritableSegment(path, openToWrite(path))
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw error
    }
  }

  static openOrMake(path: string): WritableSegment {
    return new WritableSegment(path, openOrMake(path))
  }

  /** In bytes. */
  size(): number {
    return fs.fstatSync(this.file).size
  }

  /** Never throws. */
  close(): void {
    quietly(() => fs.closeSync(this.file))
    quietly(() => fs.closeSync(this.end))
  }
}
