// The few calls a JSON document needs of the file system, safe against links, pipes and folders in its place.
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync, unlinkSync } from 'node:fs'

/** The first `length` bytes of a regular file, or undefined: absent, a link, a folder, a pipe, or over `maxBytes`. */
export function readFile(path: string, maxBytes: number, length = maxBytes): Uint8Array | undefined {
  let fd: number
  try {
    // NOFOLLOW: a link is never ours. NONBLOCK: opening a pipe must not wait for its writer.
    fd = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'EISDIR', 'ENXIO', 'ENOTDIR'].includes(codeOf(error))) return undefined
    throw error
  }
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile() || stats.size > maxBytes) return undefined
    const bytes = new Uint8Array(Math.min(stats.size, length))
    let at = 0
    while (at < bytes.length) {
      const read = readSync(fd, bytes, at, bytes.length - at, at)
      if (read === 0) break
      at += read
    }
    return bytes.subarray(0, at)
  } finally {
    closeSync(fd)
  }
}

/** The file itself, not what a link leads to; undefined where there is none. */
export function stat(path: string) {
  try {
    return lstatSync(path)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return undefined
    throw error
  }
}

/** False when it was gone already. */
export function unlink(path: string): boolean {
  try {
    unlinkSync(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

/** The names in a folder; none where it is not there. */
export function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

/** Housekeeping: the next round tries again, and a call that needs the folder says what is wrong. */
export function quietly(run: () => void): void {
  try {
    run()
  } catch {
    // Left as it was.
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}
