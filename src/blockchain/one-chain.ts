// Blocks that are read in several steps are of one chain: where another process restores one meanwhile, the read begins again. Reads nothing
// by itself.
import { OpDbusError } from '../errors.js'
import type { Block } from './block.js'
import type { BlockStore } from './ports.js'

const TRIES = 4

/** Thrown by a read that met blocks of two chains. */
export class OtherChain extends Error {
  /** The block that does not follow the one before. */
  constructor(readonly number: number) {
    super(`block ${number} does not follow the one before it`)
  }
}

/** @throws OtherChain */
export function mustFollow(before: Pick<Block, 'hash'> | undefined, { number, header }: Block): void {
  if (before !== undefined && header.previous !== before.hash) throw new OtherChain(number)
}

/** @throws OpDbusError STORE where it is restored again and again, CHAIN_DAMAGED where it is not; what `read` throws */
export async function ofOneChain<T>(store: Pick<BlockStore, 'rewrites'>, read: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    const word = store.rewrites()
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof OtherChain)) throw error
      if (tries < TRIES) continue
      const { number, message } = error
      throw store.rewrites() === word
        ? new OpDbusError('CHAIN_DAMAGED', message, { details: { block: number } })
        : new OpDbusError('STORE', 'the chain was restored while it was read: try again')
    }
  }
}
