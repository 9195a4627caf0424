// One segment file as a reader sees it: records by slot, footer, recovery without one; and how many of them are held open.
// Knows no index and no key.
import * as fs from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { throwIfAborted } from '../../errors.js'
import { openToWrite, readAt, writeAt } from '../../fs/files.js'
import type { Crc32 } from '../../ports.js'
import {
  DEAD,
  decodeFooter,
  decodeTrailer,
  type Footer,
  footerBytes,
  HEADER_BYTES,
  type Header,
  isSound,
  type Layout,
  offsetOf,
  STATE_AT,
  TRAILER_BYTES,
} from './format.js'
import { type SegmentFile, withHead } from './space-files.js'

/** How much is read at once where a whole segment is read. */
const CHUNK_BYTES = 2 ** 20
/** The event loop goes on after so many bytes. */
const YIELD_BYTES = 4 * 2 ** 20
/** How long a store that reads nothing keeps its files open, ms. */
const IDLE_MS = 1000
const MOST_OPEN = 64

/** The records of a segment that are not in its file yet. Only our own segment has such a tail. */
export interface Tail {
  readonly bytes: Uint8Array
  /** The slot of the record at the beginning of `bytes`. */
  first: number
}

export class Segment {
  readonly path: string
  readonly name: string
  readonly seq: number
  /** The first 64 bytes of the file, by which it is known again. */
  readonly head: Uint8Array
  readonly header: Header
  readonly layout: Layout
  /** -1 while closed. */
  fd = -1
  writable = false
  lastUse = 0
  /** Slots that are in the index; records beyond them have not been read yet. */
  slots = 0
  /** A valid trailer was seen: nothing will be appended any more. */
  sealed = false
  /** Size and time of last change when we last looked. */
  size = 0
  changedAt = 0
  /** Dropped from the index: whoever still holds this object must let go of it. */
  gone = false
  tail: Tail | undefined
  /** Which pages of record numbers stand for our slots. */
  readonly pages: number[] = []
  readonly #descriptors: Descriptors
  /** One byte a slot: read since it was written, or since the segment was opened. */
  #touched = new Uint8Array(0)

  constructor(
    context: { readonly layout: Layout; readonly descriptors: Descriptors },
    { path, name, seq }: Pick<SegmentFile, 'path' | 'name' | 'seq'>,
    head: Uint8Array,
    header: Header,
  ) {
    this.path = path
    this.name = name
    this.seq = seq
    this.head = head
    this.header = header
    this.layout = context.layout
    this.#descriptors = context.descriptors
  }

  /** Newer segments compare greater. */
  isNewerThan(other: Segment): boolean {
    return this.seq !== other.seq ? this.seq > other.seq : this.header.id > other.header.id
  }

  /** Fills `target` with a slot's record; false where the file no longer has it. */
  read(slot: number, target: Uint8Array): boolean {
    const length = target.length
    const tail = this.tail
    if (tail !== undefined && slot >= tail.first) {
      const at = (slot - tail.first) * length
      target.set(tail.bytes.subarray(at, at + length))
      return true
    }
    const fd = this.#descriptors.of(this)
    if (fd < 0) return false
    const position = offsetOf(slot, this.layout)
    const count = fs.readSync(fd, target, 0, length, position)
    if (count === length) return true
    return count > 0 && count + readAt(fd, target.subarray(count), position + count) === length
  }

  /** Fills `target` with what the file has from a slot on; returns how many bytes that were, -1 where there is no such file. */
  readFrom(slot: number, target: Uint8Array): number {
    const fd = this.#descriptors.of(this)
    return fd < 0 ? -1 : readAt(fd, target, offsetOf(slot, this.layout))
  }

  /** Fills `target` with the beginning of a slot's record; false where the file no longer has it. */
  readHead(slot: number, target: Uint8Array): boolean {
    const tail = this.tail
    if (tail !== undefined && slot >= tail.first) {
      const at = (slot - tail.first) * this.layout.recordBytes
      target.set(tail.bytes.subarray(at, at + target.length))
      return true
    }
    const fd = this.#descriptors.of(this)
    return fd >= 0 && readAt(fd, target, offsetOf(slot, this.layout)) === target.length
  }

  /** Marks a slot's record dead, for every process that will read it. False where the file is gone, and the record with it. */
  tombstone(slot: number): boolean {
    const tail = this.tail
    if (tail !== undefined && slot >= tail.first) {
      tail.bytes[(slot - tail.first) * this.layout.recordBytes + STATE_AT] = DEAD
      return true
    }
    // We may have been let to only read it once; perhaps that has changed.
    if (this.fd >= 0 && !this.writable) this.#descriptors.close(this)
    const fd = this.#descriptors.of(this)
    if (fd < 0) return false
    // Opening it to write says why we may not.
    if (!this.writable) fs.closeSync(openToWrite(this.path))
    const dead = Uint8Array.of(DEAD)
    writeAt(fd, dead, offsetOf(slot, this.layout) + STATE_AT)
    if (this.sealed) writeAt(fd, dead, offsetOf(this.slots, this.layout) + this.slots * 8 + slot)
    return true
  }

