// The chain as a folder of C2SP tlog-tiles, which any static host can serve: what is new is written, the signed head last. Removes nothing.
import { join } from 'node:path'
import { yieldToEventLoop } from '../../cache/yield-to-event-loop.js'
import { isOpDbusError, OpDbusError, throwIfAborted } from '../../errors.js'
import { visible } from '../../format.js'
import { inWords } from '../../fs/errno.js'
import { readSmall } from '../../fs/files.js'
import { namesIn } from '../../fs/folders.js'
import type { ChainParts } from '../chain-parts.js'
import { refuseOwn } from '../own-folders.js'
import type { SignedHead, TilesCall, TilesReport } from '../reports.js'
import { steadily } from '../steadily.js'
import { countAt, TILE } from '../tree-levels.js'
import { Entries, isBundle } from './bundles.js'
import { CHECKPOINT, checkpointIn } from './checkpoint-file.js'
import { openHead } from './heads.js'
import { readKey, retiredKeys } from './keys.js'
import { logKey, signedHead } from './log.js'
import { leadsTo } from './signed-root.js'
import { type TileFile, tilePath, tilesBetween } from './tile-paths.js'
import { WrittenFiles } from './written-files.js'

/** The verifier key, for who is to check. */
const PUBLIC_KEY = 'key.pub'
const MOST_BYTES = 8192

/** Files between two turns of the event loop. */
const IN_A_TURN = 16
/** What begins with a dot (`.git`, `.nojekyll`), and what is left of a file that was being written, is in nobody's way. */
const OVERLOOKED = /^\.|\.[0-9a-f]{16}\.tmp$/

/** @throws OpDbusError INVALID_INPUT where the folder holds something else; CONFLICT, CHAIN_DAMAGED, STORE, ABORTED */
export async function exportTiles(parts: ChainParts, dir: string, call: TilesCall): Promise<TilesReport> {
  if (typeof dir !== 'string' || dir === '')
    throw new OpDbusError(
      'INVALID_INPUT',
      'an export of tiles takes the path of a folder: one that is empty or is not there yet',
    )
  refuseOwn(parts, dir)
  return steadily(parts.store, () => exported(parts, dir, call))
}

async function exported(parts: ChainParts, dir: string, call: TilesCall): Promise<TilesReport> {
  const written = new WrittenFiles(dir)
  try {
    await sizeIn(dir, parts)
    const { verifierKey, created } = await logKey(parts, { signal: call.signal })
    const head = { ...(await signedHead(parts, call.signal, 0)), ...(created && { keyMade: true as const }) }
    const from = Math.min(await sizeIn(dir, parts), head.size)
    await written.put(PUBLIC_KEY, Buffer.from(`${verifierKey}\n`))
    const mended = await writeTiles(parts, written, from, head, call)
    await written.synced()
    // All that is written is what was signed.
    if (!(await leadsTo(parts, head)))
      throw new OpDbusError('CHAIN_DAMAGED', 'the blocks are others than those that were signed')
    // Whoever sees this head finds all that it speaks of. A later one may have come by another export meanwhile.
    const there = await sizeIn(dir, parts)
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

/** How many blocks the folder holds of this log; 0 where it holds nothing. @throws OpDbusError INVALID_INPUT, CONFLICT for what else it holds */
async function sizeIn(dir: string, parts: ChainParts): Promise<number> {
  const { store } = parts
  const key = readKey(store.dir)?.signer.text
  const old = retiredKeys(store.dir).map(({ text }) => text)
  const checkpoint = checkpointIn(dir)
  const publicKey = readSmall(join(dir, PUBLIC_KEY), MOST_BYTES)?.trim()
  if (checkpoint === undefined && publicKey === undefined) {
    const there = namesIn(dir).find(name => !OVERLOOKED.test(name))
    if (there !== undefined) throw refused('INVALID_INPUT', `${dir} holds other things (${visible(there)}), and no log`)
    return 0
  }
  // The key comes first: where there is no head yet, an export was cut off.
  const signed = (keys: readonly string[]) =>
    checkpoint === undefined ? keys.includes(publicKey!) : headOf(checkpoint, keys)
  if (signed(old))
    throw refused('CONFLICT', `${dir} holds the log of a key that was renewed since: another key is another log`)
  const head = key === undefined ? false : signed([key])
  if (head === true) return 0
  if (!head) throw refused('INVALID_INPUT', `${dir} holds another log, which this one's key has not signed`)
  if (head.size > store.size() || !(await leadsTo(parts, head))) {
    throw refused('CONFLICT', `${dir} holds ${head.size} blocks that this chain does not continue`)
  }
  return head.size
}

function headOf(checkpoint: string, keys: readonly string[]): SignedHead | undefined {
  try {
    return openHead(checkpoint, keys)
  } catch {
    return undefined
  }
}

function refused(code: 'INVALID_INPUT' | 'CONFLICT', why: string): OpDbusError {
  return new OpDbusError(
    code,
    `${why}\nnothing was written: choose another folder, one that is empty or is not there yet`,
  )
}

/**
 * Writes what the folder does not hold yet, and again what it should hold since its last head and does not as it should: how many files
 * those are.
 */
async function writeTiles(
  { store, tree }: ChainParts,
  written: WrittenFiles,
  from: number,
  { size }: SignedHead,
  { onProgress, signal }: TilesCall,
): Promise<number> {
  const fresh = new Entries(store.scan(from - (from % TILE), size))
  let [mended, looked] = [0, 0]
  for (const file of tilesBetween(0, size)) {
    throwIfAborted(signal)
    if (++looked % IN_A_TURN === 0) await yieldToEventLoop()
    const { level, index, width } = file
    const path = tilePath(file)
    const height = level === 'entries' ? 0 : level
    const [first, end] = [index * TILE, index * TILE + width]
    const isOld = end <= countAt(height, from)
    const hashes = await tree.hashes(height, first, width, size)
    if (!isOld || !holds(written.read(path), file, hashes)) {
      const entries = isOld ? new Entries(store.scan(first, end)) : fresh
      await written.put(path, level === 'entries' ? await entries.bundle(file, hashes) : hashes)
      if (isOld) mended++
    }
    if (level === 0) onProgress?.(end, size)
  }
  return mended
}

/** Whether a file holds those hashes, or the entries that have them. */
function holds(bytes: Uint8Array | undefined, { level }: TileFile, hashes: Uint8Array): boolean {
  if (bytes === undefined) return false
  return level === 'entries' ? isBundle(bytes, hashes) : Buffer.compare(bytes, hashes) === 0
}
