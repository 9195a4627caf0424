// What an import reads from: a file or a folder of somebody else's. Follows no link within a folder, waits for no FIFO, writes nothing.
import * as fs from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { OpDbusError } from '../../errors.js'
import { visible } from '../../format.js'
import { inWords } from '../../fs/errno.js'
import { openToRead, readWhole } from '../../fs/files.js'
import { isFolder, namesIn } from '../../fs/folders.js'

const PIECE = 1 << 20

/** @throws OpDbusError INVALID_INPUT for what is neither */
export function kindOf(path: string): 'file' | 'folder' {
  const stats = reading(path, () => fs.statSync(path))
  if (stats.isDirectory()) return 'folder'
  if (stats.isFile()) return 'file'
  throw new OpDbusError(
    'INVALID_INPUT',
    `${visible(path)} is neither a file nor a folder: a stream is imported as it comes, from standard input`,
  )
}

/** @throws OpDbusError INVALID_INPUT where it cannot be read (any more) */
export async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path, fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0)).catch(error => {
    throw unreadable(path, error)
  })
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(PIECE), 0, PIECE).catch(error => {
        throw unreadable(path, error)
      })
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

/** The folder with the blocks, where this is the one around it; itself otherwise. */
export function folderOfBlocks(path: string): string {
  const timing = join(path, 'timing')
  return isFolder(timing) ? timing : path
}

/** The names in a folder, sorted. @throws OpDbusError INVALID_INPUT */
export function namesOf(folder: string): string[] {
  return reading(folder, () => namesIn(folder)).sort()
}

/** The bytes of one file of a folder. @throws OpDbusError INVALID_INPUT where that is no regular file, or a larger one */
export function bytesIn(folder: string, name: string, maxBytes: number): Uint8Array {
  const path = join(folder, name)
  const bytes = reading(path, () => {
    const fd = openToRead(path)
    if (fd === undefined) return undefined
    try {
      return readWhole(fd, maxBytes)
    } finally {
      fs.closeSync(fd)
    }
  })
  if (bytes !== undefined) return bytes
  throw new OpDbusError('INVALID_INPUT', `${visible(path)} is no regular file of at most ${maxBytes >> 20} MiB`)
}

function reading<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown): OpDbusError {
  const why = inWords(error, { ENOENT: 'there is no such file or folder' })
  return new OpDbusError('INVALID_INPUT', `cannot read ${visible(path)}: ${why}`, { cause: error })
}
