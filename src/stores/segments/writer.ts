// The segment that this store appends to: begins it, buffers, flushes, syncs, seals. One writer per store, no locks.
import * as fs from 'node:fs'
import * as path from 'node:path'
import { messageOf, OpDbusError } from '../../errors.js'
import { DENIED, errnoOf, quietly } from '../../fs/errno.js'
import { retire, syncFile, writeAt } from '../../fs/files.js'
import { thisProcess } from '../../fs/process-identity.js'
import type { Clock, Crc32, Hash, Warn } from '../../ports.js'
import { createSegment } from './create.js'
import type { Descriptors } from './descriptors.js'
import type { SpaceFolder } from './folder.js'
import {
  DEAD,
  encodeFooter,
  encodeHeader,
  encodeRecord,
  footerBytes,
  HEADER_BYTES,
  type Header,
  type Layout,
  LIVE,
  offsetOf,
  segmentName,
  slotsWithin,
} from './format.js'
import type { Probe } from './probe.js'
import { Segment } from './segment.js'

const BUFFER_BYTES = 256 * 2 ** 10
/** How long a record may wait in memory, and how long a written one for the disk, ms. */
const FLUSH_MS = 50
const SYNC_MS = 1000
const MOST_TRIES = 100

export interface WriterParts {
  readonly path: string
  readonly header: Pick<Header, 'dims' | 'valueBytes' | 'space'>
  readonly layout: Layout
  /** The size at which a segment is sealed. */
  readonly segmentBytes: number
  readonly folder: SpaceFolder
  readonly descriptors: Descriptors
  readonly hash: Hash
  readonly clock: Clock
  readonly crc32: Crc32
  readonly warn: Warn
  /** The text of `space.json`. */
  spaceFile(): string
  /** Called when a segment was begun, before anything is in it: the time for housekeeping. May append. */
  onBegin(): void
  /** Makes sure that `bytes` more fit into the budget. */
  makeRoom(bytes: number): void
}

export class Writer {
  readonly #maxSlots: number
  readonly #buffer: { bytes: Uint8Array; slots: number }
  /** Records in the buffer. */
  #pending = 0
  /** What the footer will say, two words and one byte a slot. */
  #fingerprints = new Int32Array(64)
  #states = new Uint8Array(32)
  /** Older records of keys that were written again: dead as soon as the newer ones are on disk. */
  #superseded: { segment: Segment; slot: number }[] = []
  /** Bytes that may still be written before the budget is looked at again. */
  #room = 0
  #unsynced = false
  #failing = false
  #makingRoom = false
  #toldUnsynced = false
  #flushTimer: NodeJS.Timeout | undefined
  #syncTimer: NodeJS.Timeout | undefined

