// Reads the chain as any process may: how many blocks are acknowledged, one of them, all of them. Writes nothing, and takes no lock.
import * as fs from 'node:fs'
import { yieldToEventLoop } from '../../cache/yield-to-event-loop.js'
import { isOpDbusError } from '../../errors.js'
import { readAt, statOf } from '../../fs/files.js'
import type { Warn } from '../../ports.js'
import type { Block } from '../block.js'
import type { BlockIndex, Location } from '../ports.js'
import { placeFault, readBytes } from './block-line.js'
import { damaged, guarded, lost, replaced, storeError } from './faults.js'
import { locationOf } from './group.js'
import type { Head, HeadFile } from './head-file.js'
import { PER_FILE } from './index-format.js'
import { type Layout, segmentPath } from './layout.js'
import { linesOf } from './line-reader.js'
import type { WriterLock } from './lock.js'
import { ChainLooks } from './looks.js'
import type { Rewrites } from './rewrites.js'
import { openSegment, type SegmentFiles } from './segment-files.js'

/** From where to where in a segment. */
interface Place {
  readonly segment: number
  readonly offset: number
  /** Of the block at `offset`. */
  readonly number: number
  readonly end: number
  /** The hash of the block before, where it is known. */
  readonly previous: string | undefined
  readonly head: Head | undefined
}

/** What a scan hands out together. */
const PIECE_BLOCKS = 256
const PIECE_BYTES = 1 << 20
const NOT_ACKNOWLEDGED = 'is not the one that was acknowledged'

export interface ReaderParts {
  readonly layout: Layout
  readonly files: SegmentFiles
  readonly head: HeadFile
  /** What the file should say, where this process holds the lock and could not write it. */
  readonly unsaid: () => Head | undefined
  readonly lock: WriterLock
  readonly rewrites: Rewrites
  readonly index: BlockIndex | undefined
  readonly warn: Warn
}

export class ChainReader {
  readonly #parts: ReaderParts
  readonly #looks: ChainLooks
  /** Where the index should have had a block and had none, it learns what lies around: once for each thousand. */
  readonly #taught = new Set<number>()

  constructor(parts: ReaderParts) {
    this.#parts = parts
    this.#looks = new ChainLooks({ ...parts, changed: () => this.forget() })
  }

  /** @throws OpDbusError STORE, CHAIN_DAMAGED */
  size(): number {
    return guarded(`read the chain in ${this.#parts.layout.dir}`, () => this.#looks.current().count)
  }

  /** How much of the last segment may be read while a process writes; undefined where none does. */
  limit(): { readonly segment: number; readonly bytes: number } | undefined {
    // What is in the way of a segment is told line by line.
    return this.#parts.lock.holder() === undefined ? undefined : this.#looks.current()
  }

  /** Everything that this process knew of the files, since they are others now. */
  forget(): void {
    const { files, head, index } = this.#parts
    index?.reset()
    this.#looks.forget()
    this.#taught.clear()
    files.forget()
    head.forget()
  }

  read(number: number): Block | undefined {
    if (!Number.isSafeInteger(number) || number < 0) return undefined
    for (let word = this.#parts.rewrites.word(); ; ) {
      try {
        if (number < this.size()) return guarded(`read block ${number}`, () => this.#find(number).block)
        this.#mustHave(number)
        return undefined
      } catch (error) {
        const now = this.#wordAfter(error, word)
        if (now === word) throw this.#told(error, word)
        word = now
      }
    }
  }

  async *scan(from: number, to = Number.POSITIVE_INFINITY): AsyncGenerator<readonly Block[]> {
    const { rewrites, layout } = this.#parts
    const end = Math.min(this.size(), to)
    const began = rewrites.word()
    let word = began
    let previous: string | undefined
    let number = Math.max(0, from)
    for (;;) {
      try {
        while (number < end) {
          const { head } = this.#looks.current()
          // Found as any block is: what is known of where it lies may be wrong.
          const { segment, offset } = this.#find(number).location
          for await (const blocks of this.#scanSegment({ segment, offset, number, end, previous, head })) {
            number += blocks.length
            previous = blocks.at(-1)!.hash
            yield blocks
          }
        }
        if (end < to) this.#mustHave(end)
        return
      } catch (error) {
        // A prune moves lines, and changes no header: what continues what was handed out goes on.
        const now = this.#wordAfter(error, word)
        if (now === word) throw storeError(this.#told(error, began), `read the chain in ${layout.dir}`)
        word = now
      }
    }
  }

  /** What seems damaged may only have moved: another word than before says so. */
  #wordAfter(error: unknown, word: string): string {
    return isOpDbusError(error, 'CHAIN_DAMAGED') ? this.#parts.rewrites.again() : word
  }

  /** As the port says. */
  mustBeWhole(durably: boolean): void {
    const { count, unsynced } = this.#looks.current()
    this.#mustHave(count)
    if (durably && unsynced !== undefined) throw storeError(unsynced, `put block ${count - 1} on the disk`)
  }

  /** No block that was acknowledged is silently not there. @throws OpDbusError CHAIN_DAMAGED */
  #mustHave(number: number): void {
    const { acknowledged, count, segment } = this.#looks.current()
    const { layout } = this.#parts
    if (number < count || number >= acknowledged) return
    throw lost(count, acknowledged, segment < 0 ? layout.timing : segmentPath(layout, segment))
  }

  /** Damage is none where the files are others than when the word was looked up, or are being exchanged just now. */
  #told(error: unknown, word: string): unknown {
    const { rewrites, layout } = this.#parts
    if (!isOpDbusError(error, 'CHAIN_DAMAGED')) return error
    return statOf(layout.restoring) !== undefined || rewrites.again() !== word ? replaced(layout.dir) : error
  }

