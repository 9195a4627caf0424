// A file that is written beside the one it will replace. Knows no format, and never opens what somebody else has put there.
import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** What file systems and Node's permission model answer that know no fsync. A file without it is still a file. */
const NO_SYNC = ['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'ERR_ACCESS_DENIED']

/**
 * A new file `NAME.<random>.tmp` in the folder of `path`, to write and read. The name is random rather than the process's:
 * in a container every process is number 1, and what a killed one has left must not stand in the way of the next.
 * Links are never followed, since the name has to be free (O_EXCL).
 */
export async function createBeside(path: string, mode: number): Promise<{ file: FileHandle; path: string }> {
  for (let tries = 1; ; tries++) {
    // The name is cut: with what is added it has to stay within the 255 bytes of a name.
    const name = `${basename(path).slice(0, 40)}.${randomBytes(8).toString('hex')}.tmp`
    const temporary = join(dirname(path), name)
    try {
      return { file: await open(temporary, 'wx+', mode), path: temporary }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || tries === 10) throw error
    }
  }
}

/** Gives `file` the owner, the group and the mode of another; false where not all of that is allowed. */
export async function takeOn(file: FileHandle, { uid, gid, mode }: Stats): Promise<boolean> {
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

/** The bytes are on the disk, where the file system can say so. */
export async function syncFile(file: FileHandle): Promise<void> {
  try {
    await file.sync()
  } catch (error) {
    if (!NO_SYNC.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
