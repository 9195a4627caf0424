// Where patterns lie on Node's disk: `patterns/` and `patterns/revoked/` in the cache folder. Part of the Node root.
import { join } from 'node:path'
import { MOST_REVOCATIONS } from '../caches/patterns/shelf.js'
import { type FileStore, type FileStoreOptions, openFileStore } from '../stores/files.js'

type Given = Pick<FileStoreOptions, 'clock' | 'hash' | 'crc32'>

/** Patterns kept on disk; one that is still learning takes up to members x dims x 6 bytes, any other far less. */
const MOST_PATTERNS = 4096

export function openPatternStores(dir: string, given: Given): { records: FileStore; revoked: FileStore } {
  return {
    records: openFileStore({ name: 'pattern', dir, maxEntries: MOST_PATTERNS, ...given }),
    // Twice what is ever let in: of these none may be lost.
    revoked: openFileStore({
      name: 'revocation',
      dir: join(dir, 'revoked'),
      maxEntries: 2 * MOST_REVOCATIONS,
      ...given,
    }),
  }
}

/** Removes every pattern, of every model. */
export async function clearPatterns(dir: string, given: Given): Promise<void> {
  for (const store of Object.values(openPatternStores(dir, given))) {
    await store.clear()
    await store.close()
  }
}
