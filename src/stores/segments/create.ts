// Brings a new segment into a space's folder, whole: under its name it is seen with its header or not at all.
import * as fs from 'node:fs'
import * as path from 'node:path'
import { OpDbusError } from '../../errors.js'
import { errnoOf, isAbsent, quietly } from '../../fs/errno.js'
import { createFile, writeAt } from '../../fs/files.js'
import { makeFolder } from '../../fs/folders.js'
import type { ProcessIdentity } from '../../fs/process-identity.js'
import { unfinishedName } from './format.js'
import { SPACE_FILE } from './spaces.js'

/** Clears that may come between making the folder and using it before we give up. */
const MOST_TRIES = 100

export interface CreateParts {
  /** The folder of the space. */
  readonly path: string
  /** The text of `space.json`. */
  spaceFile(): string
}

/** Creates the segment, and the folder and its description where they are not there; returns a descriptor to write to. */
export function createSegment(parts: CreateParts, name: string, head: Uint8Array, writer: ProcessIdentity): number {
  for (let tries = 1; ; tries++) {
    try {
      makeSpaceFolder(parts)
      return createNamed(path.join(parts.path, unfinishedName(name, writer)), path.join(parts.path, name), head)
    } catch (error) {
      // A clear removed the folder, or the file, while we made it.
      if (!isAbsent(error) || tries === MOST_TRIES) throw error
    }
  }
}

function createNamed(temporary: string, file: string, head: Uint8Array): number {
  const fd = createFile(temporary)
  try {
    writeAt(fd, head, 0)
    fs.renameSync(temporary, file)
    return fd
  } catch (error) {
    quietly(() => fs.unlinkSync(temporary))
    fs.closeSync(fd)
    throw error
  }
}

function makeSpaceFolder(parts: CreateParts): void {
  makeFolder(parts.path)
  // Throws ENOENT where a clear has removed it already.
  if (!fs.lstatSync(parts.path).isDirectory()) {
    throw new OpDbusError('STORE', `not a folder of its own: ${parts.path}`, { details: { dir: parts.path } })
  }
  const file = path.join(parts.path, SPACE_FILE)
  if (fs.existsSync(file)) return
  try {
    fs.writeFileSync(file, parts.spaceFile(), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return
    if (!isAbsent(error)) quietly(() => fs.unlinkSync(file))
    throw error
  }
}
