// Answers that take several looks at the chain, which another process may restore between them: then they are looked for again.
import { isOpDbusError, OpDbusError } from '../errors.js'
import type { BlockStore } from './ports.js'
import { isUnderWay } from './store/rewrites.js'

/** How often it is looked again. */
const MOST_TRIES = 5
/** The store may overlook for some ms that the chain is another one. */
const LATE_MS = 5
/** What of a chain that is another one meanwhile may look like. */
const MAY_BE_MIXED = ['CHAIN_DAMAGED', 'CONFLICT', 'INVALID_INPUT', 'STORE'] as const

/** Runs `work`, and again where it failed while the chain was pruned or restored. @throws what it throws; OpDbusError STORE where that goes on */
export async function steadily<T>(store: Pick<BlockStore, 'rewrites'>, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    const word = store.rewrites()
    try {
      return await work()
    } catch (error) {
      if (!MAY_BE_MIXED.some(code => isOpDbusError(error, code))) throw error
      await new Promise(resolve => setTimeout(resolve, LATE_MS))
      if (store.rewrites() === word && !isUnderWay(word)) throw error
      if (tries < MOST_TRIES) continue
      throw new OpDbusError('STORE', 'the chain was pruned or restored while it was read\ntry again', { cause: error })
    }
  }
}
