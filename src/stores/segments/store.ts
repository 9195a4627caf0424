// The store itself: the Store contract over a folder of segments and the writer of one of them.
import * as fs from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { abortError, OpDbusError } from '../../errors.js'
import { asStoreError, guarded } from '../../fs/errno.js'
import { mayWrite } from '../../fs/folders.js'
import type { CallOptions, Key, LentMemory, Store, StoreCounters } from '../../ports.js'
import { type SegmentOptions, type SpaceContext, spaceContext } from './context.js'
import { SpaceFolder } from './folder.js'
import { KEY_AT, LIVE, offsetOf, RECORD_HEAD, STATE_AT } from './format.js'
import { PackedKeys } from './packed-keys.js'
import { keyAt, keyText, newParsedKey, type ParsedKey, parseKey } from './parsed-key.js'
import { BLOCK_KEYS } from './runs.js'
import type { Segment } from './segment.js'
import { clearSpaces } from './space-files.js'
import { emptyReport, type VerifyReport, verifyFolder } from './verify.js'
import { Writer } from './writer.js'

/** How long `getMany` and `list` keep the thread before the event loop goes on, ms. */
const YIELD_MS = 5
/** Keys that `getMany` looks up at first without a look at the clock. */
const FIRST_PART = 16

export interface SegmentStore extends Store {
  /** The value, at an offset that 4 divides. Throws STORE where the folder cannot be read, CLOSED. */
  getSync(key: Key): Uint8Array | undefined
  getManySync(keys: readonly Key[], lent?: LentMemory): (Uint8Array | undefined)[]
  /**
   * Of keys that are packed, 32 bytes each, where the record of each lies, for who reads many: in the order of these numbers they lie in the
   * files. 0: there is none. Good for the order alone, and soon out of date. Reads no record.
   */
  placesOf(packed: Uint8Array): Float64Array
  /** Of the keys that are packed, visits those at the places `from <= i < to` of `which`, at most 1,024. Returns whether all are there. */
  visitPackedSync(...asked: Parameters<PackedKeys['visit']>): boolean
  /** Whether what a read would find now is what was visited as `row`. False as well where that cannot be told. Reads a few bytes. */
  stands(key: Key, row: Uint8Array): boolean
  /** What the rows that are visited look like. */
  readonly packedRow: PackedKeys['row']
  /** Writes what is buffered, at once: for the exit of a process. Throws STORE. */
  flushSync(): void
  /** Reads everything there is in this space. */
  verify(): Promise<VerifyReport>
  readonly counters: Readonly<StoreCounters>
}

export class Segments implements SegmentStore {
  readonly name = 'segments'
  readonly #context: SpaceContext
  readonly #folder: SpaceFolder
  readonly #writer: Writer
  readonly #key: ParsedKey = newParsedKey()
  /** Those of a block, made as they are needed and used again. */
  readonly #keys: ParsedKey[] = []
  readonly #packed: PackedKeys
  #begun = false
  #closed = false

  constructor(options: SegmentOptions) {
    this.#context = spaceContext(options)
    this.#folder = new SpaceFolder(this.#context)
    this.#packed = new PackedKeys(this.#context, this.#folder)
    this.#writer = new Writer(this.#context, this.#folder)
  }

  get counters(): Readonly<StoreCounters> {
    return this.#context.counters
  }

  getSync(key: Key): Uint8Array | undefined {
    this.#enter()
    this.#parse(key)
    try {
      return this.#get()
    } catch (error) {
      throw asStoreError(error, this.#context.path)
    }
  }

  getManySync(keys: readonly Key[], lent?: LentMemory): (Uint8Array | undefined)[] {
    this.#enter()
    try {
      return this.#getMany(keys, lent)
    } catch (error) {
      throw asStoreError(error, this.#context.path)
    }
  }

  placesOf(packed: Uint8Array): Float64Array {
    this.#enter()
    return this.#guard(() => {
      this.#look()
      return this.#packed.places(packed)
    })
  }

  get packedRow(): PackedKeys['row'] {
    return this.#packed.row
  }

