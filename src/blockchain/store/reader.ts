// Reads the chain as any process may: how many blocks are acknowledged, one of them, all of them. Writes nothing, and takes no lock.
import * as fs from 'node:fs'
import { messageOf, OpDbusError } from '../../errors.js'
import { quietly } from '../../fs/errno.js'
import { readAt, syncFile } from '../../fs/files.js'
import type { Block } from '../block.js'
import { readLine } from '../line.js'
import type { BlockIndex, Location } from '../ports.js'
import { damaged, guarded, storeError } from './faults.js'
import { locationOf } from './group.js'
import type { Head, HeadFile } from './head-file.js'
import { type Layout, segmentPath } from './layout.js'
import { linesOf } from './line-reader.js'
import type { WriterLock } from './lock.js'
import type { Rewrites } from './rewrites.js'
import { openSegment, type SegmentFiles } from './segment-files.js'
import { wholeEnd } from './whole-end.js'

/** What a look at the disk found. */
interface Look {
  readonly head: Head | undefined
  readonly word: string
  /** Of the last segment, when it was looked at. */
  readonly fileSize: number
  readonly segment: number
  /** Blocks that may be read, and where the last of them ends. */
  readonly count: number
  readonly bytes: number
}

/** Blocks handed out together by a scan, and bytes of lines by a look at all of them. */
const PIECE_BLOCKS = 256
const PIECE_BYTES = 1 << 20
/** Processes that append one after the other change the files while we look. */
const TRIES = 50

export interface ReaderParts {
  readonly layout: Layout
  readonly files: SegmentFiles
  readonly head: HeadFile
  readonly lock: WriterLock
  readonly rewrites: Rewrites
  readonly index: BlockIndex | undefined
}

export class ChainReader {
  readonly #parts: ReaderParts
  #look: Look | undefined
  /** Where the index should have had a block and had none, it learns what lies around: once for each thousand. */
  readonly #taught = new Set<number>()

  constructor(parts: ReaderParts) {
    this.#parts = parts
  }

