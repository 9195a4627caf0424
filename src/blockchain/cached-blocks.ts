// Blocks by number, by hash and the latest, from memory first. What it holds is what lies on the disk: written through after the commit,
// forgotten when any process rewrote blocks. Opens no file.

import { estimateSize } from '../cache/estimate-size.js'
import type { BlockCache, BlockShelf } from '../caches/block-cache.js'
import { OpDbusError } from '../errors.js'
import { visible } from '../format.js'
import type { Clock } from '../ports.js'
import { accountedReadAhead } from './ahead-account.js'
import type { Block } from './block.js'
import { mustFollow, ofOneChain } from './one-chain.js'
import type { BlockStore, MerkleTree } from './ports.js'
import type { ReadAhead, ReadAheadCounts } from './read-ahead.js'
import type { BlockCacheStats } from './reports.js'
import { sound } from './sound.js'
import { steadily } from './steadily.js'
import { isUnderWay } from './store/rewrites.js'

export interface CachedBlocksOptions {
  readonly store: BlockStore
  readonly tree: Pick<MerkleTree, 'withPrefix'>
  /** Of the caches that the chain was opened with. */
  readonly cache: BlockCache
  readonly clock: Clock
}

/** How long memory may overlook that another process rewrote blocks, in ms. The store may for as long again: 5 ms together. */
const LOOK_MS = 2
/** Digits of a hash that name a block. */
const SHORTEST_PREFIX = 4
const HASH_DIGITS = 64
const PREFIX = /^[0-9a-f]+$/i
/** How many of several blocks whose hash begins alike are told. */
const MOST_TOLD = 10
/** A header, its hashes and the names of members, as V8 lays them out: what a block takes beside what is in its body. */
const BLOCK_BYTES = 1300

export class CachedBlocks {
  readonly #store: BlockStore
  readonly #tree: Pick<MerkleTree, 'withPrefix'>
  readonly #cache: BlockCache
  readonly #shelf: BlockShelf<Block>
  readonly #clock: Clock
  readonly #ahead: ReadAhead
  readonly #ended: () => void
  #nextLookMs = Number.NEGATIVE_INFINITY
  #rewrites: string | undefined

