// The segments of one space and the index over them: looking at the folder, finding, dropping. Writes no record.
import * as fs from 'node:fs'
import * as path from 'node:path'
import { openRegular, readAt } from '../../fs/files.js'
import { isFolder, namesIn } from '../../fs/folders.js'
import type { Clock, Crc32 } from '../../ports.js'
import type { Descriptors } from './descriptors.js'
import { readEpoch } from './epoch.js'
import {
  bearsKey,
  decodeHeader,
  HEADER_BYTES,
  isSound,
  KEY_AT,
  type Layout,
  LIVE,
  MAX_SEGMENT_BYTES,
  offsetOf,
  STATE_AT,
  seqOf,
} from './format.js'
import { IndexTable } from './index-table.js'
import { newProbe, type Probe, probeBytes } from './probe.js'
import { readFooter, readTrailer, Segment, scan } from './segment.js'

/** A process that is asked looks at the folder again after this time, ms. */
const LOOK_EVERY_MS = 100
const PAGE_BITS = 12
const PAGE_SLOTS = 1 << PAGE_BITS

export interface FolderParts {
  /** The folder of all spaces, where the epoch is. */
  readonly dir: string
  /** The folder of this space. */
  readonly path: string
  /** See {@link Header.space}. */
  readonly space: string
  readonly layout: Layout
  readonly crc32: Crc32
  readonly clock: Clock
  readonly descriptors: Descriptors
  /** Told of every record that failed its check, once each. */
  onCorrupt(): void
  /** Told when everything known so far is void: a clear, or our own segment was removed. */
  onReset(): void
}

export class SpaceFolder {
  readonly index = new IndexTable()
  /** By file name. */
  readonly segments = new Map<string, Segment>()
  /** The segment we append to: never grown or dropped by a look while its file is there. */
  own: Segment | undefined
  epoch: string | undefined
  /** The largest number in a name so far. */
  lastSeq = 0
  /** Files of our name that are not for us, as they were when we last saw them: other versions, stale or damaged ones. */
  readonly #passed = new Map<string, string>()
  #lookedAt = Number.NEGATIVE_INFINITY
  /** A record number is a page and a slot within it: these say whose page it is, and from which slot. */
  readonly #pageOwner: (Segment | undefined)[] = [undefined]
  readonly #pageBase: number[] = [0]
  readonly #freePages: number[] = []
  readonly #found: number[] = []
  readonly #scanned: Probe = newProbe()
  /** The record that was read last, and the part of it that its check covers. */
  readonly #record: Uint8Array
  readonly #covered: Uint8Array

  constructor(private readonly parts: FolderParts) {
    this.#record = new Uint8Array(parts.layout.recordBytes)
    this.#covered = this.#record.subarray(KEY_AT)
  }