  /** @throws OpDbusError STORE, CHAIN_DAMAGED */
  size(): number {
    return guarded(`read the chain in ${this.#parts.layout.dir}`, () => this.#current().count)
  }

  /** How much of the last segment may be read while a process writes; undefined where none does. */
  limit(): { readonly segment: number; readonly bytes: number } | undefined {
    const { segment, bytes } = this.#current()
    return this.#parts.lock.holder() === undefined ? undefined : { segment, bytes }
  }

  /** Everything that this process knew of the files, since they are others now. */
  forget(): void {
    const { files, head, index } = this.#parts
    index?.reset()
    this.#look = undefined
    this.#taught.clear()
    files.forget()
    head.forget()
  }

  read(number: number, size = this.size()): Block | undefined {
    if (!Number.isSafeInteger(number) || number < 0 || number >= size) return undefined
    return guarded(`read block ${number}`, () => {
      const { index } = this.#parts
      const known = index?.find(number)
      if (known !== undefined) {
        const block = this.#blockAt(known)
        if (block !== undefined) return block
        index!.forget(number)
      }
      const found = this.#search(number)
      if (index !== undefined) this.#teach(number, size)
      return found
    })
  }

  async *scan(from: number, to = Number.POSITIVE_INFINITY): AsyncGenerator<readonly Block[]> {
    const end = Math.min(this.size(), to)
    const word = this.#parts.rewrites.word()
    let previous: string | undefined
    let number = Math.max(0, from)
    while (number < end) {
      const first = this.#parts.files.segmentOf(number)
      if (first === undefined) throw this.#missing(number)
      const begin = number
      for await (const blocks of this.#scanSegment(first, number, end, previous, word)) {
        number += blocks.length
        previous = blocks.at(-1)!.hash
        yield blocks
      }
      // A segment that holds less than the next one's name says.
      if (number === begin) throw this.#missing(number)
    }
  }

  async *#scanSegment(
    first: number,
    from: number,
    end: number,
    before: string | undefined,
    word: string,
  ): AsyncGenerator<readonly Block[]> {
    const { files, layout, rewrites } = this.#parts
    const path = segmentPath(layout, first)
    const place = from === first ? { offset: 0 } : (this.#known(from, first) ?? files.place(first, from - first))
    const fd = openSegment(path)
    if (fd === undefined || place === undefined) throw this.#missing(from)
    try {
      let number = from
      let previous = before
      let piece: Block[] = []
      let bytes = 0
      for (const line of linesOf(fd, place.offset, fs.fstatSync(fd).size)) {
        if (number >= end) break
        const block = blockOf(line.bytes)
        const fault =
          typeof block === 'string'
            ? block
            : block.number !== number
              ? `is missing: block ${block.number} is in its place`
              : previous !== undefined && block.header.previous !== previous
                ? 'names another block before it than there is'
                : undefined
        if (typeof block === 'string' || fault !== undefined) {
          if (piece.length > 0) yield piece
          if (rewrites.word() !== word) throw replaced(layout.dir)
          throw damaged(number, fault as string, path)
        }
        piece.push(block)
        previous = block.hash
        number++
        bytes += line.length
        if (piece.length < PIECE_BLOCKS && bytes < PIECE_BYTES) continue
        yield piece
        piece = []
        bytes = 0
        await turn()
      }
      if (piece.length > 0) yield piece
    } catch (error) {
      throw storeError(error, `read the chain in ${layout.dir}`)
    } finally {
      fs.closeSync(fd)
    }
  }

  /** Where the index knows a block of that segment, after a look: what it says may be from before a prune. */
  #known(number: number, segment: number): Location | undefined {
    const { index } = this.#parts
    const known = index?.find(number)
    if (known === undefined) return undefined
    if (known.segment === segment && this.#blockAt(known) !== undefined) return known
    index!.forget(number)
    return undefined
  }

  /** The block that the index knows there; undefined where it is another. */
  #blockAt({ number, hash, segment, offset, bytes }: Location): Block | undefined {
    const file = this.#parts.files.open(segment)
    if (file === undefined) return undefined
    const block = blockOf(bytesAt(file.fd, offset, bytes))
    return typeof block !== 'string' && block.number === number && block.hash === hash ? block : undefined
  }

