// The store itself: the Store contract over a folder of segments and the writer of one of them.
import * as fs from 'node:fs'
import * as path from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { abortError, OpDbusError } from '../../errors.js'
import { asStoreError, guarded } from '../../fs/errno.js'
import { mayWrite } from '../../fs/folders.js'
import type { Call, Key } from '../../ports.js'
import type { SegmentCounters, SegmentOptions, SegmentStore } from '../segments.js'
import { Descriptors } from './descriptors.js'
import { makeRoom } from './evict.js'
import { SpaceFolder } from './folder.js'
import {
  footerBytes,
  HEADER_BYTES,
  KEY_AT,
  LIVE,
  layoutOf,
  MAX_SEGMENT_BYTES,
  MAX_VALUE_BYTES,
  offsetOf,
  RECORD_HEAD,
  STATE_AT,
} from './format.js'
import { mergeSmall } from './merge.js'
import { keyText, newProbe, type Probe, parseKey, probeBytes } from './probe.js'
import { clearSpaces, SPACE_FORMAT } from './spaces.js'
import { tidy } from './tidy.js'
import { emptyReport, type VerifyReport, verifyFolder } from './verify.js'
import { Writer } from './writer.js'

/** How long `getMany` and `list` keep the thread before the event loop gets a turn, ms. */
const TURN_MS = 5

export class Segments implements SegmentStore {
  readonly name = 'segments'
  readonly counters: SegmentCounters = { corrupt: 0, evicted: 0, reinserted: 0, merged: 0 }
  readonly #options: SegmentOptions
  readonly #path: string
  readonly #descriptors = new Descriptors()
  readonly #folder: SpaceFolder
  readonly #writer: Writer
  readonly #probe: Probe = newProbe()
  #begun = false
  #closed = false
  /** Everything known was dropped, and nobody was told yet. */
  #cleared = false

  constructor(options: SegmentOptions) {
    const { dir, hash, clock, crc32, dims, valueBytes, budgetBytes } = options
    const space = hash.sha256(options.space).slice(0, 32)
    const layout = layoutOf(checked('valueBytes', valueBytes, 1, MAX_VALUE_BYTES), space, crc32)
    checked('dims', dims, 0, MAX_VALUE_BYTES)
    const smallest = HEADER_BYTES + layout.recordBytes + footerBytes(1)
    checked('budgetBytes', budgetBytes, smallest, Number.MAX_SAFE_INTEGER)
    const segmentBytes = Math.max(smallest, Math.min(Math.floor(budgetBytes / 16), MAX_SEGMENT_BYTES))
    this.#options = options
    this.#path = path.join(dir, space.slice(0, 16))
    const parts = { dir, path: this.#path, layout, segmentBytes, budgetBytes, hash, clock, crc32 }
    const descriptors = this.#descriptors
    const folder = new SpaceFolder({
      ...parts,
      space,
      descriptors,
      onCorrupt: () => this.counters.corrupt++,
      onReset: () => {
        this.#cleared = true
        this.#writer.forget()
      },
    })
    const writer = new Writer({
      ...parts,
      header: { dims, valueBytes, space },
      folder,
      descriptors,
      warn: options.warn,
      spaceFile: () => this.#spaceFile(),
      onBegin: () => {
        tidy(parts)
        this.counters.merged += mergeSmall({ ...parts, folder, writer, descriptors })
      },
      makeRoom: bytes => {
        const { evicted, reinserted } = makeRoom(bytes, { ...parts, folder, writer, descriptors })
        this.counters.evicted += evicted
        this.counters.reinserted += reinserted
      },
    })
    this.#folder = folder
    this.#writer = writer
  }

  getSync(key: Key): Uint8Array | undefined {
    this.#enter()
    this.#parse(key, this.#probe)
    try {
      return this.#get()
    } catch (error) {
      throw asStoreError(error, this.#path)
    }
  }

  async getMany(keys: readonly Key[], call?: Call): Promise<(Uint8Array | undefined)[]> {
    this.#enter(call)
    for (const key of keys) this.#parse(key, this.#probe)
    const values: (Uint8Array | undefined)[] = []
    let turn = this.#options.clock.monotonic()
    for (const key of keys) {
      values.push(this.getSync(key))
      if (this.#options.clock.monotonic() - turn < TURN_MS) continue
      await setImmediate()
      this.#enter(call)
      turn = this.#options.clock.monotonic()
    }
    return values
  }

  async setMany(items: readonly (readonly [Key, Uint8Array])[], call?: Call): Promise<void> {
    this.#enter(call)
    const { valueBytes } = this.#options
    for (const [key, value] of items) {
      this.#parse(key, this.#probe)
      if (value.length !== valueBytes) {
        throw new OpDbusError('INVALID_INPUT', `a value of ${value.length} bytes in a store of ${valueBytes}`)
      }
    }
    this.#guard(() => {
      this.#look()
      // So that nothing set after a clear, by whichever process, goes the way of what was set before it.
      this.#writer.stillOurs()
      for (const [key, value] of items) {
        this.#parse(key, this.#probe)
        this.#supersede(this.#probe)
        this.#writer.prepare()
        this.#writer.append(this.#probe, value)
      }
    })
  }

  async deleteMany(keys: readonly Key[]): Promise<number> {
    this.#enter()
    for (const key of keys) this.#parse(key, this.#probe)
    return this.#guard(() => {
      this.#writer.killSuperseded()
      const found = new Set<Key>()
      // Whoever copies records (a merge, an eviction) looks again after its copies are there, and so do we after marking.
      for (let news = true; news; ) {
        this.#folder.look()
        news = false
        for (const key of keys) {
          if (!this.#kill(key)) continue
          found.add(key)
          news = true
        }
      }
      return found.size
    })
  }

