// How much of the chain there is for readers: what is acknowledged while a process writes, all that is whole where none does. Reads no block
// that it does not need for that, and writes nothing.
import * as fs from 'node:fs'
import { isOpDbusError } from '../../errors.js'
import { quietly } from '../../fs/errno.js'
import { readAt, syncFile } from '../../fs/files.js'
import type { Warn } from '../../ports.js'
import type { Head, HeadFile } from './head-file.js'
import { type Layout, segmentPath } from './layout.js'
import type { WriterLock } from './lock.js'
import type { Rewrites } from './rewrites.js'
import type { OpenSegment, SegmentFiles } from './segment-files.js'
import { endBehind } from './walk.js'
import { wholeEnd } from './whole-end.js'

/** What a look at the disk found. */
export interface Look {
  readonly head: Head | undefined
  readonly word: string
  /** Of the last segment, when it was looked at. */
  readonly fileSize: number
  readonly segment: number
  /** Blocks that may be read, and where the last of them ends. */
  readonly count: number
  readonly bytes: number
  /** Blocks that were acknowledged: more than there are where some were lost. */
  readonly acknowledged: number
}

/** Processes that append one after the other change the files while we look. */
const TRIES = 50

export interface LookParts {
  readonly layout: Layout
  readonly files: SegmentFiles
  readonly head: HeadFile
  readonly lock: WriterLock
  readonly rewrites: Rewrites
  /** Called where the files are others than at the last look. */
  readonly changed: () => void
  readonly warn: Warn
}

export class ChainLooks {
  readonly #parts: LookParts
  #look: Look | undefined

  constructor(parts: LookParts) {
    this.#parts = parts
  }

  forget(): void {
    this.#look = undefined
  }

  /** What there is now: the last look, where nothing changed since. */
  current(): Look {
    const { rewrites, head, files } = this.#parts
    const word = rewrites.word()
    if (this.#look !== undefined && this.#look.word !== word) this.#parts.changed()
    const known = this.#look
    if (known !== undefined && known.head === head.read()) {
      const file = known.segment < 0 ? undefined : files.open(known.segment)
      if (file !== undefined && fs.fstatSync(file.fd).size === known.fileSize) return known
      if (file === undefined && known.head !== undefined && known.count === 0 && files.listAgain().length === 0)
        return known
    }
    const look = this.#lookAgain(word)
    this.#look = look
    const missing = look.acknowledged - look.count
    if (missing > 0) this.#parts.warn(lossOf(missing, look.count), undefined, 'chain end')
    return look
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
        acknowledged: size,
      }
    // It is being rewritten: the number of blocks is the same.
    const place = size > segment ? files.place(segment, size - 1 - segment) : undefined
    const end = place === undefined ? 0 : place.offset + place.bytes + 1
    return {
      head,
      word,
      fileSize,
      segment: file === undefined ? -1 : segment,
      count: size,
      bytes: end,
      acknowledged: size,
    }
  }

  /** All that is whole: nobody writes. */
  #toTheEnd(head: Head | undefined, word: string): Look {
    const { files } = this.#parts
    const last = files.listAgain().at(-1)
    const file = last === undefined ? undefined : files.open(last.first)
    const acknowledged = head?.size ?? 0
    const nothing = { head, word, fileSize: 0, segment: -1, count: 0, bytes: 0, acknowledged }
    if (last === undefined || file === undefined) return nothing
    const fileSize = fs.fstatSync(file.fd).size
    const segment = last.first
    if (head?.segment === segment && head.bytes === fileSize) {
      return { head, word, fileSize, segment, count: head.size, bytes: fileSize, acknowledged }
    }
    const { count, bytes } = endOf(file, fileSize, head, segmentPath(this.#parts.layout, segment))
    // Whoever wrote it may have died before it was on the disk; what was read once should stay.
    if (count !== head?.size) quietly(() => syncFile(file.fd))
    return { head, word, fileSize, segment, count, bytes, acknowledged: Math.max(count, acknowledged) }
  }
}

function lossOf(missing: number, count: number): string {
  const blocks = missing === 1 ? 'a block that was' : `${missing} blocks that were`
  return `${blocks} acknowledged ${missing === 1 ? 'is' : 'are'} not there any more behind the first ${count}: op-dbus blockchain verify says what is wrong`
}

/** Of the last segment, where nobody writes. */
function endOf(
  { fd, first }: OpenSegment,
  size: number,
  head: Head | undefined,
  path: string,
): { count: number; bytes: number } {
  if (head?.segment === first && head.bytes > 0 && head.bytes < size && endsAt(fd, head.bytes)) {
    const from = { segment: first, bytes: head.bytes, count: head.size, hash: head.hash, timestamp: 0 }
    try {
      return endBehind({ fd, path, size, from, head }).tip
    } catch (error) {
      // Whoever reads what is wrong is told.
      if (!isOpDbusError(error, 'CHAIN_DAMAGED')) throw error
    }
  }
  const { lines, bytes } = wholeEnd(fd, size, (head?.size ?? 0) - first)
  return { count: first + lines, bytes }
}

function endsAt(fd: number, end: number): boolean {
  const byte = Buffer.alloc(1)
  return readAt(fd, byte, end - 1) === 1 && byte[0] === 10
}
