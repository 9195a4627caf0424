// Takes away what earlier versions kept and this one does not read: what verified patterns had learnt, and a file for each block. Part of
// the Node root; leaves what is not ours.
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { type FileStoreOptions, openFileStore } from '../stores/files.js'

type Parts = Pick<FileStoreOptions, 'clock' | 'hash' | 'crc32'>

/** `dir` is the folder `patterns` of a cache folder. Throws STORE where the system does not let us. */
export async function removeOldPatterns(dir: string, given: Parts): Promise<void> {
  // Behind a link lies somebody else's folder, and so does what is called `revoked` in there.
  if (!lstatSync(dir, { throwIfNoEntry: false })?.isDirectory()) return
  for (const path of [join(dir, 'revoked'), dir]) await removeFiles('pattern', path, given)
}

/** `dir` is the folder `blocks` of a cache folder: the index of the chain stays in it. Throws STORE where the system does not let us. */
export function removeOldBlocks(dir: string, given: Parts): Promise<void> {
  return removeFiles('block', dir, given)
}

async function removeFiles(name: string, dir: string, given: Parts): Promise<void> {
  const store = openFileStore({ name, dir, maxEntries: 1, ...given })
  await store.remove()
  await store.close()
}