  touch(slot: number, count = 1): void {
    if (slot + count > this.#touched.length) {
      const larger = new Uint8Array(Math.max(this.slots, slot + count, this.#touched.length * 2))
      larger.set(this.#touched)
      this.#touched = larger
    }
    if (count === 1) this.#touched[slot] = 1
    else this.#touched.fill(1, slot, slot + count)
  }

  wasTouched(slot: number): boolean {
    return this.#touched[slot] === 1
  }
}

/** The open files of one store: a bounded number, the least recently used closed first, none kept while nothing happens. */
export class Descriptors {
  readonly #open = new Set<Segment>()
  #uses = 0
  #usesAtTick = -1
  #timer: NodeJS.Timeout | undefined

  /** The descriptor of a segment, opened if need be; -1 where the file of that name is no longer this segment. */
  of(segment: Segment): number {
    segment.lastUse = ++this.#uses
    if (segment.fd >= 0) return segment.fd
    withHead(segment.path, file => {
      if (Buffer.compare(file.head, segment.head) !== 0) return
      file.keep()
      this.keep(segment, file.fd, file.writable)
    })
    return segment.fd
  }

  /** Takes over a descriptor that was opened elsewhere. */
  keep(segment: Segment, fd: number, writable: boolean): void {
    segment.fd = fd
    segment.writable = writable
    segment.lastUse = ++this.#uses
    this.#open.add(segment)
    if (this.#open.size > MOST_OPEN) this.#closeOldest()
    this.#timer ??= setTimeout(() => this.#tick(), IDLE_MS).unref()
  }

  close(segment: Segment): void {
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
    let oldest: Segment | undefined
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

/** How many slots the trailer of a segment of `size` bytes vouches for; undefined for one without. */
export function readTrailer(
  fd: number,
  size: number,
  header: Header,
  layout: Layout,
  crc32: Crc32,
): number | undefined {
  if (size < HEADER_BYTES + TRAILER_BYTES) return undefined
  const trailer = new Uint8Array(TRAILER_BYTES)
  if (readAt(fd, trailer, size - TRAILER_BYTES) < TRAILER_BYTES) return undefined
  return decodeTrailer(trailer, header.id, size, layout, crc32)
}

/** The footer of a sealed segment; undefined where it is damaged. */
export function readFooter(fd: number, slots: number, layout: Layout, crc32: Crc32): Footer | undefined {
  const bytes = new Uint8Array(footerBytes(slots))
  if (readAt(fd, bytes, offsetOf(slots, layout)) < bytes.length) return undefined
  return decodeFooter(bytes, slots, crc32)
}

/** What a scan saw in one slot. `record` is a view that holds until the visitor returns. */
export type Visit = (slot: number, record: Uint8Array, sound: boolean) => void

/** Reads and checks the records of the slots in `from <= slot < to` that the file has in full. Holds one chunk in memory. */
export function scan(fd: number, layout: Layout, from: number, to: number, crc32: Crc32, visit: Visit): void {
  const length = layout.recordBytes
  const perChunk = Math.max(1, Math.floor(CHUNK_BYTES / length))
  const chunk = new Uint8Array(Math.max(0, Math.min(perChunk, to - from)) * length)
  for (let slot = from; slot < to; ) {
    const wanted = Math.min(perChunk, to - slot)
    const got = Math.floor(readAt(fd, chunk.subarray(0, wanted * length), offsetOf(slot, layout)) / length)
    for (let i = 0; i < got; i++) {
      const record = chunk.subarray(i * length, (i + 1) * length)
      visit(slot + i, record, isSound(record, 0, layout, crc32))
    }
    if (got < wanted) return
    slot += got
  }
}

/** The same of the first `to` slots for whoever has time: the event loop has its turns in between. */
export async function scanInTurns(
  fd: number,
  layout: Layout,
  to: number,
  crc32: Crc32,
  visit: Visit,
  signal?: AbortSignal,
): Promise<void> {
  const perTurn = Math.max(1, Math.floor(YIELD_BYTES / layout.recordBytes))
  for (let from = 0; from < to; from += perTurn) {
    throwIfAborted(signal)
    scan(fd, layout, from, Math.min(to, from + perTurn), crc32, visit)
    await setImmediate()
  }
}
