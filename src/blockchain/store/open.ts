// The blocks of a chain on this machine: its parts put together behind one port. Opening touches no file.
import * as fs from 'node:fs'
import { quietly } from '../../fs/errno.js'
import type { Clock, Timer, Warn } from '../../ports.js'
import type { Block, Draft } from '../block.js'
import { readLine } from '../line.js'
import type {
  BlockIndex,
  BlockStore,
  BlockTimes,
  ExclusiveChain,
  RawFault,
  RawLine,
  RawSegment,
  WriteCall,
} from '../ports.js'
import { DISK, type WriteIo } from './disk.js'
import { exclusiveChain } from './exclusive.js'
import { guarded } from './faults.js'
import { Followers } from './follow.js'
import { HeadFile } from './head-file.js'
import { layoutOf, segmentPath, segmentsIn } from './layout.js'
import { linesOf } from './line-reader.js'
import { type LockIo, WriterLock } from './lock.js'
import { rawLines } from './raw-lines.js'
import { ChainReader } from './reader.js'
import { finishRestore } from './restoring.js'
import { isUnderWay, Rewrites } from './rewrites.js'
import { openSegment, SegmentFiles } from './segment-files.js'
import { newestSegments } from './whole-lines.js'
import { ChainWriter } from './writer.js'

export interface StoreOptions {
  /** `<dataDir>/blockchain`; made by the first append. */
  readonly dir: string
  readonly clock: Clock
  readonly warn: Warn
  readonly lock: LockIo
  /** Keeps the process alive, for who waits for blocks. */
  readonly timer: Timer
  /** Keeps no process alive. */
  readonly quietTimer: Timer
  readonly index?: BlockIndex | undefined
  /** For tests. */
  readonly io?: WriteIo
  /** For tests. */
  readonly segmentBytes?: number
}

export function openBlockStore(options: StoreOptions): BlockStore {
  return new FileBlockStore(options)
}

/** The hash of block 0, by which chains are told apart; undefined where there is none, or it is damaged. Asks no index. */
export function firstHash(dir: string): string | undefined {
  const fd = openSegment(segmentPath(layoutOf(dir), 0))
  if (fd === undefined) return undefined
  try {
    for (const { bytes, ended } of linesOf(fd, 0, fs.fstatSync(fd).size)) {
      return ended ? readLine(bytes.toString('utf8')).block.hash : undefined
    }
  } catch {
    // Whoever reads it is told.
  } finally {
    fs.closeSync(fd)
  }
  return undefined
}

class FileBlockStore implements BlockStore {
  readonly dir: string
  readonly #layout
  readonly #reader: ChainReader
  readonly #writer: ChainWriter
  readonly #rewrites: Rewrites
  readonly #followers: Followers
  readonly #listeners = new Set<(blocks: readonly Block[]) => void>()
  readonly #warn: Warn
  readonly #index: BlockIndex | undefined

  constructor({ dir, clock, warn, lock: lockIo, timer, quietTimer, index, io = DISK, segmentBytes }: StoreOptions) {
    this.dir = dir
    this.#warn = warn
    this.#index = index
    const layout = layoutOf(dir)
    this.#layout = layout
    const lock = new WriterLock(layout.lock, lockIo)
    this.#rewrites = new Rewrites(
      layout.rewrites,
      () => clock.monotonic(),
      // What the index has yet to write is of the files as they were, too.
      () => this.#reader.forget(),
    )
    const shared = { layout, lock, rewrites: this.#rewrites, index }
    this.#reader = new ChainReader({
      ...shared,
      warn,
      files: new SegmentFiles(layout),
      head: new HeadFile(layout.head),
      unsaid: () => this.#writer.unsaid,
    })
    this.#writer = new ChainWriter({
      ...shared,
      head: new HeadFile(layout.head),
      clock,
      warn,
      quietTimer,
      io,
      finish: async () => {
        const restored = await finishRestore(layout, () => this.#exclusive().replaced())
        if (!restored && isUnderWay(this.#rewrites.again())) this.#exclusive().replaced()
      },
      ...(segmentBytes !== undefined && { segmentBytes }),
      appended: blocks => this.#appended(blocks),
    })
    this.#followers = new Followers(dir, () => this.size(), timer)
  }

  size(): number {
    return this.#writer.acknowledged ?? this.#reader.size()
  }

  read(number: number): Block | undefined {
    return this.#reader.read(number)
  }

  scan(from: number, to?: number): AsyncIterable<readonly Block[]> {
    return this.#reader.scan(from, to)
  }

  lines(): AsyncIterable<readonly (RawLine | RawFault)[]> {
    return rawLines(this.#layout, this.#reader.limit())
  }

  mustBeWhole(durably = false): void {
    const { dir } = this
    if (this.#writer.acknowledged === undefined)
      guarded(`read the chain in ${dir}`, () => this.#reader.mustBeWhole(durably))
  }

  segments(): readonly RawSegment[] {
    return newestSegments(segmentsIn(this.#layout))
  }

  acknowledged(): { readonly size: number; readonly hash: string } | undefined {
    const head = new HeadFile(this.#layout.head)
    try {
      return guarded(`read ${this.#layout.head}`, () => head.read())
    } finally {
      head.forget()
    }
  }

  moreThan(size: number, signal: AbortSignal | undefined): Promise<void> {
    return this.#followers.moreThan(size, signal)
  }

  append(drafts: readonly Draft[], call: WriteCall = {}): Promise<readonly Block[]> {
    return this.#writer.append({ drafts }, call)
  }

  async adopt(blocks: readonly Block[], call: WriteCall = {}): Promise<void> {
    await this.#writer.append({ blocks }, call)
  }

  times(number: number): BlockTimes | undefined {
    return this.#index?.times(number)
  }

  exclusively<T>(work: (chain: ExclusiveChain) => Promise<T>, call: WriteCall = {}): Promise<T> {
    return this.#writer.exclusively(() => work(this.#exclusive()), call)
  }

  onAppended(listener: (blocks: readonly Block[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  rewrites(): string {
    return this.#rewrites.word()
  }

  async close(): Promise<void> {
    this.#followers.close()
    await this.#writer.close()
    // First what it has yet to write, where that is still so: to forget the files empties it.
    quietly(() => this.#rewrites.again())
    this.#index?.close()
    this.#reader.forget()
    this.#rewrites.release()
  }

  #exclusive(): ExclusiveChain {
    return exclusiveChain(this.#layout, {
      changes: () => {
        this.#rewrites.begin()
        new HeadFile(this.#layout.head).blank()
      },
      changed: (from, to) => {
        this.#index?.remove(from, to)
        this.#rewrites.change()
        this.#reader.forget()
      },
    })
  }

  #appended(blocks: readonly Block[]): void {
    this.#followers.look()
    for (const listener of [...this.#listeners]) {
      try {
        listener(blocks)
      } catch (error) {
        this.#warn('what was told of new blocks threw', error)
      }
    }
  }
}