  /** To the end of the segment. @throws OpDbusError CHAIN_DAMAGED behind the last piece that is good */
  async *#scanSegment(begin: Place): AsyncGenerator<readonly Block[]> {
    const path = segmentPath(this.#parts.layout, begin.segment)
    const fd = openSegment(path)
    if (fd === undefined) throw damaged(begin.number, 'is missing', path)
    try {
      let { number, previous } = begin
      let piece: Block[] = []
      let bytes = 0
      const few = begin.end - number <= PIECE_BLOCKS ? this.#bytesTo(begin) : undefined
      for (const line of linesOf(fd, begin.offset, fs.fstatSync(fd).size, few)) {
        if (number >= begin.end) break
        const block = blockIn(line.bytes, number, previous, begin.head)
        if (typeof block === 'string') {
          if (piece.length > 0) yield piece
          throw damaged(number, block, path)
        }
        piece.push(block)
        previous = block.hash
        number++
        bytes += line.length
        if (number >= begin.end) break
        if (piece.length < PIECE_BLOCKS && bytes < PIECE_BYTES) continue
        yield piece
        piece = []
        bytes = 0
        await yieldToEventLoop()
      }
      if (piece.length > 0) yield piece
    } finally {
      fs.closeSync(fd)
    }
  }

  /** How far a few blocks reach, by the index: a guess that costs nothing but another read where it is wrong. */
  #bytesTo({ segment, offset, end }: Place): number | undefined {
    const last = this.#parts.index?.find(end - 1)
    return last?.segment === segment && last.offset >= offset ? last.offset + last.bytes + 1 - offset : undefined
  }

  /** Where a block of the chain lies, and what is there. @throws OpDbusError CHAIN_DAMAGED */
  #find(number: number): { block: Block; location: Location } {
    const { index } = this.#parts
    const known = index?.find(number)
    if (known !== undefined) {
      const block = this.#blockAt(known)
      if (block?.number === number && block.hash === known.hash) return { block, location: known }
      index!.forget(number)
    }
    const found = this.#search(number)
    if (index !== undefined) this.#teach(number)
    return found
  }

  #blockAt({ segment, offset, bytes }: Pick<Location, 'segment' | 'offset' | 'bytes'>): Block | undefined {
    const file = this.#parts.files.open(segment)
    const read = file === undefined ? '' : readBytes(bytesAt(file.fd, offset, bytes))
    return typeof read === 'string' ? undefined : read.block
  }

  /** By counting lines. What the block after it, or `head`, names must be what is there. */
  #search(number: number): { block: Block; location: Location } {
    const { files, layout } = this.#parts
    for (let tries = 0; ; tries++) {
      const found = this.#counted(number)
      const fault = typeof found === 'string' ? found : this.#faultOf(found.block)
      if (typeof found !== 'string' && fault === undefined) return found
      const segment = files.segmentOf(number)
      if (tries > 0) throw damaged(number, fault!, segment === undefined ? layout.timing : segmentPath(layout, segment))
      // Lines that were cut off since, and others in their place, would make a wrong count of it.
      files.recount()
    }
  }

  #counted(number: number): { block: Block; location: Location } | string {
    const { files } = this.#parts
    const segment = files.segmentOf(number)
    const place = segment === undefined ? undefined : files.place(segment, number - segment)
    if (segment === undefined || place === undefined) return 'is missing'
    const block = blockIn(bytesAt(files.open(segment)!.fd, place.offset, place.bytes), number)
    return typeof block === 'string'
      ? block
      : { block, location: locationOf(block, segment, place.offset, place.bytes) }
  }

  #faultOf(block: Block): string | undefined {
    const { count, head } = this.#looks.current()
    if (head?.size === block.number + 1 && head.hash !== block.hash) return NOT_ACKNOWLEDGED
    const next = block.number + 1 < count ? this.#counted(block.number + 1) : 'is the last'
    if (typeof next === 'string' || next.block.header.previous === block.hash) return undefined
    return `is not the one that block ${next.block.number} names`
  }

  #teach(number: number): void {
    const { files, index } = this.#parts
    const size = this.size()
    const thousand = Math.floor(number / PER_FILE)
    if (this.#taught.has(thousand)) return
    this.#taught.add(thousand)
    const locations: Location[] = []
    let previous: string | undefined
    for (let n = thousand * PER_FILE; n < Math.min(size, (thousand + 1) * PER_FILE); n++) {
      const segment = files.segmentOf(n)
      const place = segment === undefined ? undefined : files.place(segment, n - segment)
      if (segment === undefined || place === undefined) break
      const block = this.#blockAt({ segment, ...place })
      if (block?.number !== n || (previous !== undefined && block.header.previous !== previous)) break
      previous = block.hash
      locations.push(locationOf(block, segment, place.offset, place.bytes))
    }
    if (locations.length > 0) index!.learn(locations)
  }
}

function bytesAt(fd: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  return bytes.subarray(0, readAt(fd, bytes, offset))
}

/** The block in a line where it is the one that belongs there; else what is wrong. */
function blockIn(bytes: Buffer, number: number, previous?: string, head?: Head): Block | string {
  const read = readBytes(bytes)
  if (typeof read === 'string') return read
  const { block } = read
  const fault = placeFault(block, number, previous)
  if (fault !== undefined) return fault
  if (head?.size === number + 1 && head.hash !== block.hash) return NOT_ACKNOWLEDGED
  return block
}
