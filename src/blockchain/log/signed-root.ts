// The root that is signed: from what was signed before, and from the blocks behind that, as they lie in the segments. Believes no file of the
// tree, which anybody may have changed; one that leads elsewhere is made anew.
import { OpDbusError, throwIfAborted } from '../../errors.js'
import { NO_PREVIOUS } from '../block.js'
import type { ChainParts } from '../chain-parts.js'
import { isIncluded } from '../merkle.js'
import type { MerkleTree } from '../ports.js'
import type { SignedHead } from '../reports.js'
import { GrowingRoot } from '../verify/root.js'
import { treeOf } from './heads.js'

type Tree = Pick<SignedHead, 'size' | 'root'>
type Parts = Pick<ChainParts, 'store' | 'tree'>

/** For which head and which chain a tree was made anew already: where it still leads elsewhere, the chain is another one. */
const remade = new WeakMap<MerkleTree, string>()

/** Whether the tree leads to that root, at last once it is made anew from the blocks. @throws OpDbusError CHAIN_DAMAGED, STORE */
export async function leadsTo({ store, tree }: Parts, { size, root }: Tree): Promise<boolean> {
  if ((await tree.root(size)) === root) return true
  const what = `${root} ${store.rewrites()}`
  if (remade.get(tree) === what) return false
  await tree.remake(`it does not lead to the root of ${size} blocks`)
  const leads = (await tree.root(size)) === root
  remade.set(tree, what)
  return leads
}

/** A signed head, and the blocks that the chain has behind it. */
export class SignedRoot {
  readonly #store: Parts['store']
  readonly #root: GrowingRoot
  #previous: string

  private constructor(store: Parts['store'], root: GrowingRoot, previous: string) {
    this.#store = store
    this.#root = root
    this.#previous = previous
  }

  /** Undefined where the chain does not begin with the blocks of the head, which was opened. @throws OpDbusError CHAIN_DAMAGED, STORE */
  static async of(parts: Parts, head: SignedHead): Promise<SignedRoot | undefined> {
    const { store, tree } = parts
    const { size } = head
    if (size === 0) return new SignedRoot(store, new GrowingRoot(), NO_PREVIOUS)
    const last = store.read(size - 1)
    if (last === undefined) return undefined
    const leaf = Buffer.from(last.hash, 'hex')
    if (!(await leadsTo(parts, head))) return undefined
    const path = (await tree.inclusion(size - 1, size)).map(hash => Buffer.from(hash, 'hex'))
    if (!isIncluded(leaf, size - 1, treeOf(head), path)) return undefined
    return new SignedRoot(store, GrowingRoot.after(leaf, path, size), last.hash)
  }

  /** The root over the first `size` blocks: each behind the head is read. @throws OpDbusError CHAIN_DAMAGED, STORE, ABORTED */
  async upTo(size: number, signal: AbortSignal | undefined): Promise<string> {
    for await (const blocks of this.#store.scan(this.#root.size, size)) {
      throwIfAborted(signal)
      for (const { number, hash, header } of blocks) {
        if (number !== this.#root.size || header.previous !== this.#previous) throw this.#broken()
        this.#root.push(hash)
        this.#previous = hash
      }
    }
    if (this.#root.size !== size) throw this.#broken()
    return this.#root.root()
  }

  #broken(): OpDbusError {
    const block = this.#root.size
    return new OpDbusError('CHAIN_DAMAGED', `block ${block} does not continue the block before it`, {
      details: { block },
    })
  }
}
