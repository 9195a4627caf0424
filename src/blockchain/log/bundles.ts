// Files of entries (C2SP tlog-tiles): the headers of 256 blocks, each behind its length. Made of blocks that are what the tree says, and looked at
// when they come back. Opens no file.
import { OpDbusError } from '../../errors.js'
import type { Block } from '../block.js'
import { headerJson } from '../line.js'
import { HASH_BYTES, leafHash } from '../merkle.js'
import { TILE } from '../tree-levels.js'
import type { TileFile } from './tile-paths.js'

/** The chain's headers, in the order of blocks. */
export class Entries {
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

/** Whether a file holds just the entries with these hashes. */
export function isBundle(bytes: Uint8Array, hashes: Uint8Array): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  for (let hash = 0; hash < hashes.length; hash += HASH_BYTES) {
    if (at + 2 > file.length) return false
    const end = at + 2 + file.readUInt16BE(at)
    if (!leafHash(file.subarray(at + 2, end)).equals(hashes.subarray(hash, hash + HASH_BYTES))) return false
    at = end
  }
  return at === file.length
}
