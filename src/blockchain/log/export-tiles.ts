// The chain as a folder of C2SP tlog-tiles, which any static host can serve: what is new is written, the signed head last. Removes nothing.
import { join } from 'node:path'
import { isOpDbusError, OpDbusError, throwIfAborted } from '../../errors.js'
import { inWords } from '../../fs/errno.js'
import { readSmall, statOf } from '../../fs/files.js'
import type { Block } from '../block.js'
import type { ChainParts } from '../chain-parts.js'
import { headerJson } from '../line.js'
import { HASH_BYTES } from '../merkle.js'
import { refuseOwn } from '../own-folders.js'
import type { SignedHead, TilesCall, TilesReport } from '../reports.js'
import { TILE } from '../tree-levels.js'
import { CHECKPOINT, checkpointIn } from './checkpoint-file.js'
import { openHead } from './heads.js'
import { knownKeys } from './known-keys.js'
import { logKey, signedHead } from './log.js'
import { type TileFile, tilePath, tilesBetween } from './tile-paths.js'
import { WrittenFiles } from './written-files.js'

/** The verifier key, for who is to check. */
const PUBLIC_KEY = 'key.pub'
const MOST_BYTES = 8192

/** @throws OpDbusError INVALID_INPUT where the folder holds something else; CONFLICT, CHAIN_DAMAGED, STORE, ABORTED */
export async function exportTiles(parts: ChainParts, dir: string, call: TilesCall): Promise<TilesReport> {
  refuseOwn(parts, dir)
  const { verifierKey, created } = await logKey(parts, { signal: call.signal })
  const head = { ...(await signedHead(parts, call.signal, 0)), ...(created && { keyMade: true as const }) }
  const written = new WrittenFiles(dir)
  try {
    const from = Math.min(await sizeIn(dir, parts), head.size)
    await written.put(PUBLIC_KEY, Buffer.from(`${verifierKey}\n`))
    await writeTiles(parts, written, from, head, call)
    await written.synced()
    // Whoever sees this head finds all that it speaks of. A later one may have come by another export meanwhile.
    const there = await sizeIn(dir, parts)
    if (there <= head.size) await written.put(CHECKPOINT, Buffer.from(head.text))
    await written.synced()
    const { files, bytes } = written
    return { dir, from, head, verifierKey, files, bytes }
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

/** How many blocks the folder holds of this log, or of one whose key it had before. */
async function sizeIn(dir: string, { store, tree }: ChainParts): Promise<number> {
  const keys = knownKeys({ store })
  const checkpoint = checkpointIn(dir)
  const publicKey = readSmall(join(dir, PUBLIC_KEY), MOST_BYTES)
  const other = (why: string) =>
    new OpDbusError('INVALID_INPUT', `${dir} ${why}\nnothing was written: choose another folder, or empty this one`)
  if (checkpoint === undefined) {
    // The key comes first: where there is one, an export was cut off.
    const strange = [CHECKPOINT, 'tile'].some(name => statOf(join(dir, name)) !== undefined)
    if (publicKey === undefined ? strange : !keys.includes(publicKey.trim())) throw other('holds tiles of another log')
    return 0
  }
  let old: SignedHead
  try {
    old = openHead(checkpoint, keys)
  } catch {
    throw other('holds a checkpoint that this log has not signed')
  }
  if (old.size > store.size() || (await tree.root(old.size)) !== old.root) {
    throw other(`holds ${old.size} blocks that this chain does not continue`)
  }
  return old.size
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

/** The chain's headers, in the order of blocks. */
class Entries {
  readonly #pieces: AsyncIterator<readonly Block[]>
  #piece: readonly Block[] = []
  #next = 0

  constructor(pieces: AsyncIterable<readonly Block[]>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  /** A file of entries: each behind its length, 16 bits. All must be what the tree says. */
  async bundle({ index, width }: TileFile, hashes: Uint8Array): Promise<Buffer> {
    const parts: Buffer[] = []
    const leaves = Buffer.from(hashes)
    for (let i = 0; i < width; i++) {
      const block = await this.#block()
      const number = index * TILE + i
      if (block?.hash !== leaves.toString('hex', i * HASH_BYTES, (i + 1) * HASH_BYTES)) {
        throw new OpDbusError('CHAIN_DAMAGED', `block ${number} is not the one that is in the tree`, {
          details: { block: number },
        })
      }
      const entry = Buffer.from(headerJson(block.header))
      const length = Buffer.alloc(2)
      length.writeUInt16BE(entry.length)
      parts.push(length, entry)
    }
    return Buffer.concat(parts)
  }

  async #block(): Promise<Block | undefined> {
    while (this.#next === this.#piece.length) {
      const { done, value } = await this.#pieces.next()
      if (done) return undefined
      this.#piece = value
      this.#next = 0
    }
    return this.#piece[this.#next++]
  }
}
