// What a cache folder knows of the clears of a shared cache: the last one that it was emptied for. A machine that was down, or a program
// that ran before, finds out so that somebody cleared meanwhile. Part of the Node root; asks no server.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { readSmall } from '../fs/files.js'
import { makeFolder } from '../fs/folders.js'
import { replaceFile } from '../fs/replace.js'
import { parseSharedUrl } from '../shared-url.js'
import { clearSegments } from '../stores/segments.js'
import { foldersIn } from './disk.js'
import { nodeHash } from './runtime.js'

const MOST_BYTES = 100

export interface SharedClears {
  /** The last clear that this folder was emptied for, or heard of first; undefined where it heard of none. */
  last(): string | undefined
  /** @throws OpDbusError STORE where the folder cannot be emptied, and what the system says where that cannot be written down */
  heard(clear: string, where: 'first' | 'here' | 'elsewhere'): void
}

/** Touches no file yet. `dir`: the cache folder. */
export function sharedClears(dir: string, url: string): SharedClears {
  const { embeddings, shared } = foldersIn(dir)
  const path = join(shared, nameOf(url))
  return {
    last() {
      try {
        return readSmall(path, MOST_BYTES)?.trim()
      } catch {
        // As if it had never heard of any: what cannot be read here cannot be emptied either, which is told.
        return undefined
      }
    },
    heard(clear, where) {
      // Of all models, also of those that nobody has open.
      if (where !== 'first') clearSegments(embeddings, { hash: nodeHash })
      makeFolder(shared)
      // Afterwards: who is stopped in between empties it once more.
      replaceFile(path, Buffer.from(`${clear}\n`), `${path}.${nodeHash.random(4)}.tmp`, { sync: true })
    },
  }
}

/** One for each server; neither its address nor who speaks with it is to be read there. */
function nameOf(url: string): string {
  const address = parseSharedUrl(url)
  const { hosts, database } = 'fault' in address ? { hosts: [], database: 0 } : address
  const places = hosts.map(({ host, port }) => `${host}:${port}`).sort()
  return `cleared-${createHash('sha256')
    .update(JSON.stringify([places, database]))
    .digest('hex')
    .slice(0, 16)}`
}
