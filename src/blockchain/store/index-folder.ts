// The files of the index as files: how many, which are sound, and how they are removed; for `cache stats`, `clear` and `verify`. Knows
// no chain.
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { OpDbusError } from '../../errors.js'
import { guarded, quietly } from '../../fs/errno.js'
import { readFile, statOf, unlink } from '../../fs/files.js'
import { isFolder, namesIn } from '../../fs/folders.js'
import type { Crc32 } from '../../ports.js'
import {
  FILE_BYTES,
  HEADER_BYTES,
  INDEX_DRAFT,
  INDEX_FILE,
  MAGIC,
  readIndexFile,
  readIndexHeader,
} from './index-format.js'

export interface IndexSize {
  /** Blocks whose place is known. */
  readonly entries: number
  readonly bytes: number
}

export interface IndexReport extends IndexSize {
  /** Files of ours. */
  readonly files: number
  /** Those of them that say something else than was written. */
  readonly damaged: number
  /** Files of our name that are somebody else's. */
  readonly foreign: number
}

/** A file that begins as ours do, or one that a power cut left without any of its bytes. What a link leads to is not ours. */
export function isOurIndexFile(path: string): boolean {
  const head = lstatSync(path, { throwIfNoEntry: false })?.isFile() ? headOf(path, MAGIC.length) : undefined
  if (head === undefined) return false
  return MAGIC.startsWith(Buffer.from(head).toString('latin1')) || head.every(byte => byte === 0)
}

/** Of all files whose names begin so. @throws OpDbusError STORE */
export function sizeOfBlockIndex(dir: string, crc32: Crc32, prefix = ''): IndexSize {
  return guarded(dir, () => {
    let [entries, bytes] = [0, 0]
    for (const path of ours(dir, prefix)) {
      const head = headOf(path, HEADER_BYTES)
      entries += (head && readIndexHeader(head, crc32)?.known) ?? 0
      bytes += statOf(path)?.size ?? 0
    }
    return { entries, bytes }
  })
}

/** Reads everything there is. @throws OpDbusError STORE */
export function verifyBlockIndex(dir: string, crc32: Crc32): IndexReport {
  return guarded(dir, () => {
    const paths = ours(dir)
    let [entries, bytes, damaged] = [0, 0, 0]
    for (const path of paths) {
      const content = readFile(path, FILE_BYTES)
      const known = content && readIndexFile(content, crc32)?.known
      if (known === undefined) damaged++
      entries += known ?? 0
      bytes += statOf(path)?.size ?? 0
    }
    const named = namesIn(dir).filter(name => INDEX_FILE.test(name)).length
    return { files: paths.length, entries, bytes, damaged, foreign: named - paths.length }
  })
}

/** Removes every file of the index, whichever chain's: it is made anew where it is needed. @throws OpDbusError STORE */
export function clearBlockIndex(dir: string): void {
  guarded(dir, () => {
    if (statOf(dir) === undefined) return
    if (!isFolder(dir)) throw new OpDbusError('STORE', `not a folder of its own: ${dir}`, { details: { dir } })
    for (const path of ours(dir)) unlink(path)
    for (const name of namesIn(dir)) if (INDEX_DRAFT.test(name)) quietly(() => unlink(join(dir, name)))
  })
}

function ours(dir: string, prefix = ''): string[] {
  if (!isFolder(dir)) return []
  return namesIn(dir)
    .filter(name => INDEX_FILE.test(name) && name.startsWith(prefix))
    .map(name => join(dir, name))
    .filter(isOurIndexFile)
}

/** The first bytes of a file, however long it is; undefined where there is none. */
function headOf(path: string, bytes: number): Uint8Array | undefined {
  return readFile(path, Number.POSITIVE_INFINITY, bytes)
}
