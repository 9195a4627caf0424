// How far the chain is acknowledged, for readers: a text of fixed length, written over in place. Never trusted over the segments: what it
// says of blocks that are not there is wrong.
import * as fs from 'node:fs'
import { crc32 } from 'node:zlib'
import { errnoOf, isAbsent } from '../../fs/errno.js'
import { createFile, openToRead, openToWrite, readAt, syncFile, writeAt } from '../../fs/files.js'

export interface Head {
  /** Blocks that are on the disk. */
  readonly size: number
  /** Of the last block. */
  readonly hash: string
  /** The segment that it lies in, by the number of its first block. */
  readonly segment: number
  /** Where the last block's line ends there; -1 where the segment is being rewritten. */
  readonly bytes: number
  /** Who holds the lock since it wrote this. */
  readonly lease: string
}

const FORM =
  /^op-dbus head 1 size ([ \d]{16}) segment ([ \d]{16}) bytes ([- \d]{16}) hash ([0-9a-f]{64}) lease ([0-9a-f]{16}) crc ([0-9a-f]{8})\n$/
const LENGTH = textOf({ size: 0, hash: '0'.repeat(64), segment: 0, bytes: 0, lease: '0'.repeat(16) }).length

function textOf({ size, hash, segment, bytes, lease }: Head): string {
  const wide = (number: number) => String(number).padStart(16)
  const text = `op-dbus head 1 size ${wide(size)} segment ${wide(segment)} bytes ${wide(bytes)} hash ${hash} lease ${lease} crc `
  return `${text}${crc32(text).toString(16).padStart(8, '0')}\n`
}

function headOf(text: string): Head | undefined {
  const found = FORM.exec(text)
  if (found === null) return undefined
  const [, size, segment, bytes, hash, lease] = found
  const head = { size: Number(size), segment: Number(segment), bytes: Number(bytes), hash: hash!, lease: lease! }
  // A reader may see half of a write, and a loss of power may leave half of one.
  return textOf(head) === text ? head : undefined
}

/** Keeps the file open. */
export class HeadFile {
  readonly #path: string
  #fd: number | undefined
  #text = ''
  #head: Head | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** Undefined where there is none that holds. The same object as long as the file says the same. */
  read(): Head | undefined {
    for (let tries = 0; tries < 8; tries++) {
      const text = this.#readText()
      if (text === this.#text) return this.#head
      const head = headOf(text)
      // Once more where it was being written just now.
      if (head === undefined && tries < 7) continue
      this.#text = text
      this.#head = head
    }
    return this.#head
  }

  /** Says nothing any more, until the next writer does: the chain is another one. In place, since readers have the file open. */
  blank(): void {
    let fd: number
    try {
      fd = openToWrite(this.#path)
    } catch (error) {
      if (isAbsent(error)) return
      throw error
    }
    try {
      writeAt(fd, Buffer.alloc(LENGTH, ' '), 0)
      syncFile(fd)
    } finally {
      fs.closeSync(fd)
    }
  }

  /** For whoever holds the lock. */
  write(head: Head, file: number): void {
    writeAt(file, Buffer.from(textOf(head)), 0)
  }

  /** For the writer, which makes it where it is missing; closed by whoever asks. @throws Error of the file system */
  openToWrite(): number {
    try {
      return openToWrite(this.#path)
    } catch (error) {
      if (!isAbsent(error)) throw error
    }
    const fd = createFile(this.#path)
    try {
      writeAt(fd, Buffer.alloc(LENGTH, ' '), 0)
      syncFile(fd)
      return fd
    } catch (error) {
      fs.closeSync(fd)
      throw error
    }
  }

  /** The file of that name may be another one now. */
  forget(): void {
    if (this.#fd !== undefined) fs.closeSync(this.#fd)
    this.#fd = undefined
    this.#text = ''
    this.#head = undefined
  }

  #readText(): string {
    // Somebody may have put another file in its place, or taken it away.
    if (this.#fd !== undefined && fs.fstatSync(this.#fd).nlink === 0) this.forget()
    this.#fd ??= openToRead(this.#path)
    if (this.#fd === undefined) return ''
    const bytes = Buffer.allocUnsafe(LENGTH)
    try {
      return bytes.toString('latin1', 0, readAt(this.#fd, bytes, 0))
    } catch (error) {
      // A folder in its place.
      if (errnoOf(error) === 'EISDIR') return ''
      throw error
    }
  }
}
