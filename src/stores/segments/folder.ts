// The segments of one space and the index over them: looking at the folder, finding, dropping. Writes no file.
import * as fs from 'node:fs'
import * as path from 'node:path'
import { isFolder, namesIn } from '../../fs/folders.js'
import type { LentMemory } from '../../ports.js'
import type { ReadingContext } from './context.js'
import { readEpoch } from './epochs.js'
import {
  bearsKey,
  coveredPart,
  HEADER_BYTES,
  isSound,
  KEY_AT,
  LIVE,
  MAX_SEGMENT_BYTES,
  offsetOf,
  RECORD_HEAD,
  STATE_AT,
  seqOf,
} from './format.js'
import { IndexTable } from './index-table.js'
import { keyAt, newParsedKey, type ParsedKey } from './parsed-key.js'
import { RecordNumbers } from './record-numbers.js'
import { RunReader, type Values } from './runs.js'
import { readFooter, readTrailer, Segment, scan } from './segment.js'
import { withHeader } from './space-files.js'
import { ValueSlab } from './value-slab.js'

/** A process that is asked looks at the folder again after this time, ms. */
const LOOK_EVERY_MS = 100

export class SpaceFolder {
  readonly index = new IndexTable()
  /** What the numbers in the index stand for. */
  readonly numbers = new RecordNumbers()
  /** By file name. */
  readonly segments = new Map<string, Segment>()
  /** The segment we append to: never grown or dropped by a look while its file is there. */
  own: Segment | undefined
  epoch: string | undefined
  /** Everything known was dropped since somebody last set this to false. */
  wasReset = false
  /** The largest number in a name so far. */
  lastSeq = 0
  /** Files of our name that are not for us, as they were when we last saw them: other versions, stale or damaged ones. */
  readonly #passed = new Map<string, string>()
  #lookedAt = Number.NEGATIVE_INFINITY
  readonly #found: number[] = []
  readonly #scanned = newParsedKey()
  /** The record that was read last, its value, and the part of it that its check covers. */
  readonly #record: Uint8Array
  readonly #value: Uint8Array
  readonly #covered: Uint8Array
  readonly #values = new ValueSlab()
  readonly #runs: RunReader
  readonly #context: ReadingContext
  #onReset = (): void => {}

  constructor(context: ReadingContext) {
    this.#context = context
    this.#record = new Uint8Array(context.layout.recordBytes)
    this.#value = this.#record.subarray(RECORD_HEAD, RECORD_HEAD + context.layout.valueBytes)
    this.#covered = coveredPart(this.#record, 0, context.layout)
    this.#runs = new RunReader(context, this.index, this.numbers)
  }

  /** Calls `listener` when everything known so far is void: a clear, or our own segment was removed. */
  onReset(listener: () => void): void {
    this.#onReset = listener
  }

