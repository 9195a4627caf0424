// How much of the chain there is for readers: what is acknowledged while a process writes, all that is whole where none does. Reads no block
// that it does not need for that, and writes nothing.
import * as fs from 'node:fs'
import { isOpDbusError } from '../../errors.js'
import { readAt, syncFile } from '../../fs/files.js'
import type { Warn } from '../../ports.js'
import { lookAtBytes } from './block-line.js'
import type { Head, HeadFile } from './head-file.js'
import { type Layout, segmentPath } from './layout.js'
import { lastLineOf } from './line-reader.js'
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
  /** Who held the lock. */
  readonly holder: string | undefined
  /** Why what lies behind `head` may not be on the disk. */
  readonly unsynced?: unknown
  /** Blocks that were acknowledged: more than there are where some were lost. */
  readonly acknowledged: number
}

type Found = Omit<Look, 'word' | 'holder'>

/** Processes that append one after the other change the files while we look. */
const TRIES = 50

export interface LookParts {
  readonly layout: Layout
  readonly files: SegmentFiles
  readonly head: HeadFile
  /** What the file should say, where this process holds the lock and could not write it. */
  readonly unsaid: () => Head | undefined
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
    const { rewrites, files } = this.#parts
    const word = rewrites.word()
    if (this.#look !== undefined && this.#look.word !== word) this.#parts.changed()
    const known = this.#look
    if (known !== undefined && known.head === this.#head() && this.#isSettled(known)) {
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

  /** What a process that wrote had not acknowledged, or could not say, is looked at again once it is gone. */
  #isSettled({ bytes, fileSize, holder }: Look): boolean {
    return bytes === fileSize || this.#parts.lock.holder() === holder
  }

  #head(): Head | undefined {
    return this.#parts.unsaid() ?? this.#parts.head.read()
  }

  #lookAgain(word: string): Look {
    const { lock } = this.#parts
    for (let tries = 0; ; tries++) {
      const head = this.#head()
      const holder = lock.holder()
      // Whoever holds the lock says in `head` how far the disk has what it wrote. Before it said so for the first time, it wrote nothing.
      const writes = holder !== undefined && head?.lease === holder
      if (writes) return { ...this.#upTo(head), word, holder }
      const look = { ...this.#toTheEnd(head), word, holder }
      if (lock.holder() === holder && this.#head() === head) return look
      if (tries === TRIES && head !== undefined) return { ...this.#upTo(head), word, holder }
    }
  }

  /** What `head` acknowledges. */
  #upTo(head: Head): Found {
    const { files } = this.#parts
    const { segment, bytes, size } = head
    const file = files.open(segment)
    const fileSize = file === undefined ? 0 : fs.fstatSync(file.fd).size
    if (files.list().at(-1)?.first !== segment) files.listAgain()
    const fits = file !== undefined && bytes > 0 && fileSize >= bytes && endsAt(file.fd, bytes)
    const found = { head, fileSize, segment: file === undefined ? -1 : segment, count: size, acknowledged: size }
    if (fits || size === 0) return { ...found, bytes: Math.max(0, bytes) }
    // It is being rewritten: the number of blocks is the same.
    const place = size > segment ? files.place(segment, size - 1 - segment) : undefined
    const end = place === undefined ? 0 : place.offset + place.bytes + 1
    return { ...found, bytes: end }
  }

  /** All that is whole: nobody writes. */
  #toTheEnd(head: Head | undefined): Found {
    const { files } = this.#parts
    const last = files.listAgain().at(-1)
    const file = last === undefined ? undefined : files.open(last.first)
    const acknowledged = head?.size ?? 0
    if (last === undefined || file === undefined)
      return { head, fileSize: 0, segment: -1, count: 0, bytes: 0, acknowledged }
    const fileSize = fs.fstatSync(file.fd).size
    const segment = last.first
    const isSaid = head?.segment === segment && agrees(file.fd, head, fileSize)
    if (isSaid && head.bytes === fileSize) {
      return { head, fileSize, segment, count: head.size, bytes: fileSize, acknowledged }
    }
    const { count, bytes } = endOf(file, fileSize, head, isSaid ? segmentPath(this.#parts.layout, segment) : undefined)
    // Whoever wrote it may have died before it was on the disk; what was read once should stay.
    const unsynced = count === head?.size ? undefined : faultOf(() => syncFile(file.fd))
    return { head, fileSize, segment, count, bytes, acknowledged: Math.max(count, acknowledged), unsynced }
  }
}

function lossOf(missing: number, count: number): string {
  const blocks = missing === 1 ? 'a block that was' : `${missing} blocks that were`
  return `${blocks} acknowledged ${missing === 1 ? 'is' : 'are'} not there any more behind the first ${count}: op-dbus blockchain verify says what is wrong`
}

/** Of the last segment, where nobody writes. `path`: where what `head` says is so. */
function endOf(
  { fd, first }: OpenSegment,
  size: number,
  head: Head | undefined,
  path: string | undefined,
): { count: number; bytes: number } {
  if (head !== undefined && path !== undefined) {
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

/** Whether the block that `head` names ends where it says. */
function agrees(fd: number, { bytes, size, hash }: Head, fileSize: number): boolean {
  const line = bytes > 0 && bytes <= fileSize ? lastLineOf(fd, bytes) : undefined
  if (line === undefined || line.offset + line.length + 1 !== bytes) return false
  const read = lookAtBytes(line.bytes)
  return typeof read !== 'string' && read.block.number === size - 1 && read.block.hash === hash
}

function faultOf(action: () => void): unknown {
  try {
    action()
    return undefined
  } catch (error) {
    return error
  }
}

function endsAt(fd: number, end: number): boolean {
  const byte = Buffer.alloc(1)
  return readAt(fd, byte, end - 1) === 1 && byte[0] === 10
}
