// The segment that this store appends to: begins it, buffers, flushes, syncs, seals. One writer per store, no locks.
import * as fs from 'node:fs'
import * as path from 'node:path'
import { messageOf, OpDbusError } from '../../errors.js'
import { DENIED, errnoOf, quietly } from '../../fs/errno.js'
import { retire, syncFile, writeAt } from '../../fs/files.js'
import { thisProcess } from '../../fs/process-identity.js'
import { type Appender, makeRoom, mergeSmall, removeLeftovers } from './compaction.js'
import type { SpaceContext } from './context.js'
import type { SpaceFolder } from './folder.js'
import {
  DEAD,
  encodeFooter,
  encodeHeader,
  encodeRecord,
  footerBytes,
  HEADER_BYTES,
  type Header,
  LIVE,
  offsetOf,
  segmentName,
  slotsWithin,
} from './format.js'
import type { ParsedKey } from './parsed-key.js'
import { Segment } from './segment.js'
import { createSegment } from './space-files.js'

const BUFFER_BYTES = 256 * 2 ** 10
/** How long a record may wait in memory, and how long a written one for the disk, ms. */
const FLUSH_MS = 50
const SYNC_MS = 1000
/** So many bytes are sent to the disk sooner: else whoever fills a segment fast waits for all of them when it is sealed. */
const SYNC_BYTES = 16 * 2 ** 20
const MOST_TRIES = 100

export class Writer implements Appender {
  readonly context: SpaceContext
  readonly folder: SpaceFolder
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
  /** Bytes written since the disk was last told to keep what it has. */
  #sinceSync = 0
  #failing = false
  #makingRoom = false
  #toldUnsynced = false
  #flushTimer: NodeJS.Timeout | undefined
  #syncTimer: NodeJS.Timeout | undefined