  constructor({ store, tree, cache, clock }: CachedBlocksOptions) {
    this.#store = store
    this.#tree = tree
    this.#cache = cache
    this.#shelf = cache.shelf()
    this.#clock = clock
    const { ahead, end } = accountedReadAhead(cache, () => this.#shelf.room >> 2)
    this.#ahead = ahead
    const deaf = store.onAppended(blocks => this.#appended(blocks))
    this.#ended = () => {
      deaf()
      end()
    }
  }

  /**
   * The block of that number, hash or beginning of a hash (4 digits and more), or the `latest`; undefined where there is none.
   * @throws OpDbusError INVALID_INPUT for what is none of these, and where several hashes begin so; CHAIN_DAMAGED, STORE
   */
  async get(which: number | string): Promise<Block | undefined> {
    if (typeof which === 'number') return this.#byNumber(which)
    if (which === 'latest') {
      this.#store.mustBeWhole?.()
      const size = this.#store.size()
      return size === 0 ? undefined : this.#byNumber(size - 1)
    }
    return steadily(this.#store, () => this.#byHash(which))
  }

  /** What memory has of that number; looks at the disk at most once in 2 ms, and then only at whether blocks were rewritten. */
  view(number: number): Block | undefined {
    if (!this.#stands()) return undefined
    const block = this.#shelf.view(number)
    if (block !== undefined) this.#ahead.hit(number)
    return block
  }

  /** Blocks `from` to `to` (not included), as far as there are any. @throws OpDbusError INVALID_INPUT, CHAIN_DAMAGED, STORE */
  async range(from: number, to: number): Promise<readonly Block[]> {
    for (const number of [from, to]) checkNumber(number)
    return ofOneChain(this.#store, () => this.#range(from, to))
  }

  async #range(from: number, to: number): Promise<readonly Block[]> {
    const end = Math.min(to, this.#store.size())
    const blocks: Block[] = []
    const add = (block: Block) => {
      try {
        mustFollow(blocks.at(-1), block)
      } catch (error) {
        // Memory may be of before.
        this.forget()
        throw error
      }
      blocks.push(block)
    }
    // A long range would take the place of all that is asked for again.
    const few = end - from <= this.#shelf.capacity >> 2
    for (let at = from; at < end; at = from + blocks.length) {
      const block = this.view(at)
      if (block !== undefined) {
        add(block)
        continue
      }
      let next = at + 1
      while (next < end && !this.#shelf.has(next)) next++
      const began = this.#rewrites
      for await (const piece of this.#store.scan(at, next)) {
        for (const read of piece) {
          add(sound(read))
          if (few) this.#put(read, began)
        }
      }
      // Shorter than it was: a restore.
      if (from + blocks.length < next) break
    }
    return blocks
  }

  async stats(): Promise<BlockCacheStats> {
    const { memory, hits, misses } = await this.#cache.stats()
    return { blocks: memory.size, capacity: this.#shelf.capacity, hits, misses }
  }

  get readAhead(): ReadAheadCounts {
    return this.#ahead.counts
  }

  /** This process rewrote blocks: memory lets go of all of this chain, and looks at once whether what is read now is the new. */
  forget(): void {
    this.#shelf.clear()
    this.#nextLookMs = Number.NEGATIVE_INFINITY
  }

  close(): void {
    this.#ended()
    this.#shelf.clear()
  }

  async #byNumber(number: number): Promise<Block | undefined> {
    checkNumber(number)
    const known = this.view(number)
    if (known !== undefined) return known
    this.#shelf.missed(number)
    const ahead = this.#ahead.miss(number)
    if (ahead === undefined) return this.#read(number)
    const { step, count } = ahead
    if (Math.abs(step) > 1) {
      const block = this.#read(number)
      const began = this.#clock.monotonic()
      for (let i = 1; i < count && block !== undefined; i++) if (!this.#readAhead(number + i * step)) break
      this.#ahead.took(1000 * (this.#clock.monotonic() - began))
      return block
    }
    return this.#readRun(number, step > 0 ? number : Math.max(0, number - count + 1), count)
  }

  /** All of a run that holds `number`, in one go. */
  async #readRun(number: number, from: number, count: number): Promise<Block | undefined> {
    const began = this.#rewrites
    const askedAt = this.#clock.monotonic()
    let wanted: Block | undefined
    try {
      for await (const piece of this.#store.scan(from, from + count)) {
        for (const block of piece) {
          if (block.number === number) wanted = this.#put(sound(block), began)
          else if (!this.#shelf.has(block.number)) {
            this.#put(sound(block), began)
            this.#ahead.arrived(block.number)
          }
        }
      }
    } catch {
      // Whoever asks for the one that cannot be read is told; perhaps it is this one.
    }
    this.#ahead.took((1000 * (this.#clock.monotonic() - askedAt) * (count - 1)) / count)
    return wanted ?? this.#read(number)
  }

  #read(number: number): Block | undefined {
    const began = this.#clock.monotonic()
    const block = sound(this.#store.read(number))
    if (block !== undefined) this.#shelf.read(1000 * (this.#clock.monotonic() - began))
    return this.#put(block)
  }

  /** False where there is no such block, or it cannot be read: whoever asks for it is told then. */
  #readAhead(number: number): boolean {
    if (number < 0) return false
    if (this.#shelf.has(number)) return true
    try {
      const block = this.#read(number)
      if (block !== undefined) this.#ahead.arrived(number)
      return block !== undefined
    } catch {
      return false
    }
  }

  async #byHash(which: string): Promise<Block | undefined> {
    if (typeof which !== 'string' || !PREFIX.test(which) || which.length > HASH_DIGITS) {
      throw new OpDbusError(
        'INVALID_INPUT',
        `no block is called ${said(which)}: give a number, "latest", or a hash or its first ${SHORTEST_PREFIX} digits or more`,
      )
    }
    if (which.length < SHORTEST_PREFIX) {
      throw new OpDbusError(
        'INVALID_INPUT',
        `${said(which)} is too short for the beginning of a hash: give at least ${SHORTEST_PREFIX} digits`,
      )
    }
    const prefix = which.toLowerCase()
    const size = this.#store.size()
    const numbers = size === 0 ? [] : await this.#tree.withPrefix(prefix, size, MOST_TOLD + 1)
    const found: Block[] = []
    for (const number of numbers) {
      const block = await this.#byNumber(number)
      if (block?.hash.startsWith(prefix)) found.push(block)
    }
    if (found.length > 1) throw severalBegin(which, found, numbers.length > MOST_TOLD)
    return found[0]
  }

  /** Into memory, once it is on the disk. Of many, the last ones, which are asked for first. */
  #appended(blocks: readonly Block[]): void {
    if (!this.#stands()) return
    const most = this.#shelf.capacity
    for (let i = Math.max(0, blocks.length - most); i < blocks.length; i++) this.#put(blocks[i]!)
  }

  /**
   * Keeps what was read since `began`. Where blocks were rewritten meanwhile, it may be from before: then it is not kept. What is read and
   * put within one turn is never older than what was known of rewrites.
   */
  #put<T extends Block | undefined>(block: T, began = this.#rewrites): T {
    if (block !== undefined && this.#shelf.capacity > 0 && began === this.#rewrites) {
      this.#shelf.set(block.number, block, bytesOf(block))
    }
    return block
  }

  /** Whether what memory holds may be served: it is emptied where blocks were rewritten. */
  #stands(): boolean {
    const now = this.#clock.monotonic()
    if (now < this.#nextLookMs) return true
    try {
      const rewrites = this.#store.rewrites()
      if (this.#rewrites !== undefined && this.#rewrites !== rewrites) this.#shelf.clear()
      this.#rewrites = rewrites
      if (isUnderWay(rewrites)) return false
      this.#nextLookMs = now + LOOK_MS
      return true
    } catch {
      // Whoever goes on to the disk is told what is wrong there.
      return false
    }
  }
}

function checkNumber(number: number): void {
  if (Number.isSafeInteger(number) && number >= 0) return
  throw new OpDbusError('INVALID_INPUT', `not the number of a block: ${said(number)}`)
}

function severalBegin(prefix: string, blocks: readonly Block[], more: boolean): OpDbusError {
  const told = blocks.slice(0, MOST_TOLD)
  const list = told.map(({ number, hash }) => `${number} (${hash.slice(0, Math.max(16, prefix.length + 4))})`)
  return new OpDbusError(
    'INVALID_INPUT',
    `the hashes of several blocks begin with ${said(prefix)}: ${list.join(', ')}${more ? ' and others' : ''}; give more digits`,
    { details: { blocks: told.map(({ number }) => number) } },
  )
}

function said(value: unknown): string {
  return JSON.stringify(visible(String(value)).slice(0, 80))
}

/** What a block takes in memory, estimated. Its names and the members of its header are the same in all blocks. */
function bytesOf({ header, body }: Block): number {
  const names = header.plugin.length + header.operation.length
  if (body === undefined) return BLOCK_BYTES + names
  const { data, metadata, text } = body
  return BLOCK_BYTES + names + estimateSize([data ?? null, metadata, text]).bytes
}
