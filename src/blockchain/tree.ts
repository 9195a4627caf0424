// The Merkle tree over the blocks' hashes: brought up to the chain when somebody asks, and kept in files that are made anew where they are
// not what they were, or not this chain's any more. Writes no block.
import { OpDbusError } from '../errors.js'
import { errnoOf, inWords, READ_ONLY } from '../fs/errno.js'
import type { Warn } from '../ports.js'
import { NO_PREVIOUS } from './block.js'
import { consistencyRanges, inclusionRanges, type Range } from './merkle.js'
import type { BlockStore, MerkleTree, StoredTree } from './ports.js'
import { numbersWithPrefix } from './prefix-search.js'
import { steadily } from './steadily.js'
import { TreeFiles } from './store/tree-files.js'
import { countAt, TILE, TreeDamage, TreeLevels } from './tree-levels.js'

/** So many leaves may be missing in the files: they are read from the chain whenever a process opens the tree. */
const MISSING = 4 * TILE
/** While many are added, they are kept in steps of so many: what is not kept yet is in memory. */
const STEP = 256 * TILE
/** How often the tree is made anew for one call. */
const MOST_TRIES = 5

type Blocks = Pick<BlockStore, 'size' | 'read' | 'scan' | 'rewrites'>

/** Looks at nothing before it is asked. `dir` is where it may keep hashes: `<chain>/tree`. */
export function openTree(reader: Blocks, options: { readonly dir: string; readonly warn: Warn }): MerkleTree {
  return new ChainTree(reader, options)
}

class ChainTree implements MerkleTree {
  readonly #reader: Blocks
  readonly #warn: Warn
  readonly #dir: string
  readonly #files: TreeFiles
  #levels: TreeLevels | undefined
  /** Leaves in the files. */
  #saved = 0
  /** The files are of a longer chain, or of another: who compares them with this one would find them wrong. */
  #stale = false
  /** False once the files turned out to be of no use to write, in this process. */
  #writes = true
  /** The same, to read. */
  #reads = true
  /** Whole as they are, the files led to something else than the blocks do: nothing of them counts until they are written anew. */
  #distrusted = false
  /** Leaves that a search has checked. */
  #checked = 0
  /** Of the call before: each works on the tree by itself. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(reader: Blocks, { dir, warn }: { readonly dir: string; readonly warn: Warn }) {
    this.#reader = reader
    this.#warn = warn
    this.#dir = dir
    this.#files = new TreeFiles(dir)
  }

  root(size: number): Promise<string> {
    return this.#ask(size, levels => hex(levels.root(size)))
  }

  async inclusion(number: number, size: number): Promise<string[]> {
    if (number < 0 || number >= size) throw new OpDbusError('INVALID_INPUT', `there is no block ${number} in ${size}`)
    return this.#nodes(inclusionRanges(number, size), size)
  }

  async consistency(from: number, size: number): Promise<string[]> {
    if (from > size) throw new OpDbusError('INVALID_INPUT', `${size} blocks cannot continue ${from}`)
    return this.#nodes(consistencyRanges(from, size), size)
  }

  hashes(level: number, from: number, count: number, size: number): Promise<Uint8Array> {
    return this.#ask(size, levels => levels.hashes(level, from, count))
  }

  withPrefix(prefix: string, size: number, limit: number): Promise<number[]> {
    return this.#ask(size, async levels => {
      const { numbers, checked } = await numbersWithPrefix(levels, prefix, { size, limit, checked: this.#checked })
      this.#checked = checked
      return numbers
    })
  }

  remake(why: string): Promise<void> {
    return this.#queued(async () => this.#anew(why))
  }

  stored(): StoredTree | undefined {
    const record = this.#files.record()
    if (record === undefined) return undefined
    const hashes = (level: number, from: number, count: number) => {
      const there = Math.min(count, countAt(level, record.size) - from)
      return (there > 0 && this.#files.read(level, from, there)) || new Uint8Array()
    }
    return { ...record, hashes }
  }

  #nodes(ranges: readonly Range[], size: number): Promise<string[]> {
    return this.#ask(size, levels => ranges.map(range => hex(levels.node(range))))
  }

  #ask<T>(size: number, answer: (levels: TreeLevels) => T | Promise<T>): Promise<T> {
    return this.#queued(() => steadily(this.#reader, () => this.#answer(size, answer)))
  }

  #queued<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #answer<T>(size: number, answer: (levels: TreeLevels) => T | Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await answer(await this.#upTo(size))
      } catch (error) {
        if (!(error instanceof TreeDamage)) throw error
        this.#levels = undefined
        if (tries === MOST_TRIES) throw new OpDbusError('STORE', `the chain changes while it is read: ${error.message}`)
        // At first it is looked at once more: another process may have put it in order after a restore.
        if (tries === 1) continue
        this.#anew(error.message)
        // What was made anew was damaged again, or could not be removed.
        if (tries > 2) this.#reads = this.#writes = false
      }
    }
  }

  #anew(why: string): void {
    this.#warn(`the Merkle tree in ${this.#dir} is damaged, and is made anew: ${why}`, undefined, this.#dir)
    this.#files.forget()
    this.#levels = undefined
    this.#distrusted = true
  }

  /** The tree of at least `size` blocks of the chain as it is now. */
  async #upTo(size: number): Promise<TreeLevels> {
    const there = this.#reader.size()
    if (size > there) throw new OpDbusError('INVALID_INPUT', `the chain has ${there} blocks, and not ${size}`)
    this.#levels = this.#aligned(this.#levels ?? this.#load())
    if (this.#writes && (this.#stale || size - this.#saved >= MISSING)) await this.#extendKept(size)
    await this.#extend(this.#levels, size)
    return this.#levels
  }