  #search(number: number): Block {
    const { files, layout } = this.#parts
    const first = files.segmentOf(number)
    const place = first === undefined ? undefined : files.place(first, number - first)
    if (first === undefined || place === undefined) throw this.#missing(number)
    const block = blockOf(bytesAt(files.open(first)!.fd, place.offset, place.bytes))
    const path = segmentPath(layout, first)
    if (typeof block === 'string') throw damaged(number, block, path)
    if (block.number !== number) throw damaged(number, `is missing: block ${block.number} is in its place`, path)
    return block
  }

  #teach(number: number, size: number): void {
    const { files, index } = this.#parts
    const thousand = Math.floor(number / 1000)
    if (this.#taught.has(thousand)) return
    this.#taught.add(thousand)
    const locations: Location[] = []
    for (let n = thousand * 1000; n < Math.min(size, thousand * 1000 + 1000); n++) {
      const segment = files.segmentOf(n)
      const place = segment === undefined ? undefined : files.place(segment, n - segment)
      if (segment === undefined || place === undefined) break
      const block = blockOf(bytesAt(files.open(segment)!.fd, place.offset, place.bytes))
      if (typeof block === 'string' || block.number !== n) break
      locations.push(locationOf(block, segment, place.offset, place.bytes))
    }
    if (locations.length > 0) index!.learn(locations)
  }

  #missing(number: number): Error {
    const { layout, files } = this.#parts
    const first = files.segmentOf(number)
    return damaged(number, 'is missing', first === undefined ? layout.timing : segmentPath(layout, first))
  }

  /** What there is now: the last look, where nothing changed since. */
  #current(): Look {
    const { rewrites, head, files } = this.#parts
    const word = rewrites.word()
    if (this.#look !== undefined && this.#look.word !== word) this.forget()
    const known = this.#look
    if (known !== undefined && known.head === head.read()) {
      const file = known.segment < 0 ? undefined : files.open(known.segment)
      if (file !== undefined && fs.fstatSync(file.fd).size === known.fileSize) return known
      if (file === undefined && known.head !== undefined && known.count === 0 && files.listAgain().length === 0)
        return known
    }
    this.#look = this.#lookAgain(word)
    return this.#look
  }

  #lookAgain(word: string): Look {
    const { head: headFile, lock } = this.#parts
    for (let tries = 0; ; tries++) {
      const head = headFile.read()
      const holder = lock.holder()
      // Whoever holds the lock says in `head` how far the disk has what it wrote. Before it said so for the first time, it wrote nothing.
      const writes = holder !== undefined && head?.lease === holder
      if (writes) return this.#upTo(head, word)
      const look = this.#toTheEnd(head, word)
      if (lock.holder() === holder && headFile.read() === head) return look
      if (tries === TRIES && head !== undefined) return this.#upTo(head, word)
    }
  }

  /** What `head` acknowledges. */
  #upTo(head: Head, word: string): Look {
    const { files } = this.#parts
    const { segment, bytes, size } = head
    const file = files.open(segment)
    const fileSize = file === undefined ? 0 : fs.fstatSync(file.fd).size
    if (files.list().at(-1)?.first !== segment) files.listAgain()
    const fits = file !== undefined && bytes > 0 && fileSize >= bytes && endsAt(file.fd, bytes)
    if (fits || size === 0)
      return {
        head,
        word,
        fileSize,
        segment: file === undefined ? -1 : segment,
        count: size,
        bytes: Math.max(0, bytes),
      }
    // It is being rewritten: the number of blocks is the same.
    const place = size > segment ? files.place(segment, size - 1 - segment) : undefined
    const end = place === undefined ? 0 : place.offset + place.bytes + 1
    return { head, word, fileSize, segment: file === undefined ? -1 : segment, count: size, bytes: end }
  }

  /** All that is whole: nobody writes. */
  #toTheEnd(head: Head | undefined, word: string): Look {
    const { files } = this.#parts
    const last = files.listAgain().at(-1)
    const file = last === undefined ? undefined : files.open(last.first)
    if (last === undefined || file === undefined) return { head, word, fileSize: 0, segment: -1, count: 0, bytes: 0 }
    const fileSize = fs.fstatSync(file.fd).size
    const segment = last.first
    if (head?.segment === segment && head.bytes === fileSize) {
      return { head, word, fileSize, segment, count: head.size, bytes: fileSize }
    }
    const { lines, bytes } = wholeEnd(file.fd, fileSize)
    const count = segment + lines
    // Whoever wrote it may have died before it was on the disk; what was read once should stay.
    if (count !== head?.size) quietly(() => syncFile(file.fd))
    return { head, word, fileSize, segment, count, bytes }
  }
}

function endsAt(fd: number, end: number): boolean {
  const byte = Buffer.allocUnsafe(1)
  return readAt(fd, byte, end - 1) === 1 && byte[0] === 10
}

function bytesAt(fd: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  return bytes.subarray(0, readAt(fd, bytes, offset))
}

/** The block in a line, or what is wrong with it. */
function blockOf(bytes: Buffer): Block | string {
  try {
    return readLine(bytes.toString('utf8')).block
  } catch (error) {
    return messageOf(error)
  }
}

function replaced(dir: string): OpDbusError {
  return new OpDbusError('STORE', `the chain in ${dir} was pruned or restored while it was read\ntry again`)
}

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
