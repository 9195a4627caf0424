// Folders of ours: made, listed, told from links. Opens no file in them.
import * as fs from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { errnoOf, isAbsent } from './errno.js'
import { unlessAbsent } from './files.js'

/** Makes `path` and what is missing above it. Node's own `recursive` never returns where the kernel denies it, as in /proc. */
export function makeFolder(path: string, mode = 0o700): void {
  const make = () => {
    try {
      fs.mkdirSync(path, { mode })
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
    }
  }
  try {
    make()
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error
    makeFolder(dirname(path), mode)
    make()
  }
}

/** True for a folder that is not a link to one. */
export function isFolder(path: string): boolean {
  return fs.lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

/** The names in a folder; none where it is not there. */
export function namesIn(dir: string): string[] {
  try {
    return fs.readdirSync(dir)
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}

/** Whether a path, which need not be there yet, is a folder or lies in it, once every link on the way was followed. */
export function isWithin(path: string, dir: string): boolean {
  const [real, own] = [realPath(resolve(path)), realPath(resolve(dir))]
  return real === own || real.startsWith(own.endsWith(sep) ? own : own + sep)
}

/** Of what is there; the rest as it was named. */
function realPath(path: string): string {
  try {
    return fs.realpathSync(path)
  } catch {
    return dirname(path) === path ? path : join(realPath(dirname(path)), basename(path))
  }
}

/** Whether this process may make files in a folder. */
export function mayWrite(dir: string): boolean {
  try {
    fs.accessSync(dir, fs.constants.W_OK | fs.constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Bytes of all regular files below a folder; what links lead to is not counted, and what goes meanwhile neither. */
export async function bytesIn(dir: string): Promise<number> {
  let bytes = 0
  for (const entry of (await unlessAbsent(dir, path => readdir(path, { withFileTypes: true }))) ?? []) {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) bytes += await bytesIn(path)
    else if (entry.isFile()) bytes += (await unlessAbsent(path, full => lstat(full)))?.size ?? 0
  }
  return bytes
}
