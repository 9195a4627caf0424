// Heads that the chain has to continue: those that somebody saved, the last that was signed here, and what the last writer said.
import { isOpDbusError, messageOf, OpDbusError } from '../../errors.js'
import { plural } from '../../format.js'
import { NO_PREVIOUS } from '../block.js'
import type { ChainParts } from '../chain-parts.js'
import { checkpointIn } from '../log/checkpoint-file.js'
import { openHead, splitHeads, uncheckedHead } from '../log/heads.js'
import { readOpenKey } from '../log/keys.js'
import { knownKeys } from '../log/known-keys.js'
import type { SignedHead, VerifyCall } from '../reports.js'
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
  /** Kept by somebody else than the chain. */
  readonly saved?: true
}

/** What else a head may be that is not of these blocks. */
const FORK = 'or it is of a copy of this chain that went on by itself'

export class Heads {
  readonly #faults: Faults
  readonly #heads: ComparedHead[] = []
  /** Blocks of the longest of the caller's heads that could be compared; undefined where there is none. */
  savedSize: number | undefined
  /** Blocks that the last writer said are there; undefined where nobody said. */
  readonly acknowledged: number | undefined

  /** @throws OpDbusError INVALID_INPUT where a saved head is none, or not as it was signed */
  constructor(parts: Pick<ChainParts, 'store' | 'warn'>, call: Pick<VerifyCall, 'head' | 'keys'>, faults: Faults) {
    this.#faults = faults
    if (call.keys !== undefined && call.head === undefined) {
      throw new OpDbusError('INVALID_INPUT', 'keys say who signed a saved head, and there is none: give head as well')
    }
    if (call.head !== undefined) this.#takeSaved(parts, call.head, call.keys)
    try {
      this.#takeSigned(parts)
    } catch (error) {
      faults.add('head', undefined, messageOf(error))
    }
    const said = parts.store.acknowledged?.()
    if (said) this.#heads.push({ name: 'what the last writer said', ...said })
    this.acknowledged = said?.size
  }

  /** Compares those of the size that is reached. `root` works it out. */
  reached(size: number, hash: string, root: () => string): void {
    for (const head of this.#heads) {
      if (head.size !== size) continue
      if (head.root !== undefined && head.root !== root()) {
        const message = `${head.name} is of other blocks: some of the first ${size} were rewritten${head.saved ? `, ${FORK}` : ''}`
        this.#faults.add('head', undefined, message)
      }
      if (head.hash !== undefined && head.hash !== hash && hash !== NO_PREVIOUS) {
        this.#faults.add('hash', size - 1, `it is not the block that was acknowledged`)
      }
    }
  }

  /** After the last block. `lines`: blocks with those of an append that was cut off. */
  end(size: number, lines: number): void {
    for (const head of this.#heads) {
      if (head.size <= size) continue
      const there = lines < head.size ? Math.max(size, lines) : size
      const are = there === 1 ? 'is' : 'are'
      const cut = `there ${are} ${there}: those behind were cut off${head.saved ? `, ${FORK}` : ''}`
      this.#faults.add(
        'head',
        there,
        `${head.name} is of ${head.size} ${head.size === 1 ? 'block' : 'blocks'}, and ${cut}`,
      )
    }
  }

  #takeSaved(parts: Pick<ChainParts, 'store'>, saved: string, given: readonly string[] | undefined): void {
    const keys = given ?? this.#known(parts)
    const texts = splitHeads(saved)
    for (const [at, text] of texts.entries()) {
      const name = texts.length === 1 ? 'the saved head' : `saved head ${at + 1} of ${texts.length}`
      try {
        const { size, root } = openHead(text, keys)
        this.#heads.push({ name, size, root, saved: true })
        this.savedSize = Math.max(size, this.savedSize ?? 0)
      } catch (error) {
        if (!isOpDbusError(error)) throw error
        if (error.details.unsigned !== true)
          throw new OpDbusError(error.code, `${name}: ${error.message}`, { cause: error })
        this.#faults.add('head', undefined, unsigned(name, uncheckedHead(text), keys, given !== undefined))
      }
    }
  }

  /** A key that is damaged is told where it is looked for as well. */
  #known(parts: Pick<ChainParts, 'store'>): readonly string[] {
    try {
      return knownKeys(parts)
    } catch (error) {
      this.#faults.add('head', undefined, messageOf(error))
      return []
    }
  }

  #takeSigned({ store, warn }: Pick<ChainParts, 'store' | 'warn'>): void {
    const { dir } = store
    const key = readOpenKey(dir)
    if (key?.open) warn(key.open.message)
    const text = checkpointIn(dir)
    if (text === undefined) {
      if (key) throw new Error(`the checkpoint that "${key.signer.name}" signed last is gone: ${dir}/checkpoint`)
      return
    }
    if (key) {
      this.#heads.push({ name: 'the head that was signed last', ...placeOf(openHead(text, [key.signer.text])) })
      return
    }
    // Nobody can check the signature any more; what it says can be compared all the same.
    const head = uncheckedHead(text)
    if (head.size > 0) this.#heads.push({ name: 'the head in checkpoint, whose key is gone,', ...placeOf(head) })
  }
}

function placeOf({ size, root }: SignedHead): { readonly size: number; readonly root: string } {
  return { size, root }
}

function unsigned(name: string, head: SignedHead, keys: readonly string[], given: boolean): string {
  const whose = `${name} (${plural(head.size, 'block', 'blocks')} of "${head.origin}")`
  if (given) return `${whose} was not signed with the key that was given`
  const which = keys.length === 0 ? 'this chain has no key' : `it was signed with none of this chain's keys`
  return `${whose} cannot be checked: ${which}; it is of another chain, or this one was begun anew, or a copy (then give the log's key)`
}
