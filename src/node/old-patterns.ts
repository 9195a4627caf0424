// Takes away the folder in which earlier versions kept what their verified patterns had learnt. Part of the Node root;
// reads nothing in it, and leaves what is not ours.
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { type FileStoreOptions, openFileStore } from '../stores/files.js'

/** `dir` is the folder `patterns` of a cache folder. Throws STORE where the system does not let us. */
export async function removeOldPatterns(
  dir: string,
  given: Pick<FileStoreOptions, 'clock' | 'hash' | 'crc32'>,
): Promise<void> {
  // Behind a link lies somebody else's folder, and so does what is called `revoked` in there.
  if (!lstatSync(dir, { throwIfNoEntry: false })?.isDirectory()) return
  for (const path of [join(dir, 'revoked'), dir]) {
    const store = openFileStore({ name: 'pattern', dir: path, maxEntries: 1, ...given })
    await store.remove()
    await store.close()
  }
}
