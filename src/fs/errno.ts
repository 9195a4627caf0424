// What the system says of files, told apart by its errno names, and as the one error that stores throw. Touches no file.
import { messageOf, OpDbusError } from '../errors.js'

/** What Node's permission model (`--permission`) says to what it does not allow. */
export const DENIED = 'ERR_ACCESS_DENIED'

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
