// Where the lists of what memory held lie, and how they are removed. Reads none of them.
import { join } from 'node:path'
import { unlink } from '../../fs/files.js'
import { isFolder, namesIn } from '../../fs/folders.js'

const LIST = /^[0-9a-f]{32}\.hot(?:\.[0-9a-f]{16}\.tmp)?$/

export function hotFolder(dir: string): string {
  return join(dir, 'warm')
}

/** Removes the lists of all spaces: whoever clears vectors wants none of their names left. Throws what the system says. */
export function removeHotLists(dir: string): void {
  const folder = hotFolder(dir)
  if (!isFolder(folder)) return
  for (const name of namesIn(folder)) if (LIST.test(name)) unlink(join(folder, name))
}
