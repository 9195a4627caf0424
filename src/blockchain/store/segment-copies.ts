// Segments taken into another folder, and what such a copy is: its digest, its lines, its last block. Changes nothing where they came from.
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { copyFile, link, lstat, open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { errnoOf } from '../../fs/errno.js'
import { openToRead } from '../../fs/files.js'
import { syncHandle } from '../../fs/replace.js'
import { readLine } from '../line.js'
import { inTheWay } from './faults.js'
import type { Segment } from './layout.js'
import { lastLineOf, linesOf } from './line-reader.js'

/** A hard link cannot be: another file system, one that has none, or a file of somebody else's. */
const NO_LINK = ['EXDEV', 'EPERM', 'EACCES', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL']
const PIECE = 1 << 20

/**
 * Hard links of all but the last, which is copied, since it grows: where the file system can, the copy shares what it is made of. On the
 * disk once their folder is synced.
 */
export async function takeFiles(segments: readonly Segment[], folder: string): Promise<void> {
  for (const [index, { path }] of segments.entries()) {
    const target = join(folder, basename(path))
    if (!(await lstat(path)).isFile()) throw inTheWay(path, 'no regular file')
    const linked = index < segments.length - 1 && (await linkFile(path, target))
    if (!linked) await copyFile(path, target, fs.constants.COPYFILE_FICLONE | fs.constants.COPYFILE_EXCL)
    const file = await open(target, linked ? 'r' : 'r+')
    try {
      if (!linked) await file.chmod(0o600)
      await syncHandle(file)
    } finally {
      await file.close()
    }
  }
}

/** False where the system does not link this. */
async function linkFile(path: string, target: string): Promise<boolean> {
  try {
    await link(path, target)
    return true
  } catch (error) {
    if (NO_LINK.includes(errnoOf(error) ?? '')) return false
    throw error
  }
}

/** What stands behind so many lines was cut off in an append, and acknowledged by nobody. */
export async function cutBehind(path: string, lines: number): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const { size } = await file.stat()
    let [left, end] = [lines, 0]
    for (const { offset, length, ended } of linesOf(file.fd, 0, size)) {
      if (left-- <= 0 || !ended) break
      end = offset + length + 1
    }
    if (end === size) return
    await file.truncate(end)
    await syncHandle(file)
  } finally {
    await file.close()
  }
}

export interface CopyLook {
  readonly lines: number
  readonly bytes: number
  readonly sha256: string
  /** Undefined where it is no block. */
  readonly last: { readonly number: number; readonly hash: string } | undefined
}

export async function lookAt(path: string): Promise<CopyLook> {
  const hash = createHash('sha256')
  let [lines, bytes] = [0, 0]
  for await (const piece of piecesOf(path)) {
    hash.update(piece)
    bytes += piece.length
    for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) lines++
  }
  return { lines, bytes, sha256: hash.digest('hex'), last: lastBlockOf(path, bytes) }
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of piecesOf(path)) hash.update(piece)
  return hash.digest('hex')
}

function lastBlockOf(path: string, bytes: number): CopyLook['last'] {
  const fd = openToRead(path)
  if (fd === undefined) return undefined
  try {
    const line = lastLineOf(fd, bytes)
    return line === undefined ? undefined : readLine(line.bytes.toString('utf8')).block
  } catch {
    return undefined
  } finally {
    fs.closeSync(fd)
  }
}

async function* piecesOf(path: string): AsyncGenerator<Buffer> {
  const file = await open(path, fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0))
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(PIECE), 0, PIECE, null)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
