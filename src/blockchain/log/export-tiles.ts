// The chain as a folder of C2SP tlog-tiles, which any static host can serve: what is new is written, the signed head last. Removes nothing.
import { join } from 'node:path'
import { yieldToEventLoop } from '../../cache/yield-to-event-loop.js'
import { isOpDbusError, OpDbusError, throwIfAborted } from '../../errors.js'
import { visible } from '../../format.js'
import { inWords } from '../../fs/errno.js'
import { readSmall } from '../../fs/files.js'
import { namesIn } from '../../fs/folders.js'
import type { Block } from '../block.js'
import type { ChainParts } from '../chain-parts.js'
import { headerJson } from '../line.js'
import { HASH_BYTES, leafHash } from '../merkle.js'
import { refuseOwn } from '../own-folders.js'
import type { SignedHead, TilesCall, TilesReport } from '../reports.js'
import { steadily } from '../steadily.js'
import { countAt, TILE } from '../tree-levels.js'
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

/** How many blocks the folder holds of this log; 0 where it is empty. @throws OpDbusError INVALID_INPUT, CONFLICT for what else it holds */
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
  const entries = new Entries(store, size)
  let [mended, looked] = [0, 0]
  try {
    for (const file of tilesBetween(0, size)) {
      throwIfAborted(signal)
      if (++looked % IN_A_TURN === 0) await yieldToEventLoop()
      const { level, index, width } = file
      const path = tilePath(file)
      const height = level === 'entries' ? 0 : level
      const isOld = index * TILE + width <= countAt(height, from)
      const hashes = await tree.hashes(height, index * TILE, width, size)
      if (!isOld || !holds(written.read(path), level, hashes)) {
        await written.put(path, level === 'entries' ? await entries.bundle(file, hashes) : hashes)
        if (isOld) mended++
      }
      if (level === 0) onProgress?.(index * TILE + width, size)
    }
    return mended
  } finally {
    await entries.end()
  }
}

/** Whether a file holds those hashes, or the entries that have them. */
function holds(bytes: Uint8Array | undefined, level: TileFile['level'], hashes: Uint8Array): boolean {
  if (bytes === undefined) return false
  if (level !== 'entries') return Buffer.compare(bytes, hashes) === 0
  const bundle = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  for (let leaf = 0; leaf < hashes.length; leaf += HASH_BYTES) {
    if (at + 2 > bundle.length) return false
    const end = at + 2 + bundle.readUInt16BE(at)
    if (leafHash(bundle.subarray(at + 2, end)).compare(hashes, leaf, leaf + HASH_BYTES) !== 0) return false
    at = end
  }
  return at === bundle.length
}

/** The chain's headers; in the order of blocks, each is read once. */
class Entries {
  readonly #store: ChainParts['store']
  readonly #size: number
  #pieces: AsyncIterator<readonly Block[]> | undefined
  #piece: readonly Block[] = []
  /** The place in the piece of the block `#number`, which comes next. */
  #at = 0
  #number = 0

  constructor(store: ChainParts['store'], size: number) {
    this.#store = store
    this.#size = size
  }

  /** A file of entries: each behind its length, 16 bits. All must be what the tree says. */
  async bundle({ index, width }: TileFile, hashes: Uint8Array): Promise<Buffer> {
    if (this.#pieces === undefined || this.#number !== index * TILE) await this.#begin(index * TILE)
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

  /** For who needs no more: what is open for reading is closed. */
  async end(): Promise<void> {
    await this.#pieces?.return?.()
    this.#pieces = undefined
  }

  async #begin(number: number): Promise<void> {
    await this.end()
    this.#pieces = this.#store.scan(number, this.#size)[Symbol.asyncIterator]()
    this.#piece = []
    this.#at = 0
    this.#number = number
  }

  async #block(): Promise<Block | undefined> {
    while (this.#at === this.#piece.length) {
      const next = await this.#pieces!.next()
      if (next.done) return undefined
      this.#piece = next.value
      this.#at = 0
    }
    this.#number++
    return this.#piece[this.#at++]
  }
}