  lookIfDue(): void {
    if (this.#context.clock.monotonic() - this.#lookedAt >= LOOK_EVERY_MS) this.look()
  }

  /** Takes note of what other processes did: a clear, new segments, new records, segments that went. */
  look(): void {
    this.checkEpoch()
    const names = isFolder(this.#context.path) ? namesIn(this.#context.path) : []
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
    const { recordBytes } = this.#context.layout
    const news = fresh.filter(segment => segment.slots === 0 && segment.size > HEADER_BYTES)
    this.index.reserve(news.reduce((sum, { size }) => sum + Math.floor((size - HEADER_BYTES) / recordBytes), 0))
    this.drop(fresh.filter(segment => !this.#refresh(segment)))
    this.#lookedAt = this.#context.clock.monotonic()
  }

  /** Drops everything if someone cleared since we last knew. Cheap: a small read or two. */
  checkEpoch(): void {
    const epoch = readEpoch(this.#context.dir, this.#context.path)
    if (this.epoch !== undefined && epoch !== this.epoch) this.reset()
    this.epoch = epoch
  }

  /** Forgets every segment, record and descriptor. The next call looks again. */
  reset(): void {
    for (const segment of this.segments.values()) segment.gone = true
    this.segments.clear()
    this.#passed.clear()
    this.#context.descriptors.closeAll()
    this.index.clear()
    this.numbers.clear()
    this.own = undefined
    this.#lookedAt = Number.NEGATIVE_INFINITY
    this.wasReset = true
    this.#onReset()
  }

  /** False where the file behind our own segment was removed by someone. */
  isLinked(segment: Segment): boolean {
    const fd = this.#context.descriptors.of(segment)
    return fd >= 0 && fs.fstatSync(fd).nlink > 0
  }

  /** Puts the values of the first `count` keys (at most {@link BLOCK_KEYS}) into `values`, from place `at` on. */
  findMany(keys: readonly ParsedKey[], count: number, values: Values, at: number, lent?: LentMemory): void {
    for (const place of this.#runs.read(keys, count, values, at, lent)) values[at + place] = this.find(keys[place]!)
  }

  /** The value of the live, sound record that bears this key, the newest if there are more. */
  find(key: ParsedKey): Uint8Array | undefined {
    const count = this.index.find(key.a, key.b, this.#found)
    if (count === 0) return undefined
    if (count > 1) return this.#findAmong(key, false)
    // The common case, kept short: one candidate, on disk.
    const number = this.#found[0]!
    const segment = this.numbers.segmentOf(number)!
    const slot = this.numbers.slotOf(number)
    if (segment.tail !== undefined) return this.#findAmong(key, false)
    const record = this.verified(segment, slot, number, key)
    if (record === undefined) return this.#findAmong(key, true)
    segment.touch(slot)
    return this.#values.copyOf(this.#value)
  }

  /** `surprised`: something that we knew was not as we knew it. */
  #findAmong(key: ParsedKey, surprised: boolean): Uint8Array | undefined {
    for (let looked = false; ; looked = true) {
      for (const number of this.candidates(key)) {
        const segment = this.numbers.segmentOf(number)
        if (segment === undefined) continue
        const slot = this.numbers.slotOf(number)
        if (segment.tail !== undefined && slot >= segment.tail.first) {
          // Not on disk yet, so no one else could empty it: only the epoch tells that it was cleared.
          this.checkEpoch()
          if (segment.gone) return undefined
        }
        const record = this.verified(segment, slot, number, key)
        if (record !== undefined) {
          segment.touch(slot)
          return this.#values.copyOf(this.#value)
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
  verified(segment: Segment, slot: number, number: number, key: ParsedKey): Uint8Array | undefined {
    const record = this.#record
    if (!segment.read(slot, record)) {
      this.lost(segment)
      return undefined
    }
    const sound = isSound(record, 0, this.#context.layout, this.#context.crc32, this.#covered)
    if (sound && record[STATE_AT] === LIVE) return bearsKey(record, 0, key.words) ? record : undefined
    this.index.remove(key.a, key.b, number)
    if (!sound && record[STATE_AT] === LIVE) this.#context.counters.damaged++
    return undefined
  }

  /** The record numbers under a key's fingerprint, newest first. The array is reused by the next call. */
  candidates(key: ParsedKey): readonly number[] {
    const found = this.#found
    found.length = this.index.find(key.a, key.b, found)
    if (found.length > 1) {
      found.sort((x, y) => {
        const [one, other] = [this.numbers.segmentOf(x)!, this.numbers.segmentOf(y)!]
        return one === other ? this.numbers.slotOf(y) - this.numbers.slotOf(x) : one.isNewerThan(other) ? -1 : 1
      })
    }
    return found
  }

  /** The number of the newest live record of a key. `known` is one that the caller has just read: others are read here. */
  newestOf(key: ParsedKey, known: number): number | undefined {
    for (const candidate of this.candidates(key)) {
      const segment = this.numbers.segmentOf(candidate)
      if (candidate === known) return known
      if (segment !== undefined && this.verified(segment, this.numbers.slotOf(candidate), candidate, key))
        return candidate
    }
    return undefined
  }

  /** Takes every live record of a key out of the index, each after `act` was told where it is. */
  takeOut(key: ParsedKey, act: (segment: Segment, slot: number) => void): void {
    for (const number of this.candidates(key)) {
      const segment = this.numbers.segmentOf(number)
      if (segment === undefined) continue
      const slot = this.numbers.slotOf(number)
      if (this.verified(segment, slot, number, key) === undefined) continue
      act(segment, slot)
      this.index.remove(key.a, key.b, number)
    }
  }

  /** Appends to this segment of ours from now on. */
  begin(own: Segment): void {
    this.lastSeq = own.seq
    this.segments.set(own.name, own)
    this.own = own
  }

  /** Enters a record into the index. */
  add(segment: Segment, slot: number, a: number, b: number): void {
    this.index.insert(a, b, this.numbers.claim(segment, slot))
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
      this.#context.descriptors.close(segment)
    }
    this.index.sweep(number => this.numbers.segmentOf(number)!.gone)
    for (const segment of segments) this.numbers.release(segment)
  }

  #startOver(): void {
    this.reset()
    this.epoch = undefined
    this.look()
  }

  /** A segment we did not know, if the file of that name is one for us. */
  #adopt(name: string, seq: number): Segment | 'other epoch' | undefined {
    const context = this.#context
    const file = path.join(context.path, name)
    const stat = fs.lstatSync(file, { throwIfNoEntry: false })
    // A header comes with the first write; a shorter file is one that is just being begun.
    if (!stat?.isFile() || stat.size < HEADER_BYTES || stat.size > MAX_SEGMENT_BYTES) return undefined
    const state = `${stat.ino} ${stat.size} ${stat.mtimeMs}`
    if (this.#passed.get(name) === state) return undefined
    return withHeader(file, context.crc32, (opened, header) => {
      const fits = header?.space === context.space && header.valueBytes === context.layout.valueBytes
      if (!fits || header.epoch !== this.epoch) {
        // Tokens are random and never come back. So a segment whose epoch is not the one read after its header is stale.
        const stale = header !== undefined && header.epoch !== this.epoch
        if (stale && readEpoch(context.dir, context.path) !== this.epoch) return 'other epoch'
        this.#passed.set(name, state)
        return undefined
      }
      const segment = new Segment(context, { path: file, name, seq }, opened.head, header)
      segment.size = opened.size
      this.segments.set(name, segment)
      opened.keep()
      context.descriptors.keep(segment, opened.fd, opened.writable)
      return segment
    })
  }

  /** Reads what is new in a segment of another writer. False where its file is gone. */
  #refresh(segment: Segment): boolean {
    const { layout, crc32, descriptors } = this.#context
    const fd = descriptors.of(segment)
    if (fd < 0) return false
    const { size, mtimeMs, nlink } = fs.fstatSync(fd)
    if (nlink === 0 || size < offsetOf(segment.slots, layout) || size > MAX_SEGMENT_BYTES) return false
    if (size === segment.size && mtimeMs === segment.changedAt) return true
    segment.size = size
    segment.changedAt = mtimeMs
    const sealedSlots = readTrailer(fd, size, segment.header, layout, crc32)
    const footer = sealedSlots === undefined ? undefined : readFooter(fd, sealedSlots, layout, crc32)
    if (footer !== undefined) {
      const { fingerprints, states } = footer
      if (states.length > segment.slots) this.numbers.claim(segment, states.length - 1)
      for (let slot = segment.slots; slot < states.length; slot++) {
        if (states[slot] !== LIVE) continue
        this.index.insert(fingerprints[2 * slot]!, fingerprints[2 * slot + 1]!, this.numbers.of(segment, slot))
      }
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
    const { layout, crc32, counters } = this.#context
    const key = this.#scanned
    let damaged = 0
    scan(fd, layout, segment.slots, slots, crc32, (slot, record, sound) => {
      if (!sound) {
        damaged++
        return
      }
      counters.damaged += damaged
      damaged = 0
      segment.slots = slot + 1
      if (record[STATE_AT] !== LIVE) return
      keyAt(record, KEY_AT, key)
      this.add(segment, slot, key.a, key.b)
    })
    if (sealed) counters.damaged += damaged
  }
}