  lookIfDue(): void {
    if (this.parts.clock.monotonic() - this.#lookedAt >= LOOK_EVERY_MS) this.look()
  }

  /** Takes note of what other processes did: a clear, new segments, new records, segments that went. */
  look(): void {
    this.checkEpoch()
    const names = isFolder(this.parts.path) ? namesIn(this.parts.path) : []
    const fresh: Segment[] = []
    const present = new Set(names)
    const gone = [...this.segments.values()].filter(segment => !present.has(segment.name) && segment !== this.own)
    if (this.own !== undefined && !present.has(this.own.name) && !this.isLinked(this.own)) {
      this.#startOver()
      return
    }
    this.drop(gone)
    for (const name of names) {
      const known = this.segments.get(name)
      if (known !== undefined) {
        if (!known.sealed && known !== this.own) fresh.push(known)
        continue
      }
      const seq = seqOf(name)
      if (seq === undefined) continue
      if (seq < 1e14 - 1) this.lastSeq = Math.max(this.lastSeq, seq)
      const segment = this.#adopt(name, seq)
      if (segment === 'other epoch') {
        this.#startOver()
        return
      }
      if (segment !== undefined) fresh.push(segment)
    }
    for (const name of this.#passed.keys()) if (!present.has(name)) this.#passed.delete(name)
    const { recordBytes } = this.parts.layout
    const news = fresh.filter(segment => segment.slots === 0 && segment.size > HEADER_BYTES)
    this.index.reserve(news.reduce((sum, { size }) => sum + Math.floor((size - HEADER_BYTES) / recordBytes), 0))
    this.drop(fresh.filter(segment => !this.#refresh(segment)))
    this.#lookedAt = this.parts.clock.monotonic()
  }

  /** Drops everything if someone cleared since we last knew. Cheap: one small read. */
  checkEpoch(): void {
    const epoch = readEpoch(this.parts.dir)
    if (this.epoch !== undefined && epoch !== this.epoch) this.reset()
    this.epoch = epoch
  }

  /** Forgets every segment, record and descriptor. The next call looks again. */
  reset(): void {
    for (const segment of this.segments.values()) segment.gone = true
    this.segments.clear()
    this.#passed.clear()
    this.parts.descriptors.closeAll()
    this.index.clear()
    this.#pageOwner.length = this.#pageBase.length = 1
    this.#freePages.length = 0
    this.own = undefined
    this.#lookedAt = Number.NEGATIVE_INFINITY
    this.parts.onReset()
  }

  /** False where the file behind our own segment was removed by someone. */
  isLinked(segment: Segment): boolean {
    const fd = this.parts.descriptors.of(segment)
    return fd >= 0 && fs.fstatSync(fd).nlink > 0
  }

  /** The live, sound record that bears this key, the newest if there are more. It holds until the next read. */
  find(probe: Probe): Uint8Array | undefined {
    const count = this.index.find(probe.a, probe.b, this.#found)
    if (count === 0) return undefined
    if (count > 1) return this.#findAmong(probe, false)
    // The common case, kept short: one candidate, on disk.
    const number = this.#found[0]!
    const segment = this.segmentOf(number)!
    const slot = this.slotOf(number)
    if (segment.tail !== undefined) return this.#findAmong(probe, false)
    const record = this.verified(segment, slot, number, probe)
    if (record === undefined) return this.#findAmong(probe, true)
    segment.touch(slot)
    return record
  }

  /** `surprised`: something that we knew was not as we knew it. */
  #findAmong(probe: Probe, surprised: boolean): Uint8Array | undefined {
    for (let looked = false; ; looked = true) {
      for (const number of this.candidates(probe)) {
        const segment = this.segmentOf(number)
        if (segment === undefined) continue
        const slot = this.slotOf(number)
        if (segment.tail !== undefined && slot >= segment.tail.first) {
          // Not on disk yet, so no one else could empty it: only the epoch tells that it was cleared.
          this.checkEpoch()
          if (segment.gone) return undefined
        }
        const record = this.verified(segment, slot, number, probe)
        if (record !== undefined) {
          segment.touch(slot)
          return record
        }
        surprised = true
      }
      // Someone deleted, overwrote, merged or removed what we knew: what took its place is found by looking, once.
      if (!surprised || looked) return undefined
      this.look()
    }
  }

  /**
   * The record of one candidate if it is live, sound and bears this key; otherwise what the index knew of it is corrected.
   * It holds until the next read. A sound record of another key (the fingerprint's twin) is left as it is.
   */
  verified(segment: Segment, slot: number, number: number, probe: Probe): Uint8Array | undefined {
    const record = this.#record
    if (!segment.read(slot, record)) {
      this.lost(segment)
      return undefined
    }
    const sound = isSound(record, this.parts.layout, this.parts.crc32, this.#covered)
    if (sound && record[STATE_AT] === LIVE) return bearsKey(record, 0, probe.words) ? record : undefined
    this.index.remove(probe.a, probe.b, number)
    if (!sound && record[STATE_AT] === LIVE) this.parts.onCorrupt()
    return undefined
  }

  /** The record numbers under a key's fingerprint, newest first. The array is reused by the next call. */
  candidates(probe: Probe): readonly number[] {
    const found = this.#found
    found.length = this.index.find(probe.a, probe.b, found)
    if (found.length > 1) {
      found.sort((x, y) => {
        const [one, other] = [this.segmentOf(x)!, this.segmentOf(y)!]
        return one === other ? this.slotOf(y) - this.slotOf(x) : one.isNewerThan(other) ? -1 : 1
      })
    }
    return found
  }

  /** The newest live record of a key, where `number` is one that the caller has just read: the others are read here. */
  newestBut(number: number, probe: Probe): number | undefined {
    for (const candidate of this.candidates(probe)) {
      const segment = this.segmentOf(candidate)
      if (candidate === number) return number
      if (segment !== undefined && this.verified(segment, this.slotOf(candidate), candidate, probe)) return candidate
    }
    return undefined
  }

  /** Undefined once the segment was dropped. */
  segmentOf(number: number): Segment | undefined {
    return this.#pageOwner[number >>> PAGE_BITS]
  }

  slotOf(number: number): number {
    return this.#pageBase[number >>> PAGE_BITS]! + (number & (PAGE_SLOTS - 1))
  }

  numberOf(segment: Segment, slot: number): number {
    return (segment.pages[slot >>> PAGE_BITS]! << PAGE_BITS) | (slot & (PAGE_SLOTS - 1))
  }

  /** Enters a record into the index. */
  add(segment: Segment, slot: number, a: number, b: number): void {
    for (let page = segment.pages.length; page <= slot >>> PAGE_BITS; page++) {
      const number = this.#freePages.pop() ?? this.#pageOwner.length
      this.#pageOwner[number] = segment
      this.#pageBase[number] = page << PAGE_BITS
      segment.pages.push(number)
    }
    this.index.insert(a, b, this.numberOf(segment, slot))
  }

  /** A file that we know ended too early or is not there: it was retired, or someone damaged it. */
  lost(segment: Segment): void {
    if (segment === this.own) this.reset()
    else this.drop([segment])
  }

  /** Forgets segments and their records. */
  drop(segments: readonly Segment[]): void {
    if (segments.length === 0) return
    for (const segment of segments) {
      segment.gone = true
      this.segments.delete(segment.name)
      this.parts.descriptors.close(segment)
    }
    this.index.sweep(number => this.#pageOwner[number >>> PAGE_BITS]!.gone)
    for (const page of segments.flatMap(segment => segment.pages)) {
      this.#pageOwner[page] = undefined
      this.#freePages.push(page)
    }
  }

  #startOver(): void {
    this.reset()
    this.epoch = undefined
    this.look()
  }

  /** A segment we did not know, if the file of that name is one for us. */
  #adopt(name: string, seq: number): Segment | 'other epoch' | undefined {
    const { parts } = this
    const file = path.join(parts.path, name)
    const stat = fs.lstatSync(file, { throwIfNoEntry: false })
    // A header comes with the first write; a shorter file is one that is just being begun.
    if (!stat?.isFile() || stat.size < HEADER_BYTES || stat.size > MAX_SEGMENT_BYTES) return undefined
    const state = `${stat.ino} ${stat.size} ${stat.mtimeMs}`
    if (this.#passed.get(name) === state) return undefined
    const opened = openRegular(file)
    if (opened === undefined) return undefined
    const head = new Uint8Array(HEADER_BYTES)
    readAt(opened.fd, head, 0)
    const header = decodeHeader(head, parts.crc32)
    if (header?.space !== parts.space || header.valueBytes !== parts.layout.valueBytes || header.epoch !== this.epoch) {
      fs.closeSync(opened.fd)
      // Tokens are random and never come back. So a segment whose epoch is not the one read after its header is stale.
      if (header !== undefined && header.epoch !== this.epoch && readEpoch(parts.dir) !== this.epoch)
        return 'other epoch'
      this.#passed.set(name, state)
      return undefined
    }
    const segment = new Segment(file, name, seq, head, header, parts.layout, parts.descriptors)
    segment.size = opened.size
    this.segments.set(name, segment)
    parts.descriptors.keep(segment, opened.fd, opened.writable)
    return segment
  }

  /** Reads what is new in a segment of another writer. False where its file is gone. */
  #refresh(segment: Segment): boolean {
    const { layout, crc32, descriptors } = this.parts
    const fd = descriptors.of(segment)
    if (fd < 0) return false
    const { size, mtimeMs, nlink } = fs.fstatSync(fd)
    if (nlink === 0 || size < offsetOf(segment.slots, layout) || size > MAX_SEGMENT_BYTES) return false
    if (size === segment.size && mtimeMs === segment.changedAt) return true
    segment.size = size
    segment.changedAt = mtimeMs
    const sealedSlots = readTrailer(fd, size, segment, crc32)
    const footer = sealedSlots === undefined ? undefined : readFooter(fd, sealedSlots, layout, crc32)
    if (footer !== undefined) {
      for (let slot = segment.slots; slot < footer.states.length; slot++) {
        if (footer.states[slot] !== LIVE) continue
        this.add(segment, slot, footer.fingerprints[slot * 2]!, footer.fingerprints[slot * 2 + 1]!)
      }
      segment.slots = Math.max(segment.slots, footer.states.length)
    } else {
      const slots = sealedSlots ?? Math.floor((size - HEADER_BYTES) / layout.recordBytes)
      this.#recover(segment, fd, slots, sealedSlots !== undefined)
    }
    if (sealedSlots !== undefined) {
      segment.slots = sealedSlots
      segment.sealed = true
    }
    return true
  }

  /** Takes note of records by reading them. Damaged ones at the very end may still be on their way: they stay news. */
  #recover(segment: Segment, fd: number, slots: number, sealed: boolean): void {
    const probe = this.#scanned
    let damaged = 0
    scan(fd, this.parts.layout, segment.slots, slots, this.parts.crc32, (slot, record, sound) => {
      if (!sound) {
        damaged++
        return
      }
      for (; damaged > 0; damaged--) this.parts.onCorrupt()
      segment.slots = slot + 1
      if (record[STATE_AT] !== LIVE) return
      probeBytes(record, KEY_AT, probe)
      this.add(segment, slot, probe.a, probe.b)
    })
    if (sealed) for (; damaged > 0; damaged--) this.parts.onCorrupt()
  }
}
