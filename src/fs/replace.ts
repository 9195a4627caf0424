// Files that are replaced as a whole: written under a temporary name beside the old one, then renamed, so that a reader
// sees the old bytes or the new ones. All renames of ours are here. Knows no format, and never opens what somebody else has put there.
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errnoOf, NO_SYNC, quietly } from './errno.js'
import { createFile, syncFile, writeAt } from './files.js'

/**
 * Puts `bytes` under the name `path`, for its owner alone. `temporary` is a free name in the same folder. With `sync` a power
 * cut leaves the old bytes or the new ones; without it perhaps neither, which suits what carries a checksum.
 */
export function replaceFile(path: string, bytes: Uint8Array, temporary: string, options: { sync: boolean }): void {
  fs.closeSync(putFile(path, bytes, temporary, options))
}

/** As {@link replaceFile}; returns the descriptor, to write more or to sync later. `mode`: who else may read it. */
export function putFile(
  path: string,
  bytes: Uint8Array,
  temporary: string,
  { sync, mode }: { sync: boolean; mode?: number },
): number {
  const fd = createFile(temporary, mode)
  try {
    writeAt(fd, bytes, 0)
    if (sync) syncFile(fd)
    fs.renameSync(temporary, path)
    return fd
  } catch (error) {
    fs.closeSync(fd)
    quietly(() => fs.unlinkSync(temporary))
    throw error
  }
}

/** A file that is being written, under its temporary name. */
export interface Draft {
  readonly file: FileHandle
  readonly path: string
}

/**
 * A new file `NAME.<random>.tmp` in the folder of `path`, to write and read. The name is random rather than the process's:
 * in a container every process is number 1, and what a killed one has left must not stand in the way of the next.
 * Links are never followed, since the name has to be free (O_EXCL).
 */
export async function createBeside(path: string, mode: number): Promise<Draft> {
  for (let tries = 1; ; tries++) {
    // The name is cut: with what is added it has to stay within the 255 bytes of a name.
    const name = `${basename(path).slice(0, 40)}.${randomBytes(8).toString('hex')}.tmp`
    const temporary = join(dirname(path), name)
    try {
      return { file: await open(temporary, 'wx+', mode), path: temporary }
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' || tries === 10) throw error
    }
  }
}

/** Gives up what was being written. Never rejects. */
export async function discard({ file, path }: Draft): Promise<void> {
  await file.close().catch(() => {})
  await rm(path, { force: true }).catch(() => {})
}

/**
 * Replaces the file at `path` by what `fill` writes. The temporary file lies beside `path`, or beside `beside` on the same
 * file system. Rejects with what the system says; then the old file is as it was, and nothing else is left.
 */
export async function replaceWith(
  path: string,
  mode: number,
  fill: (file: FileHandle) => Promise<void>,
  beside = path,
): Promise<void> {
  const draft = await createBeside(beside, mode)
  try {
    await fill(draft.file)
    await syncHandle(draft.file)
    await draft.file.close()
    await moveTo(path, draft.path)
  } catch (error) {
    await discard(draft)
    throw error
  }
}

/**
 * Gives the file `from` the name `path`, and that name outlives a power cut where the system syncs folders. Rejects only where
 * nothing was renamed.
 */
export async function moveTo(path: string, from: string): Promise<void> {
  await rename(from, path)
  // Windows opens no folder, and one may be ours to write but not to read.
  const folder = await open(dirname(path)).catch(() => undefined)
  // The file is in its place whatever is said of the folder.
  await folder?.sync().catch(() => {})
  await folder?.close().catch(() => {})
}

/** No hard links there, or they are not allowed. */
const NO_LINKS: readonly string[] = ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EMLINK']

/**
 * Gives the file `from` the name `path` as well, in the same file system, and takes its old name away. False, and nothing is changed, where
 * something of that name is there: nothing is ever replaced.
 */
export function placeNew(path: string, from: string): boolean {
  try {
    fs.linkSync(from, path)
    fs.unlinkSync(from)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    if (!NO_LINKS.includes(errnoOf(error) ?? '')) throw error
  }
  if (fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined) return false
  fs.renameSync(from, path)
  return true
}

/** Gives the file `from` the name `path`, in the place of what bore it. */
export function placeOver(path: string, from: string): void {
  fs.renameSync(from, path)
}

/** Has the names in a folder outlive a power cut, where the system syncs folders. */
export function syncFolder(dir: string): void {
  quietly(() => {
    const fd = fs.openSync(dir, 'r')
    try {
      fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
  })
}

/**
 * Gives folders other names, one right after the other, so that nothing else of this thread comes in between. Their names outlive a power
 * cut once the folders that they are in are synced.
 */
export function renameFolders(moves: readonly { readonly from: string; readonly to: string }[]): void {
  for (const { from, to } of moves) fs.renameSync(from, to)
}

/** Waits until what was written is on the disk, where the file system can say so. */
export async function syncHandle(file: FileHandle): Promise<void> {
  await file.sync().catch((error: unknown) => {
    if (!NO_SYNC.includes(errnoOf(error) ?? '')) throw error
  })
}

/** Gives `file` the owner, the group and the mode of another; false where not all of that is allowed. */
export async function takeOn(file: FileHandle, { uid, gid, mode }: fs.Stats): Promise<boolean> {
  const own = await file.stat()
  const done = async (change: Promise<void>) =>
    change.then(
      () => true,
      () => false,
    )
  // The owner first: the system takes special bits away from a file that is given to another.
  const owned = (own.uid === uid && own.gid === gid) || (await done(file.chown(uid, gid)))
  return (await done(file.chmod(mode & 0o7777))) && owned
}