  /** What the files hold. */
  #load(): TreeLevels {
    const record = this.#reads && !this.#distrusted ? this.#files.record() : undefined
    this.#stale = false
    const { size, root } = record ?? { size: 0, root: undefined }
    this.#saved = size
    this.#checked = 0
    if (size % TILE !== 0) throw new TreeDamage('its record is none')
    const levels = this.#levelsOf(size)
    if (root !== undefined && hex(levels.root(size)) !== root)
      throw new TreeDamage('its hashes do not come to its root')
    return levels
  }

  #levelsOf(size: number): TreeLevels {
    return new TreeLevels(size, (level, from, count) => this.#files.read(level, from, count))
  }

  /** Without what is not the chain's: a restore may have taken blocks away, and others may have come in their place. */
  #aligned(levels: TreeLevels): TreeLevels {
    const there = this.#reader.size()
    if (levels.size <= there && this.#holds(levels, levels.size)) return levels
    // A block names the one before it, so where two chains are the same they are so up to there.
    let [same, differs] = [0, Math.min(levels.size, there, this.#saved) + 1]
    while (differs - same > 1) {
      const middle = Math.floor((same + differs) / 2)
      if (this.#holds(levels, middle)) same = middle
      else differs = middle
    }
    this.#saved = same - (same % TILE)
    this.#checked = 0
    this.#stale = this.#reads
    const shorter = this.#levelsOf(this.#saved)
    if (hex(shorter.root(this.#saved)) !== hex(levels.root(this.#saved))) throw new TreeDamage('it ends wrongly')
    return shorter
  }

  /** Whether the first `size` leaves are the chain's: the last one is, and with it all that it names. */
  #holds(levels: TreeLevels, size: number): boolean {
    return size === 0 || this.#reader.read(size - 1)?.hash === hex(levels.leaf(size - 1))
  }

  /** Adds blocks under the lock of the files, and keeps them there. Where nothing can be kept, memory does. */
  async #extendKept(size: number): Promise<void> {
    let release: (() => Promise<void>) | undefined
    try {
      release = await this.#files.lock()
    } catch (error) {
      this.#cannotWrite(error)
      return
    }
    try {
      // Somebody else may have done it while we waited.
      this.#levels = undefined
      this.#levels = this.#aligned(this.#load())
      // What lies behind a tree that was cut is written over from here on.
      if (this.#stale) this.#keep(this.#levels)
      while (this.#writes && this.#levels.size < size) {
        await this.#extend(this.#levels, Math.min(this.#levels.size + STEP, size))
        this.#keep(this.#levels)
      }
    } finally {
      await release()
    }
  }

  async #extend(levels: TreeLevels, size: number): Promise<void> {
    if (levels.size >= size) return
    let previous = levels.size === 0 ? NO_PREVIOUS : hex(levels.leaf(levels.size - 1))
    for await (const blocks of this.#reader.scan(levels.size, size)) {
      for (const { number, hash, header } of blocks) {
        if (number !== levels.size || header.previous !== previous) this.#broken(levels)
        levels.push(Buffer.from(hash, 'hex'))
        previous = hash
      }
    }
    if (levels.size < size) this.#broken(levels)
  }

  #broken(levels: TreeLevels): never {
    // Restored while we read: not damaged, but another chain.
    if (!this.#holds(levels, levels.size)) throw new TreeDamage('the chain is another one now')
    throw new OpDbusError('CHAIN_DAMAGED', `block ${levels.size} does not continue the block before it`, {
      details: { block: levels.size },
    })
  }

  #keep(levels: TreeLevels): void {
    try {
      for (const { level, from, bytes } of levels.unsaved(this.#saved)) this.#files.write(level, from, bytes)
      const size = levels.wholeSize
      this.#files.commit({ size, root: hex(levels.root(size)) })
      levels.saved()
      this.#saved = size
      this.#stale = this.#distrusted = false
    } catch (error) {
      this.#cannotWrite(error)
    }
  }

  #cannotWrite(error: unknown): void {
    this.#writes = false
    // A folder that is not ours to write is no fault.
    if (READ_ONLY.includes(errnoOf(error) ?? '')) return
    this.#warn(`the Merkle tree cannot be kept in ${this.#dir}, and is worked out each time: ${inWords(error)}`, error)
  }
}

function hex(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString('hex')
}
