// Heads that the chain has to continue: the one that somebody saved, the last that was signed here, and what the last writer said.
import { messageOf, OpDbusError } from '../../errors.js'
import { NO_PREVIOUS } from '../block.js'
import type { ChainParts } from '../chain-parts.js'
import { openHead } from '../log/heads.js'
import { knownKeys } from '../log/known-keys.js'
import { lastSignedHead } from '../log/log.js'
import type { Faults } from './faults.js'

interface ComparedHead {
  /** For people. */
  readonly name: string
  /** Blocks. */
  readonly size: number
  /** Of the tree over them. */
  readonly root?: string
  /** Of the last of them. */
  readonly hash?: string
}

export class Heads {
  readonly #faults: Faults
  readonly #heads: ComparedHead[] = []
  /** Blocks of the caller's head; undefined where there is none. */
  readonly savedSize: number | undefined

  /** @throws OpDbusError INVALID_INPUT where the saved head is none, or was signed by nobody that this chain knows */
  constructor({ store }: ChainParts, saved: string | undefined, faults: Faults) {
    this.#faults = faults
    if (saved !== undefined) {
      if (typeof saved !== 'string') throw new OpDbusError('INVALID_INPUT', 'a head is the text of a signed checkpoint')
      const { size, root } = openHead(saved, knownKeys({ store }))
      this.#heads.push({ name: 'the saved head', size, root })
      this.savedSize = size
    }
    try {
      const signed = lastSignedHead(store.dir)
      if (signed) this.#heads.push({ name: 'the head that was signed last', size: signed.size, root: signed.root })
    } catch (error) {
      faults.add('head', undefined, messageOf(error))
    }
    const said = store.acknowledged?.()
    if (said) this.#heads.push({ name: 'what the last writer said', ...said })
  }

  /** Compares those of the size that is reached. `root` works it out. */
  reached(size: number, hash: string, root: () => string): void {
    for (const head of this.#heads) {
      if (head.size !== size) continue
      if (head.root !== undefined && head.root !== root()) {
        const message = `${head.name} is of other blocks: some of the first ${size} were rewritten`
        this.#faults.add('head', undefined, message)
      }
      if (head.hash !== undefined && head.hash !== hash && hash !== NO_PREVIOUS) {
        this.#faults.add('hash', size - 1, `it is not the block that was acknowledged`)
      }
    }
  }

  /** After the last block. */
  end(size: number): void {
    for (const head of this.#heads) {
      if (head.size <= size) continue
      const message = `${head.name} is of ${head.size} blocks, and there are ${size}: those behind were cut off`
      this.#faults.add('head', size, message)
    }
  }
}