  visitPackedSync(...asked: Parameters<PackedKeys['visit']>): boolean {
    this.#enter()
    return this.#guard(() => {
      const blind = this.#lookOrSay()
      const all = this.#packed.visit(...asked)
      if (!all && blind !== undefined) throw blind
      return all
    })
  }

  stands(key: Key, row: Uint8Array): boolean {
    try {
      this.#look()
      this.#parse(key)
      return this.#packed.stands(this.#key, row)
    } catch {
      // Who reads hears what is wrong.
      return false
    }
  }

  async getMany(keys: readonly Key[], call?: CallOptions): Promise<(Uint8Array | undefined)[]> {
    this.#enter(call)
    const { clock } = this.#context
    const values: (Uint8Array | undefined)[] = []
    let since = clock.monotonic()
    for (let part = FIRST_PART; values.length < keys.length; ) {
      const began = clock.monotonic()
      for (const value of this.getManySync(keys.slice(values.length, values.length + part))) values.push(value)
      const now = clock.monotonic()
      // A cold disk takes a hundred times as long as a warm one.
      if (now - began < YIELD_MS / 4) part = Math.min(part * 2, BLOCK_KEYS)
      else if (now - began > YIELD_MS / 2) part = Math.max(1, Math.floor(part / 4))
      if (now - since < YIELD_MS) continue
      await setImmediate()
      this.#enter(call)
      since = clock.monotonic()
    }
    return values
  }

  async setMany(items: readonly (readonly [Key, Uint8Array])[], call?: CallOptions): Promise<void> {
    this.#enter(call)
    const { valueBytes } = this.#context.layout
    // All are checked before any is written.
    const keys = items.length <= BLOCK_KEYS ? this.#keys : []
    for (let number = 0; number < items.length; number++) {
      const [key, value] = items[number]!
      keys[number] ??= newParsedKey()
      this.#parse(key, keys[number]!)
      if (value.length !== valueBytes) {
        throw new OpDbusError('INVALID_INPUT', `a value of ${value.length} bytes in a store of ${valueBytes}`)
      }
    }
    this.#guard(() => {
      this.#look()
      // So that nothing set after a clear, by whichever process, goes the way of what was set before it.
      this.#writer.stillOurs()
      for (let i = 0; i < items.length; i++) {
        const key = keys[i]!
        // The older records are marked dead once the newer one is safe.
        this.#folder.takeOut(key, this.#supersede)
        this.#writer.prepare()
        this.#writer.append(key, items[i]![1])
      }
    })
  }

  async deleteMany(keys: readonly Key[]): Promise<number> {
    this.#enter()
    for (const key of keys) this.#parse(key)
    return this.#guard(() => {
      this.#writer.tombstoneSuperseded()
      const found = new Set<Key>()
      // Whoever copies records (a merge, an eviction) looks again after its copies are there, and so do we after marking.
      for (let news = true; news; ) {
        this.#folder.look()
        news = false
        for (const key of keys) {
          this.#parse(key)
          this.#folder.takeOut(this.#key, (segment, slot) => {
            this.#writer.tombstone(segment, slot)
            found.add(key)
            news = true
          })
        }
      }
      return found.size
    })
  }

  async *list(): AsyncIterable<{ key: Key; bytes: number }> {
    this.#enter()
    this.#guard(() => this.#folder.look())
    const bytes = this.#context.layout.valueBytes
    const key = newParsedKey()
    const head = new Uint8Array(RECORD_HEAD)
    // The records of now, by segment: numbers may be given out again while the caller thinks.
    const records = Array.from(this.#folder.index.numbers(), number => ({
      number,
      segment: this.#folder.numbers.segmentOf(number)!,
      slot: this.#folder.numbers.slotOf(number),
    }))
    let since = this.#context.clock.monotonic()
    for (const { number, segment, slot } of records) {
      if (segment.gone) continue
      if (this.#guard(() => segment.readHead(slot, head))) {
        keyAt(head, KEY_AT, key)
        if (head[STATE_AT] !== LIVE) this.#folder.index.remove(key.a, key.b, number)
        // Of several records of one key only the newest counts. Where the index has none for it, the key itself is damaged.
        else if (this.#folder.candidates(key)[0] === number) yield { key: keyText(key) as Key, bytes }
      } else {
        this.#folder.lost(segment)
      }
      this.#enter()
      if (this.#context.clock.monotonic() - since < YIELD_MS) continue
      await setImmediate()
      this.#enter()
      since = this.#context.clock.monotonic()
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
      clearSpaces(this.#context.dir, this.#context.hash)
      // We began the new epoch ourselves, so nobody has to be told.
      this.#folder.checkEpoch()
      this.#folder.reset()
      this.#folder.wasReset = false
    })
  }

  clearedElsewhere(): boolean {
    if (this.#begun) this.#guard(() => this.#folder.checkEpoch())
    const cleared = this.#folder.wasReset
    this.#folder.wasReset = false
    return cleared
  }

  flushSync(): void {
    if (!this.#closed) this.#guard(() => this.#writer.flush())
  }

  async verify(): Promise<VerifyReport> {
    this.#enter()
    this.flushSync()
    const report = emptyReport()
    const { dir, path, crc32 } = this.#context
    await verifyFolder(dir, path, crc32, report)
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

  #enter(call?: CallOptions): void {
    if (this.#closed) throw new OpDbusError('CLOSED', 'the segment store is closed')
    if (call?.signal?.aborted) throw abortError(call.signal)
  }

  #parse(key: Key, parsed: ParsedKey = this.#key): void {
    if (!parseKey(key, parsed)) {
      throw new OpDbusError('INVALID_INPUT', `not a key of 64 hex digits: ${JSON.stringify(key)}`)
    }
  }

  #guard<T>(action: () => T): T {
    return guarded(this.#context.path, action)
  }

  #look(): void {
    if (!this.#begun) this.#checkSafety()
    this.#begun = true
    this.#folder.lookIfDue()
  }

  /** The value of the key that was parsed. */
  #get(): Uint8Array | undefined {
    const blind = this.#lookOrSay()
    const value = this.#folder.find(this.#key)
    if (value === undefined && blind !== undefined) throw blind
    return value
  }

  #getMany(keys: readonly Key[], lent?: LentMemory): (Uint8Array | undefined)[] {
    const values = new Array<Uint8Array | undefined>(keys.length).fill(undefined)
    let blind: unknown
    for (let at = 0; at < keys.length; at += BLOCK_KEYS) {
      const count = Math.min(BLOCK_KEYS, keys.length - at)
      for (let i = 0; i < count; i++) {
        this.#keys[i] ??= newParsedKey()
        this.#parse(keys[at + i]!, this.#keys[i])
      }
      blind = this.#lookOrSay()
      this.#folder.findMany(this.#keys, count, values, at, lent)
    }
    if (blind !== undefined && values.includes(undefined)) throw blind
    return values
  }

  /** Looks at the folder, or returns what the system said: a folder that cannot be looked at still serves what is known. */
  #lookOrSay(): unknown {
    try {
      this.#look()
      return undefined
    } catch (error) {
      return error
    }
  }

  readonly #supersede = (segment: Segment, slot: number): void => this.#writer.supersede(segment, slot)

  /** Others who may write into the folder could hand us vectors. We only say so: the folder is the user's choice. */
  #checkSafety(): void {
    const { dir, warn } = this.#context
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
