// The open files of one store: a bounded number, the least recently used closed first, none kept while nothing happens.
import * as fs from 'node:fs'
import { openRegular, readAt } from '../../fs/files.js'
import { HEADER_BYTES } from './format.js'

/** The part of a segment that this file needs and sets. */
export interface Openable {
  readonly path: string
  /** The first 64 bytes of the file, by which it is known again. */
  readonly head: Uint8Array
  /** -1 while closed. */
  fd: number
  writable: boolean
  lastUse: number
}

/** How long a store that reads nothing keeps its files open, ms. */
const IDLE_MS = 1000

export class Descriptors {
  readonly #open = new Set<Openable>()
  #uses = 0
  #usesAtTick = -1
  #timer: NodeJS.Timeout | undefined

  constructor(readonly limit = 64) {}

  get count(): number {
    return this.#open.size
  }

  /** The descriptor of a segment, opened if need be; -1 where the file of that name is no longer this segment. */
  of(segment: Openable): number {
    segment.lastUse = ++this.#uses
    if (segment.fd >= 0) return segment.fd
    const file = openRegular(segment.path)
    if (file === undefined) return -1
    const head = new Uint8Array(HEADER_BYTES)
    readAt(file.fd, head, 0)
    if (Buffer.compare(head, segment.head) !== 0) {
      fs.closeSync(file.fd)
      return -1
    }
    this.keep(segment, file.fd, file.writable)
    return file.fd
  }

  /** Takes over a descriptor that was opened elsewhere. */
  keep(segment: Openable, fd: number, writable: boolean): void {
    segment.fd = fd
    segment.writable = writable
    segment.lastUse = ++this.#uses
    this.#open.add(segment)
    if (this.#open.size > this.limit) this.#closeOldest()
    this.#timer ??= setTimeout(() => this.#tick(), IDLE_MS).unref()
  }

  close(segment: Openable): void {
    if (segment.fd < 0) return
    this.#open.delete(segment)
    fs.closeSync(segment.fd)
    segment.fd = -1
  }

  closeAll(): void {
    for (const segment of [...this.#open]) this.close(segment)
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #closeOldest(): void {
    let oldest: Openable | undefined
    for (const segment of this.#open) if (oldest === undefined || segment.lastUse < oldest.lastUse) oldest = segment
    if (oldest !== undefined) this.close(oldest)
  }

  /** A file that another process removed keeps its bytes on disk for as long as we hold it: idle means let go. */
  #tick(): void {
    this.#timer = undefined
    if (this.#uses === this.#usesAtTick) this.closeAll()
    this.#usesAtTick = this.#uses
    if (this.#open.size > 0) this.#timer = setTimeout(() => this.#tick(), IDLE_MS).unref()
  }
}
