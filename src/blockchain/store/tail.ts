// The end of the chain, open to write by whoever holds the lock: what is appended there is on the disk, or nothing of it is left. Takes no
// lock, and answers nobody.
import * as fs from 'node:fs'
import { messageOf, OpDbusError } from '../../errors.js'
import { quietly } from '../../fs/errno.js'
import { readAt, unlink } from '../../fs/files.js'
import type { Warn } from '../../ports.js'
import type { BlockIndex } from '../ports.js'
import { keepCutOff } from './cut-off.js'
import { synced, WritableSegment, type WriteIo } from './disk.js'
import { storeError } from './faults.js'
import type { Head, HeadFile } from './head-file.js'
import { type Layout, SEGMENT_BYTES, segmentPath, syncFolder } from './layout.js'
import type { WriterLock } from './lock.js'
import type { Tip } from './tip.js'
import { startOfWalk, walk } from './walk.js'

/** What a page of memory or of the disk has at most: what shares one with what failed is written again. */
const PAGE = 65_536

export interface TailParts {
  readonly layout: Layout
  readonly lock: WriterLock
  readonly head: HeadFile
  readonly index: BlockIndex | undefined
  readonly warn: Warn
  readonly io: WriteIo
  readonly segmentBytes?: number
}

/** The lock went to another process, which nothing was written under. */
export class LostLock extends Error {}

export class Tail {
  readonly #parts: TailParts
  readonly #headFile: number
  #segment: WritableSegment | undefined
  #tip: Tip
  #isSaid = true
  #unsaid: Head | undefined
  /** The end before the last segment was begun. */
  #before: Tip | undefined

  private constructor(parts: TailParts, tip: Tip, headFile: number, segment: WritableSegment | undefined) {
    this.#parts = parts
    this.#tip = tip
    this.#headFile = headFile
    this.#segment = segment
  }

  /**
   * Sees what was appended behind `known` (all of the last segment where that is undefined), cuts off what was cut off, and says in `head`
   * where the end is. @throws OpDbusError CHAIN_DAMAGED; what the system says
   */
  static async open(parts: TailParts, known: Tip | undefined): Promise<Tail> {
    const { layout, head, lock, warn, index } = parts
    const said = head.read()
    const start = known ?? startOfWalk(layout, said)
    const { tip, torn } = await walk(layout, start, said, locations => index?.learn(locations))
    const headFile = head.openToWrite()
    let segment: WritableSegment | undefined
    try {
      const path = segmentPath(layout, tip.segment)
      segment = WritableSegment.openIfThere(path)
      const tail = new Tail(parts, tip, headFile, segment)
      let kept: string | undefined
      if (torn > 0) {
        // Without `head` nobody can tell whether whole lines were acknowledged.
        kept = keepCutOff(layout, segment!.file, tip, said !== undefined)
        if (!lock.isOurs()) throw new LostLock()
        parts.io.truncate(segment!.file, tip.bytes)
      }
      // What is whole was perhaps not on the disk yet when its writer died.
      if (torn > 0 || known === undefined || said?.size !== tip.count) await tail.#settle(start)
      head.write({ ...headOf(tip), lease: lock.id }, headFile)
      if (torn > 0) {
        const bytes = torn === 1 ? '1 byte' : `${torn} bytes`
        const where = tip.count === 0 ? 'before block 0 was whole' : `behind block ${tip.count - 1}`
        const was = torn === 1 ? 'was' : 'were'
        warn(
          kept === undefined
            ? `an append was cut off: ${bytes} ${where} ${was} removed from ${path}`
            : `${bytes} ${where} ${was} not a whole append: removed from ${path}, and kept as ${kept}`,
        )
      }
      return tail
    } catch (error) {
      quietly(() => fs.closeSync(headFile))
      segment?.close()
      throw error
    }
  }

  get tip(): Tip {
    return this.#tip
  }