  async *list(): AsyncIterable<{ key: Key; bytes: number }> {
    this.#enter()
    this.#guard(() => this.#folder.look())
    const bytes = this.#options.valueBytes
    const probe = newProbe()
    const head = new Uint8Array(RECORD_HEAD)
    // The records of now, by segment: numbers may be given out again while the caller thinks.
    const records = Array.from(this.#folder.index.numbers(), number => ({
      number,
      segment: this.#folder.segmentOf(number)!,
      slot: this.#folder.slotOf(number),
    }))
    let turn = this.#options.clock.monotonic()
    for (const { number, segment, slot } of records) {
      if (segment.gone) continue
      if (this.#guard(() => segment.readHead(slot, head))) {
        probeBytes(head, KEY_AT, probe)
        if (head[STATE_AT] !== LIVE) this.#folder.index.remove(probe.a, probe.b, number)
        // Of several records of one key the newest speaks; a key that the index does not know here is a damaged one.
        else if (this.#folder.candidates(probe)[0] === number) yield { key: keyText(probe) as Key, bytes }
      } else {
        this.#folder.lost(segment)
      }
      this.#enter()
      if (this.#options.clock.monotonic() - turn < TURN_MS) continue
      await setImmediate()
      this.#enter()
      turn = this.#options.clock.monotonic()
    }
  }

  async size(): Promise<{ entries: number; bytes: number }> {
    this.#enter()
    this.#guard(() => this.#folder.look())
    let bytes = 0
    for (const segment of this.#folder.segments.values()) {
      bytes += segment.tail === undefined ? segment.size : offsetOf(segment.slots, segment.layout)
    }
    return { entries: this.#folder.index.distinct, bytes }
  }

  async clear(): Promise<void> {
    this.#enter()
    this.#guard(() => {
      clearSpaces(this.#options.dir, this.#options.hash)
      // The new epoch is ours: it is no news.
      this.#folder.checkEpoch()
      this.#folder.reset()
      this.#cleared = false
    })
  }

  clearedElsewhere(): boolean {
    if (this.#begun) this.#guard(() => this.#folder.checkEpoch())
    const cleared = this.#cleared
    this.#cleared = false
    return cleared
  }

  flushSync(): void {
    if (!this.#closed) this.#guard(() => this.#writer.flush())
  }

  async verify(): Promise<VerifyReport> {
    this.#enter()
    this.flushSync()
    const report = emptyReport()
    await verifyFolder(this.#options.dir, this.#path, this.#options.crc32, report)
    return report
  }

  async close(): Promise<void> {
    if (this.#closed) return
    try {
      this.#guard(() => this.#writer.seal())
    } finally {
      this.#closed = true
      this.#folder.reset()
    }
  }

  #enter(call?: Call): void {
    if (this.#closed) throw new OpDbusError('CLOSED', 'the segment store is closed')
    if (call?.signal?.aborted) throw abortError(call.signal)
  }

  #parse(key: Key, probe: Probe): void {
    if (!parseKey(key, probe)) {
      throw new OpDbusError('INVALID_INPUT', `not a key of 64 hex digits: ${JSON.stringify(key)}`)
    }
  }

  #guard<T>(action: () => T): T {
    return guarded(this.#path, action)
  }

  #look(): void {
    if (!this.#begun) this.#checkSafety()
    this.#begun = true
    this.#folder.lookIfDue()
  }

  /** The value of the key in the probe. A folder that cannot be looked at still serves what is known. */
  #get(): Uint8Array | undefined {
    let blind: unknown
    try {
      this.#look()
    } catch (error) {
      blind = error
    }
    const record = this.#folder.find(this.#probe)
    if (record !== undefined) return record.slice(RECORD_HEAD, RECORD_HEAD + this.#options.valueBytes)
    if (blind !== undefined) throw blind
    return undefined
  }

  /** Takes the older records of a key that is written again out of the index, to be marked dead once the newer one is safe. */
  #supersede(probe: Probe): void {
    for (const number of this.#folder.candidates(probe)) {
      const segment = this.#folder.segmentOf(number)
      if (segment === undefined) continue
      const slot = this.#folder.slotOf(number)
      if (this.#folder.verified(segment, slot, number, probe) === undefined) continue
      this.#folder.index.remove(probe.a, probe.b, number)
      this.#writer.supersede(segment, slot)
    }
  }

  /** Marks every record of a key dead that the index knows. True if there was one. */
  #kill(key: Key): boolean {
    this.#parse(key, this.#probe)
    let there = false
    for (const number of [...this.#folder.candidates(this.#probe)]) {
      const segment = this.#folder.segmentOf(number)
      if (segment === undefined) continue
      const slot = this.#folder.slotOf(number)
      if (this.#folder.verified(segment, slot, number, this.#probe) === undefined) continue
      this.#writer.kill(segment, slot)
      this.#folder.index.remove(this.#probe.a, this.#probe.b, number)
      there = true
    }
    return there
  }

  #spaceFile(): string {
    const { space, description } = this.#options
    return `${JSON.stringify({ format: SPACE_FORMAT, space, ...description }, null, 2)}\n`
  }

  /** Others who may write into the folder could hand us vectors. We only say so: the folder is the user's choice. */
  #checkSafety(): void {
    const { dir, warn } = this.#options
    const stat = fs.statSync(dir, { throwIfNoEntry: false })
    const me = process.getuid?.()
    if (stat === undefined || me === undefined) return
    const foreign = `the cache folder ${dir} belongs to another user (${stat.uid})`
    if ((stat.mode & 0o022) !== 0) warn(`others may write into the cache folder ${dir}: chmod go-w makes it safe`)
    else if (stat.uid === me || stat.uid === 0) return
    else if (mayWrite(dir)) warn(foreign)
    // What the first write will say is said here as well.
    else {
      const message = `${foreign} and may only be read: nothing new is kept on disk`
      warn(message, new OpDbusError('STORE', message, { details: { dir, errno: 'EACCES' } }))
    }
  }
}

function checked(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw new OpDbusError('INVALID_INPUT', `${name} must be a whole number from ${least} to ${most}, not ${value}`)
}
