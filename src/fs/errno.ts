// What the system says of files, told apart by its errno names, and as the one error that stores throw. Touches no file.
import { messageOf, OpDbusError } from '../errors.js'

/** What Node's permission model (`--permission`) says to what it does not allow. */
export const DENIED = 'ERR_ACCESS_DENIED'
/** What is there may be read, and not written. */
export const READ_ONLY: readonly string[] = ['EACCES', 'EPERM', 'EROFS', DENIED]
/** Said by file systems that do not sync, and by Node's permission model, under which nothing can. */
export const NO_SYNC: readonly string[] = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EPERM', 'EROFS', DENIED]

/** The errno name of what a file-system call threw. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}

/** What is thrown says that the file or folder is not there (any more). */
export function isAbsent(error: unknown): boolean {
  const code = errnoOf(error)
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ESTALE'
}

/** `error` as the one error that stores throw. Programming errors pass unchanged. */
export function asStoreError(error: unknown, dir: string): unknown {
  if (error instanceof OpDbusError || errnoOf(error) === undefined) return error
  return new OpDbusError('STORE', `cannot use the cache folder ${dir}: ${messageOf(error)}`, {
    cause: error,
    details: { dir, errno: errnoOf(error) },
  })
}

/** Runs what touches the disk; what the disk says is thrown as a STORE error. */
export function guarded<T>(dir: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw asStoreError(error, dir)
  }
}

/** For tidying that may fail without harm, because the next opener does it again. */
export function quietly(action: () => void): void {
  try {
    action()
  } catch {
    // Left as it was.
  }
}

/** For people. */
const IN_WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBADF: 'it is not open for this',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than allowed',
  EISDIR: 'it is a folder',
  ELOOP: 'too many links lead on from it',
  ENAMETOOLONG: 'the name is too long',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is no folder',
  ENXIO: 'nothing can be written there',
  EPERM: 'permission denied',
  EROFS: 'the disk cannot be written to',
}

/** What the system says of a file that cannot be read or written, for people. `instead`: other words for this place. */
export function inWords(error: unknown, instead: Readonly<Record<string, string>> = {}): string {
  const code = errnoOf(error) ?? ''
  return instead[code] ?? IN_WORDS[code] ?? messageOf(error)
}