  /** Where the next blocks go: into a new segment where the last is long. @throws what the system says */
  room(): Tip {
    const { layout, segmentBytes = SEGMENT_BYTES } = this.#parts
    if (this.#segment !== undefined && this.#tip.bytes < segmentBytes) return this.#tip
    const segment = this.#tip.count
    const fresh = WritableSegment.openOrMake(segmentPath(layout, segment))
    this.#segment?.close()
    this.#segment = fresh
    this.#before = this.#tip
    this.#tip = { ...this.#tip, segment, bytes: 0 }
    return this.#tip
  }

  /**
   * Behind `room`, up to `tip`. @throws OpDbusError STORE with `details.uncertain` where neither all nor nothing is sure; LostLock; what the
   * system says, with nothing of it left
   */
  async append(bytes: Buffer, tip: Tip): Promise<void> {
    const { io, lock, layout } = this.#parts
    const segment = this.#segment!
    // This process may have been suspended for as long as it takes to be taken for dead.
    if (!lock.isOurs() || segment.size() !== this.#tip.bytes) throw new LostLock()
    try {
      io.append(segment.end, bytes)
      await this.#sync()
      // A name that is not on the disk is lost with what it leads to.
      if (this.#tip.bytes === 0) syncFolder(layout.timing)
    } catch (error) {
      await this.#cutOff().catch(() => {
        throw storeError(error, 'append, nor cut off again what was written', true)
      })
      quietly(() => this.#takeBack())
      throw error
    }
    // Or right between that look and the write.
    const isInPlace = known(() => this.#isInPlace(bytes))
    if (isInPlace === false) throw strayed(segmentPath(layout, this.#tip.segment))
    if (isInPlace === undefined || !this.#isOurs()) throw uncertain()
    this.#tip = tip
    this.#isSaid = false
    if (!this.say()) this.#unsaid = { ...headOf(tip), lease: lock.id }
  }

  close(): void {
    quietly(() => fs.closeSync(this.#headFile))
    this.#segment?.close()
  }

  /** What `head` should say, where it could not be written: this process reads what it acknowledged all the same. */
  get unsaid(): Head | undefined {
    return this.#unsaid
  }

  #isOurs(): boolean {
    return known(() => this.#parts.lock.isOurs()) ?? false
  }

  /**
   * Readers go by `head` while we hold the lock; where it cannot be written, they see the blocks as soon as we let go. True where it says
   * the end.
   */
  say(): boolean {
    const { head, lock, warn, layout } = this.#parts
    if (this.#isSaid) return true
    try {
      head.write({ ...headOf(this.#tip), lease: lock.id }, this.#headFile)
      this.#isSaid = true
      this.#unsaid = undefined
    } catch (error) {
      warn(`cannot write ${layout.head}: ${messageOf(error)}`, error, 'chain head')
    }
    return this.#isSaid
  }

  async #sync(): Promise<void> {
    const { io, warn, layout } = this.#parts
    const errno = await synced(io, this.#segment!.file)
    if (errno === undefined) return
    warn(
      `the file system of ${layout.dir} does not sync (${errno}): a loss of power may take blocks`,
      undefined,
      'chain sync',
    )
  }

  /** All that lies behind `start` is on the disk, and the names that lead there. */
  async #settle(start: Tip): Promise<void> {
    const { layout } = this.#parts
    if (this.#segment !== undefined) {
      const from = start.segment === this.#tip.segment ? start.bytes : 0
      // A page that could not be written counts as clean afterwards: only what is written over is tried again.
      await this.#sync().catch(() => this.#writeOver(from))
    }
    syncFolder(layout.timing)
    syncFolder(layout.dir)
  }

  /** A segment that nothing came into is none. */
  #takeBack(): void {
    const segment = this.#segment!
    if (this.#tip.bytes > 0 || this.#before === undefined || segment.size() > 0 || !this.#isOurs()) return
    unlink(segmentPath(this.#parts.layout, this.#tip.segment))
    segment.close()
    this.#segment = undefined
    this.#tip = this.#before
  }

  /** Whether what was written stands where it belongs; behind it may be more by now. */
  #isInPlace(bytes: Buffer): boolean {
    const segment = this.#segment!
    const from = this.#tip.bytes
    if (segment.size() === from + bytes.length) return true
    const there = Buffer.allocUnsafe(bytes.length)
    return readAt(segment.file, there, from) === bytes.length && there.equals(bytes)
  }

  /** Puts what is there from `from` on to the disk once more, and looks whether it is what it was. */
  async #writeOver(from: number): Promise<void> {
    const { io } = this.#parts
    const segment = this.#segment!
    const { file } = segment
    const bytes = Buffer.allocUnsafe(this.#tip.bytes - from)
    readAt(file, bytes, from)
    // What another process appended, which took the chain over, is not ours to cut off.
    if (!this.#isOurs()) throw uncertain()
    io.truncate(file, this.#tip.bytes)
    io.write(file, bytes, from)
    await this.#sync()
    const there = Buffer.allocUnsafe(bytes.length)
    readAt(file, there, from)
    if (segment.size() !== this.#tip.bytes || !there.equals(bytes)) {
      throw new OpDbusError(
        'STORE',
        `${segmentPath(this.#parts.layout, this.#tip.segment)} is not what was written there`,
      )
    }
  }

  #cutOff(): Promise<void> {
    return this.#writeOver(Math.max(0, this.#tip.bytes - PAGE))
  }
}

/** With blocks on the disk, a look that fails is no failure of theirs: undefined then, for nobody can tell. */
function known<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}

function headOf({ count, hash, segment, bytes }: Tip): Omit<Head, 'lease'> {
  return { size: count, hash, segment, bytes }
}

/** Found by whoever looks at the chain, and never served: no block of another process was written over. */
function strayed(path: string): OpDbusError {
  return new OpDbusError(
    'STORE',
    `this process was stopped for so long that another one took the chain over, and what it wrote then stands behind the blocks of the other in ${path}\nthe chain is damaged there: op-dbus blockchain verify says where`,
    { details: { file: path, uncertain: true } },
  )
}

function uncertain(): OpDbusError {
  return new OpDbusError(
    'STORE',
    'another process may have taken the chain over while this one wrote, or the disk did not say\nwhat was appended may be there or not: look at the end of the chain before you try again',
    { details: { uncertain: true } },
  )
}