  constructor(private readonly parts: WriterParts) {
    const { recordBytes } = parts.layout
    this.#maxSlots = slotsWithin(parts.segmentBytes, recordBytes)
    const slots = Math.min(this.#maxSlots, Math.max(1, Math.floor(BUFFER_BYTES / recordBytes)))
    this.#buffer = { bytes: new Uint8Array(0), slots }
  }

  /** Slots that our segment still has. */
  get slotsLeft(): number {
    return this.#maxSlots - (this.parts.folder.own?.slots ?? 0)
  }

  /** Makes sure that the next append needs no disk, or throws what the disk said. */
  prepare(): void {
    const { folder } = this.parts
    if (this.#failing) this.flush()
    for (
      let tries = 0;
      folder.own === undefined || this.slotsLeft === 0 || this.#pending === this.#buffer.slots;
      tries++
    ) {
      // Flushing and beginning both may find that someone cleared, and beginning may fill the segment by merging.
      if (tries === MOST_TRIES)
        throw new OpDbusError('STORE', `the cache folder ${this.parts.path} is cleared all the time`)
      if (folder.own === undefined) this.#begin()
      else if (this.slotsLeft === 0) this.seal()
      else this.flush()
    }
  }

  /** Appends a value; call {@link prepare} first. */
  append(probe: Probe, value: Uint8Array): void {
    const { bytes, at } = this.#claim(probe)
    encodeRecord(bytes, at, probe, value, this.parts.layout, this.parts.crc32)
  }

  /** Appends a sound record of this space as it is; call {@link prepare} first. */
  appendRecord(probe: Probe, record: Uint8Array): void {
    const { bytes, at } = this.#claim(probe)
    bytes.set(record, at)
  }

  /** Notes that a record on disk was written again. */
  supersede(segment: Segment, slot: number): void {
    if (segment.tail !== undefined && slot >= segment.tail.first) this.kill(segment, slot)
    else this.#superseded.push({ segment, slot })
  }

  /** Marks a record dead now, wherever it is. */
  kill(segment: Segment, slot: number): void {
    if (segment === this.parts.folder.own) this.#states[slot] = DEAD
    segment.kill(slot)
  }

  /** Marks what was written again dead, without waiting for the newer records to be on disk. */
  killSuperseded(): void {
    while (this.#superseded.length > 0) {
      const { segment, slot } = this.#superseded.at(-1)!
      if (!segment.gone) this.kill(segment, slot)
      this.#superseded.pop()
    }
  }

  /** Drops what is known if it was cleared or our segment removed. Returns whether it still stands. */
  stillOurs(): boolean {
    const { folder } = this.parts
    const own = folder.own
    folder.checkEpoch()
    if (own !== undefined && !own.gone && !folder.isLinked(own)) folder.reset()
    return own !== undefined && !own.gone
  }

  /** Writes what is buffered. On failure it stays buffered, and readable, and the next flush tries again. */
  flush(): void {
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
    if ((this.#pending === 0 && this.#superseded.length === 0) || !this.stillOurs()) return
    const { recordBytes } = this.parts.layout
    if (this.#pending > 0) this.#reserve(this.#pending * recordBytes)
    // Making room may have appended and flushed on its own, even to a segment begun since.
    const own = this.parts.folder.own
    if (own !== undefined && this.#pending > 0) {
      const tail = own.tail!
      this.#write(own, tail.bytes.subarray(0, this.#pending * recordBytes), offsetOf(tail.first, this.parts.layout))
      tail.first += this.#pending
      this.#pending = 0
      this.#syncLater()
    }
    this.killSuperseded()
    this.#failing = false
  }

  /** Waits until what was flushed is on the disk. */
  sync(): void {
    const own = this.parts.folder.own
    const fd = own === undefined || !this.#unsynced ? -1 : this.parts.descriptors.of(own)
    const refused = fd < 0 ? undefined : syncFile(fd)
    if (refused !== undefined) this.#tellUnsynced(refused)
    this.#unsynced = false
  }

  /** Flushes, writes the footer, syncs: the segment is closed. One that holds nothing alive is removed instead. */
  seal(): void {
    const { folder, descriptors, crc32, layout } = this.parts
    const own = folder.own
    if (own === undefined) return
    this.#reserve(footerBytes(own.slots))
    if (folder.own === own) this.flush()
    if (folder.own !== own) return
    const slots = own.slots
    const states = this.#states.slice(0, slots)
    if (states.includes(LIVE)) {
      try {
        const footer = { fingerprints: this.#fingerprints.subarray(0, slots * 2), states }
        this.#write(own, encodeFooter(own.header.id, footer, crc32), offsetOf(slots, layout))
        own.sealed = true
      } catch (error) {
        // The records are safe; without a footer the next opener reads them all.
        if (errnoOf(error) === undefined) throw error
      }
      this.#unsynced = true
      this.sync()
      own.tail = undefined
    } else {
      const fd = descriptors.of(own)
      if (fd >= 0) retire(own.path, fd)
      folder.drop([own])
    }
    folder.own = undefined
    this.forget()
  }

  /** Lets go of all that is in memory. What was on its way to a segment that is no more is lost with it. */
  forget(): void {
    clearTimeout(this.#flushTimer)
    clearTimeout(this.#syncTimer)
    this.#flushTimer = this.#syncTimer = undefined
    this.#pending = 0
    this.#superseded = []
    this.#room = 0
    this.#unsynced = false
  }

  #claim(probe: Probe): { bytes: Uint8Array; at: number } {
    const { folder, layout } = this.parts
    const own = folder.own!
    const slot = own.slots++
    if (slot >= this.#states.length) this.#growFooter()
    this.#fingerprints[slot * 2] = probe.a
    this.#fingerprints[slot * 2 + 1] = probe.b
    this.#states[slot] = LIVE
    folder.add(own, slot, probe.a, probe.b)
    this.#flushTimer ??= setTimeout(() => this.#flushOnTime(), FLUSH_MS).unref()
    return { bytes: this.#buffer.bytes, at: this.#pending++ * layout.recordBytes }
  }

  #growFooter(): void {
    const fingerprints = new Int32Array(this.#fingerprints.length * 2)
    fingerprints.set(this.#fingerprints)
    this.#fingerprints = fingerprints
    const states = new Uint8Array(this.#states.length * 2)
    states.set(this.#states)
    this.#states = states
  }

  #begin(): void {
    const { parts } = this
    const { folder } = parts
    this.#room = 0
    folder.lookIfDue()
    folder.checkEpoch()
    const id = parts.hash.random(8)
    const header: Header = { ...parts.header, id, epoch: folder.epoch!, ...thisProcess() }
    const head = encodeHeader(header, parts.crc32)
    this.#reserve(HEADER_BYTES)
    if (folder.own !== undefined) return
    // A number that was seen in a name, or the time: whichever is later. Beyond 14 digits someone made it up.
    const seq = Math.min(Math.max(Math.floor(parts.clock.now()), folder.lastSeq + 1), 1e14 - 1)
    const name = segmentName(seq, id)
    const file = path.join(parts.path, name)
    const fd = createSegment(parts, name, head, header)
    const own = new Segment(file, name, seq, head, header, parts.layout, parts.descriptors)
    if (this.#buffer.bytes.length === 0) {
      this.#buffer.bytes = new Uint8Array(this.#buffer.slots * parts.layout.recordBytes)
    }
    own.size = HEADER_BYTES
    own.tail = { bytes: this.#buffer.bytes, first: 0 }
    parts.descriptors.keep(own, fd, true)
    folder.lastSeq = seq
    folder.segments.set(name, own)
    folder.own = own
    parts.onBegin()
  }

  #reserve(bytes: number): void {
    if (bytes > this.#room && !this.#makingRoom) {
      const wanted = Math.max(bytes, Math.ceil(this.parts.segmentBytes / 4))
      this.#makingRoom = true
      try {
        this.parts.makeRoom(wanted)
      } finally {
        this.#makingRoom = false
      }
      this.#room = wanted
    }
    this.#room -= bytes
  }

  /** Writes at the end of our segment, or leaves its end where it was. */
  #write(own: Segment, bytes: Uint8Array, position: number): void {
    const fd = this.parts.descriptors.of(own)
    try {
      writeAt(fd, bytes, position)
    } catch (error) {
      quietly(() => fs.ftruncateSync(fd, position))
      throw error
    }
    own.size = position + bytes.length
  }

  #flushOnTime(): void {
    try {
      this.flush()
    } catch (error) {
      // No caller to tell: the next setMany flushes first, and throws if it still fails.
      if (!this.#failing)
        this.parts.warn(`cannot write to the cache folder ${this.parts.path}: ${messageOf(error)}`, error)
      this.#failing = true
      this.#flushTimer = setTimeout(() => this.#flushOnTime(), SYNC_MS).unref()
    }
  }

  /** A cache without sync is still a cache: records bear checks, so that what a power cut leaves of one is a miss. */
  #tellUnsynced(errno: string): void {
    if (this.#toldUnsynced) return
    this.#toldUnsynced = true
    const who = errno === DENIED ? "Node's permission model does" : `its file system (${errno}) does`
    this.parts.warn(
      `the cache folder ${this.parts.path} is not synced, since ${who} not allow it: a power cut may cost entries`,
    )
  }

  #syncLater(): void {
    this.#unsynced = true
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined
      const own = this.parts.folder.own
      // Off this thread, and best effort: the seal syncs again and tells.
      if (own !== undefined && own.fd >= 0) quietly(() => fs.fdatasync(own.fd, () => {}))
      this.#unsynced = false
    }, SYNC_MS).unref()
  }
}
