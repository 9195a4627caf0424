// The chain as a folder of C2SP tlog-tiles, which any static host can serve: what is new is written, the signed head last. Removes nothing.
import { join } from 'node:path'
import { isOpDbusError, OpDbusError, throwIfAborted } from '../../errors.js'
import { inWords } from '../../fs/errno.js'
import { readFile, readSmall, statOf } from '../../fs/files.js'
import { namesIn } from '../../fs/folders.js'
import type { ChainParts } from '../chain-parts.js'
import { refuseOwn } from '../own-folders.js'
import type { SignedHead, TilesCall, TilesReport } from '../reports.js'
import { TILE } from '../tree-levels.js'
import { Entries, isBundle } from './bundles.js'
import { CHECKPOINT, checkpointIn } from './checkpoint-file.js'
import { openHead } from './heads.js'
import { knownKeys } from './known-keys.js'
import { logKey, signedHead } from './log.js'
import { tilePath, tilesBetween } from './tile-paths.js'
import { WrittenFiles } from './written-files.js'

/** The verifier key, for who is to check. */
const PUBLIC_KEY = 'key.pub'
const MOST_BYTES = 8192
/** A file of entries that is longer is none: a header and its length have some 4 KiB. */
const MOST_TILE_BYTES = 2 << 20

/** @throws OpDbusError INVALID_INPUT where the folder holds something else; CONFLICT where it is of a key of before; CONFLICT, CHAIN_DAMAGED, STORE, ABORTED */
export async function exportTiles(parts: ChainParts, dir: string, call: TilesCall): Promise<TilesReport> {
  refuseFolder(dir, parts)
  const { verifierKey, created } = await logKey(parts, { signal: call.signal })
  const head = { ...(await signedHead(parts, call.signal, 0)), ...(created && { keyMade: true as const }) }
  const written = new WrittenFiles(dir)
  try {
    const from = Math.min(await sizeIn(dir, verifierKey, parts), head.size)
    await written.put(PUBLIC_KEY, Buffer.from(`${verifierKey}\n`))
    const mended = await mendTiles(parts, dir, written, from, call)
    await writeTiles(parts, written, from, head, call)
    await written.synced()
    // Whoever sees this head finds all that it speaks of. A later one may have come by another export meanwhile.
    const there = await sizeIn(dir, verifierKey, parts)
    if (there <= head.size) await written.put(CHECKPOINT, Buffer.from(head.text))
    await written.synced()
    const { files, bytes } = written
    return { dir, from, head, verifierKey, files, bytes, mended }
  } catch (error) {
    if (isOpDbusError(error)) throw error
    throw new OpDbusError('STORE', `the tiles cannot be written to ${dir}: ${inWords(error)}`, {
      cause: error,
      details: { dir },
    })
  } finally {
    await written.close()
  }
}

/** @throws OpDbusError INVALID_INPUT for a folder in which other things would be taken for a log, or a log for them */
function refuseFolder(dir: string, parts: ChainParts): void {
  if (typeof dir !== 'string' || dir === '') {
    throw new OpDbusError('INVALID_INPUT', 'an export of tiles goes into a folder: say which')
  }
  refuseOwn(parts, dir)
}

/** How many blocks the folder holds of this log. */
async function sizeIn(dir: string, verifierKey: string, { store, tree }: ChainParts): Promise<number> {
  const checkpoint = checkpointIn(dir)
  const publicKey = readSmall(join(dir, PUBLIC_KEY), MOST_BYTES)?.trim()
  const other = (why: string) =>
    new OpDbusError('INVALID_INPUT', `${dir} ${why}\nnothing was written: choose another folder, or empty this one`)
  if (publicKey !== undefined && publicKey !== verifierKey && knownKeys({ store }).includes(publicKey)) {
    throw new OpDbusError(
      'CONFLICT',
      `${dir} holds the log of a key that this chain had before (${publicKey})\n` +
        'nothing was written: those who follow it would find another log there; export the new one into another folder',
    )
  }
  if (checkpoint === undefined && statOf(join(dir, CHECKPOINT)) === undefined) {
    // The key comes first: where there is one, an export was cut off.
    const strange = namesIn(dir).some(name => !name.startsWith('.'))
    if (publicKey === undefined ? strange : publicKey !== verifierKey)
      throw other('holds something else than this log, which would lie among it')
    return 0
  }
  let old: SignedHead
  try {
    old = openHead(checkpoint ?? '', [verifierKey])
  } catch {
    throw other('holds a checkpoint that this log has not signed')
  }
  if (old.size > store.size() || (await tree.root(old.size)) !== old.root) {
    throw other(
      `holds ${old.size} blocks that this chain does not continue: it was restored, or that is of a copy of it`,
    )
  }
  return old.size
}

/** Writes anew what an earlier export left and is not what it was; answers how many files. */
async function mendTiles(
  { store, tree }: ChainParts,
  dir: string,
  written: WrittenFiles,
  size: number,
  { signal }: TilesCall,
): Promise<number> {
  let mended = 0
  for (const file of tilesBetween(0, size)) {
    throwIfAborted(signal)
    const { level, index, width } = file
    const hashes = await tree.hashes(level === 'entries' ? 0 : level, index * TILE, width, size)
    const name = tilePath(file)
    const bytes = readFile(join(dir, name), MOST_TILE_BYTES)
    if (level === 'entries') {
      if (bytes && isBundle(bytes, hashes)) continue
      const entries = new Entries(store.scan(index * TILE, index * TILE + width))
      await written.put(name, await entries.bundle(file, hashes))
    } else {
      if (bytes && Buffer.compare(bytes, hashes) === 0) continue
      await written.put(name, hashes)
    }
    mended++
  }
  return mended
}

async function writeTiles(
  { store, tree }: ChainParts,
  written: WrittenFiles,
  from: number,
  { size }: SignedHead,
  { onProgress, signal }: TilesCall,
): Promise<void> {
  const entries = new Entries(store.scan(from - (from % TILE), size))
  for (const file of tilesBetween(from, size)) {
    throwIfAborted(signal)
    const { level, index, width } = file
    const hashes = await tree.hashes(level === 'entries' ? 0 : level, index * TILE, width, size)
    await written.put(tilePath(file), level === 'entries' ? await entries.bundle(file, hashes) : hashes)
    if (level === 0) onProgress?.(index * TILE + width, size)
  }
}
