// Folders that are being filled: each names the process that does it, so that what a dead one has left is removed by the next. Looks at
// nothing else.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readSmall, statOf } from '../../fs/files.js'
import { isFolder, makeFolder, namesIn } from '../../fs/folders.js'
import { isDead, type NamedProcess, pidPlace, startOf } from '../../fs/process-identity.js'
import { replaceWith } from '../../fs/replace.js'

/** The file that says who fills a folder. */
export const OWNER = 'owner'
/** For how long one is left alone whose maker nobody can look up. */
const STALE_MS = 60_000

/** A new folder with the name of its maker in it, and a folder `timing` for segments. */
export async function beginFolder(parent: string, name: string): Promise<string> {
  const dir = join(parent, name)
  makeFolder(dir)
  const { pid } = process
  const owner = JSON.stringify({ pid, place: pidPlace(), started: startOf(pid) } satisfies NamedProcess)
  await replaceWith(join(dir, OWNER), 0o600, file => file.writeFile(owner))
  makeFolder(join(dir, 'timing'))
  return dir
}

/** Removes what processes that are dead began in a folder, under names of this form. */
export async function removeLeft(parent: string, form: RegExp): Promise<void> {
  for (const name of namesIn(parent)) {
    const dir = join(parent, name)
    if (form.test(name) && isFolder(dir) && isLeft(dir)) await rm(dir, { recursive: true, force: true })
  }
}

function isLeft(dir: string): boolean {
  const owner = ownerOf(readSmall(join(dir, OWNER), 4096))
  if (owner !== undefined) return isDead(owner)
  return Date.now() - (statOf(dir)?.mtimeMs ?? Number.POSITIVE_INFINITY) > STALE_MS
}

function ownerOf(text: string | undefined): NamedProcess | undefined {
  try {
    const owner = JSON.parse(text ?? '') as NamedProcess
    return Number.isSafeInteger(owner?.pid) && typeof owner.place === 'string' ? owner : undefined
  } catch {
    return undefined
  }
}
