// What a path leads to that somebody named on the command line. Opens nothing.
import { fstatSync, type Stats } from 'node:fs'
import { lstat, readdir, readlink, realpath, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, sep } from 'node:path'
import { errnoOf } from '../fs/errno.js'

export type Target =
  /** One of the descriptors that this process was started with: `-`, /dev/stdout, /dev/fd/3. */
  | { readonly kind: 'descriptor'; readonly fd: number }
  /** A regular file, or none yet. `path` is what all links lead to; `stats` says what is there. */
  | { readonly kind: 'file'; readonly path: string; readonly stats: Stats | undefined }
  /** A device, a FIFO, a socket, a file without a name: it is opened by the path as it was given. */
  | { readonly kind: 'special'; readonly path: string; readonly stats: Stats }
  | { readonly kind: 'folder' }

/** As many links as Linux follows. */
const MAX_LINKS = 40
const NAMES_FOLDER = sep === '/' ? /\/$/ : /[/\\]$/

/** @throws what the system says where a folder on the way is missing or may not be entered */
export async function targetOf(path: string, standard: 0 | 1): Promise<Target> {
  if (path === '-') return { kind: 'descriptor', fd: standard }
  const end = await follow(path)
  if (typeof end === 'number') return { kind: 'descriptor', fd: end }
  const stats = await unlessAbsent(stat(path))
  if (stats?.isDirectory() || (!stats && NAMES_FOLDER.test(end))) return { kind: 'folder' }
  if (stats === undefined) return { kind: 'file', path: end, stats }
  // Links in /proc lead to what has no name, or no longer has the one that they say.
  const named = stats.isFile() && (await unlessAbsent(stat(end)))
  if (named && named.dev === stats.dev && named.ino === stats.ino) return { kind: 'file', path: end, stats }
  return { kind: 'special', path, stats }
}

/** The end of a chain of links, which need not exist; the number, where it is a descriptor of this process. */
async function follow(path: string): Promise<string | number> {
  const own = await Promise.all(['/proc/self/fd', '/dev/fd'].map(folder => realpath(folder).catch(() => undefined)))
  let at = path
  for (let links = 0; links <= MAX_LINKS; links++) {
    // The real folder, not the one that the text says: `..` in a link is counted from there.
    const folder = await realpath(dirname(at))
    const name = basename(at)
    if (own.includes(folder) && /^\d{1,9}$/.test(name)) {
      if (await isInherited(Number(name))) return Number(name)
      throw Object.assign(new Error('not open'), { code: 'EBADF' })
    }
    const full = join(folder, name)
    const info = await unlessAbsent(lstat(full))
    if (!info?.isSymbolicLink()) return NAMES_FOLDER.test(at) ? `${full}/` : full
    const link = await readlink(full)
    at = isAbsolute(link) ? link : `${folder}/${link}`
  }
  throw Object.assign(new Error('too many links'), { code: 'ELOOP' })
}

/**
 * Whether this process was started with the descriptor. Node opens some of its own (timers, queues, pipes to itself), and what
 * is written there takes the process along. Asked before anything else is opened: what is not open now may be a cache's later.
 */
async function isInherited(fd: number): Promise<boolean> {
  if (fd <= 2) return true
  const linkOf = (each: string | number) => readlink(`/proc/self/fd/${each}`).catch(() => undefined)
  const all = await readdir('/proc/self/fd').catch(() => undefined)
  if (all === undefined) return isOpen(fd)
  const link = await linkOf(fd)
  if (link === undefined || link.startsWith('anon_inode:')) return false
  if (!link.startsWith('pipe:')) return true
  const ends = await Promise.all(all.map(linkOf))
  return ends.filter(end => end === link).length === 1
}

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd)
    return true
  } catch {
    return false
  }
}

async function unlessAbsent<T>(found: Promise<T>): Promise<T | undefined> {
  return found.catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  })
}
