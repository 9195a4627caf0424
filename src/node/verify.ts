// Reads everything on disk and says what is damaged: for `op-dbus cache verify`. Part of the Node root; repairs nothing.
import { verifyBlockIndex } from '../blockchain/store/index-folder.js'
import { isAnswer } from '../caches/query-file.js'
import type { Key } from '../ports.js'
import { openFileStore } from '../stores/files.js'
import { verifySegments } from '../stores/segments.js'
import { foldersIn } from './disk.js'
import { type OpenOptions, readOptions } from './options.js'
import { crc32, nodeClock, nodeHash } from './runtime.js'

export interface CacheReport {
  readonly files: number
  /** Entries whose check holds. */
  readonly entries: number
  /** Bytes. */
  readonly size: number
  /** Entries whose check fails: never served. */
  readonly damaged: number
  /** Files of our name that are not ours, or of another version: left alone. */
  readonly foreign: number
}

export interface VerifyReport {
  readonly dir: string | undefined
  readonly damaged: boolean
  readonly caches: Readonly<Record<'embeddings' | 'blocks' | 'queries', CacheReport>>
}

/** @throws OpDbusError STORE where a folder cannot be read */
export async function verifyCaches(options: OpenOptions = {}): Promise<VerifyReport> {
  const { dir } = readOptions(options)
  const nothing: CacheReport = { files: 0, entries: 0, size: 0, damaged: 0, foreign: 0 }
  if (dir === undefined) {
    return {
      dir,
      damaged: false,
      caches: { embeddings: nothing, blocks: nothing, queries: nothing },
    }
  }
  const folders = foldersIn(dir)
  const caches = {
    embeddings: await verifyEmbeddings(folders.embeddings),
    blocks: verifyBlocks(folders.blocks),
    queries: await verifyFiles(folders.queries, isAnswer),
  }
  return { dir, damaged: Object.values(caches).some(report => report.damaged > 0), caches }
}

async function verifyEmbeddings(dir: string): Promise<CacheReport> {
  const { segments, live, bytes, damaged, foreign } = await verifySegments(dir, { crc32 })
  return { files: segments, entries: live, size: bytes, damaged, foreign: foreign.length }
}

function verifyBlocks(dir: string): CacheReport {
  const { files, entries, bytes, damaged, foreign } = verifyBlockIndex(dir, crc32)
  return { files, entries, size: bytes, damaged, foreign }
}

async function verifyFiles(dir: string, isEntry?: (key: Key) => boolean): Promise<CacheReport> {
  const parts = { clock: nodeClock(), hash: nodeHash, crc32, ...(isEntry && { isEntry }) }
  const store = openFileStore({ name: 'file', dir, maxEntries: 1, ...parts })
  try {
    const { files, entries, damaged, bytes, foreign } = await store.verify()
    return { files, entries, size: bytes, damaged, foreign }
  } finally {
    await store.close()
  }
}