  constructor(context: SpaceContext, folder: SpaceFolder) {
    this.context = context
    this.folder = folder
    folder.onReset(() => this.#forget())
    const { recordBytes } = context.layout
    this.#maxSlots = slotsWithin(context.segmentBytes, recordBytes)
    const slots = Math.min(this.#maxSlots, Math.max(1, Math.floor(BUFFER_BYTES / recordBytes)))
    this.#buffer = { bytes: new Uint8Array(0), slots }
  }

  /** Slots that our segment still has. */
  get slotsLeft(): number {
    return this.#maxSlots - (this.folder.own?.slots ?? 0)
  }

  /** Makes sure that the next append needs no disk, or throws what the disk said. */
  prepare(): void {
    const { folder } = this
    if (this.#failing) this.flush()
    for (
      let tries = 0;
      folder.own === undefined || this.slotsLeft === 0 || this.#pending === this.#buffer.slots;
      tries++
    ) {
      // Flushing and beginning both may find that someone cleared, and beginning may fill the segment by merging.
      if (tries === MOST_TRIES)
        throw new OpDbusError('STORE', `the cache folder ${this.context.path} is cleared all the time`)
      if (folder.own === undefined) this.#begin()
      else if (this.slotsLeft === 0) this.seal()
      else this.flush()
    }
  }

  /** Appends a value; call {@link prepare} first. */
  append(key: ParsedKey, value: Uint8Array): void {
    const { bytes, at } = this.#claim(key)
    encodeRecord(bytes, at, key, value, this.context.layout, this.context.crc32)
  }

  /** Appends a sound record of this space as it is; call {@link prepare} first. */
  appendRecord(key: ParsedKey, record: Uint8Array): void {
    const { bytes, at } = this.#claim(key)
    bytes.set(record, at)
  }

  /** Notes that a record on disk was written again. */
  supersede(segment: Segment, slot: number): void {
    if (segment.tail !== undefined && slot >= segment.tail.first) this.tombstone(segment, slot)
    else this.#superseded.push({ segment, slot })
  }

  /** Marks a record dead now, wherever it is. */
  tombstone(segment: Segment, slot: number): void {
    if (segment === this.folder.own) this.#states[slot] = DEAD
    segment.tombstone(slot)
  }

  /** Marks what was written again dead, without waiting for the newer records to be on disk. */
  tombstoneSuperseded(): void {
    while (this.#superseded.length > 0) {
      const { segment, slot } = this.#superseded.at(-1)!
      if (!segment.gone) this.tombstone(segment, slot)
      this.#superseded.pop()
    }
  }

  /** Drops what is known if it was cleared or our segment removed. Returns whether it still stands. */
  stillOurs(): boolean {
    const { folder } = this
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
    const { recordBytes } = this.context.layout
    if (this.#pending > 0) this.#reserve(this.#pending * recordBytes)
    // Making room may have appended and flushed on its own, even to a segment begun since.
    const own = this.folder.own
    if (own !== undefined && this.#pending > 0) {
      const tail = own.tail!
      this.#write(own, tail.bytes.subarray(0, this.#pending * recordBytes), offsetOf(tail.first, this.context.layout))
      tail.first += this.#pending
      this.#syncLater(this.#pending * recordBytes)
      this.#pending = 0
    }
    this.tombstoneSuperseded()
    this.#failing = false
  }

  /** Waits until what was flushed is on the disk. */
  sync(): void {
    const own = this.folder.own
    const fd = own === undefined || !this.#unsynced ? -1 : this.context.descriptors.of(own)
    const refused = fd < 0 ? undefined : syncFile(fd)
    if (refused !== undefined) this.#tellUnsynced(refused)
    this.#unsynced = false
  }

  /** Flushes, writes the footer, syncs: the segment is closed. One that holds nothing alive is removed instead. */
  seal(): void {
    const { folder } = this
    const { descriptors, crc32, layout } = this.context
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
    this.#forget()
  }

  /** Lets go of all that is in memory. What was on its way to a segment that is no more is lost with it. */
  #forget(): void {
    clearTimeout(this.#flushTimer)
    clearTimeout(this.#syncTimer)
    this.#flushTimer = this.#syncTimer = undefined
    this.#pending = 0
    this.#superseded = []
    this.#room = 0
    this.#unsynced = false
    this.#sinceSync = 0
  }

  #claim(key: ParsedKey): { bytes: Uint8Array; at: number } {
    const { folder } = this
    const own = folder.own!
    const slot = own.slots++
    if (slot >= this.#states.length) this.#growFooter()
    this.#fingerprints[slot * 2] = key.a
    this.#fingerprints[slot * 2 + 1] = key.b
    this.#states[slot] = LIVE
    folder.add(own, slot, key.a, key.b)
    this.#flushTimer ??= setTimeout(() => this.#flushOnTime(), FLUSH_MS).unref()
    return { bytes: this.#buffer.bytes, at: this.#pending++ * this.context.layout.recordBytes }
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
    const { context, folder } = this
    this.#room = 0
    folder.lookIfDue()
    folder.checkEpoch()
    const id = context.hash.random(8)
    const { dims, space, layout } = context
    const { valueBytes } = layout
    const header: Header = { dims, valueBytes, space, id, epoch: folder.epoch!, ...thisProcess() }
    const head = encodeHeader(header, context.crc32)
    this.#reserve(HEADER_BYTES)
    if (folder.own !== undefined) return
    // A number that was seen in a name, or the time: whichever is later. Beyond 14 digits someone made it up.
    const seq = Math.min(Math.max(Math.floor(context.clock.now()), folder.lastSeq + 1), 1e14 - 1)
    const name = segmentName(seq, id)
    const fd = createSegment(context.path, context.spaceFile, name, head, header)
    const own = new Segment(context, { path: path.join(context.path, name), name, seq }, head, header)
    if (this.#buffer.bytes.length === 0) this.#buffer.bytes = new Uint8Array(this.#buffer.slots * layout.recordBytes)
    own.size = HEADER_BYTES
    own.tail = { bytes: this.#buffer.bytes, first: 0 }
    context.descriptors.keep(own, fd, true)
    folder.begin(own)
    // Nothing is in it yet: the time for housekeeping, which may append to it.
    removeLeftovers(context)
    mergeSmall(this)
  }

  #reserve(bytes: number): void {
    if (bytes > this.#room && !this.#makingRoom) {
      const wanted = Math.max(bytes, Math.ceil(this.context.segmentBytes / 4))
      this.#makingRoom = true
      try {
        makeRoom(wanted, this)
      } finally {
        this.#makingRoom = false
      }
      this.#room = wanted
    }
    this.#room -= bytes
  }

  /** Writes at the end of our segment, or leaves its end where it was. */
  #write(own: Segment, bytes: Uint8Array, position: number): void {
    const fd = this.context.descriptors.of(own)
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
        this.context.warn(`cannot write to the cache folder ${this.context.path}: ${messageOf(error)}`, error)
      this.#failing = true
      this.#flushTimer = setTimeout(() => this.#flushOnTime(), SYNC_MS).unref()
    }
  }

  /** A cache without sync is still a cache: records bear checks, so that what a power cut leaves of one is a miss. */
  #tellUnsynced(errno: string): void {
    if (this.#toldUnsynced) return
    this.#toldUnsynced = true
    const who = errno === DENIED ? "Node's permission model does" : `its file system (${errno}) does`
    this.context.warn(
      `the cache folder ${this.context.path} is not synced, since ${who} not allow it: a power cut may cost entries`,
    )
  }

  #syncLater(bytes: number): void {
    this.#unsynced = true
    this.#sinceSync += bytes
    // It counts as unsynced all the same: who copies records in this turn, and removes the originals, still has to wait for the disk.
    if (this.#sinceSync >= SYNC_BYTES) this.#syncOffThread()
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined
      this.#syncOffThread()
      this.#unsynced = false
    }, SYNC_MS).unref()
  }

  /** Best effort: the seal syncs again and tells. */
  #syncOffThread(): void {
    const own = this.folder.own
    this.#sinceSync = 0
    if (own !== undefined && own.fd >= 0) quietly(() => fs.fdatasync(own.fd, () => {}))
  }
}
