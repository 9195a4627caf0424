// Appends: takes the right to, sees what others appended, and writes what waits with one sync for all. What fails is cut off again, and
// whoever is answered has its blocks on the disk. Serves no reader.
import * as fs from 'node:fs'
import { abortError, messageOf, OpDbusError } from '../../errors.js'
import { errnoOf, NO_SYNC, quietly } from '../../fs/errno.js'
import { openToWrite, readAt, writeAt } from '../../fs/files.js'
import { namesIn } from '../../fs/folders.js'
import type { Clock, Timer, Warn } from '../../ports.js'
import type { Block, Draft } from '../block.js'
import { lineOf, lineText } from '../line.js'
import type { BlockIndex, Location, WriteCall } from '../ports.js'
import { storeError } from './faults.js'
import type { HeadFile } from './head-file.js'
import { type Layout, makeLayout, SEGMENT_BYTES, segmentPath, syncFolder } from './layout.js'
import type { WriterLock } from './lock.js'
import type { Rewrites } from './rewrites.js'
import { startOfLast, type Tip, walk } from './walk.js'

/** For how long the right to append is kept while nothing comes, and how often it is looked whether another process wants it. */
const LINGER_MS = 20
const LOOK_MS = 4
/** Blocks of one write, but for a call that has more. */
const GROUP_BLOCKS = 4096

/** What touches the disk in an append, so that a test can have it fail. */
export interface WriteIo {
  write(fd: number, bytes: Uint8Array, position: number): void
  sync(fd: number): Promise<void>
  truncate(fd: number, length: number): void
}

export const DISK: WriteIo = {
  write: writeAt,
  sync: fd => new Promise((resolve, reject) => fs.fdatasync(fd, error => (error ? reject(error) : resolve()))),
  truncate: (fd, length) => fs.ftruncateSync(fd, length),
}

export interface WriterParts {
  readonly layout: Layout
  readonly lock: WriterLock
  readonly head: HeadFile
  readonly rewrites: Rewrites
  readonly index: BlockIndex | undefined
  readonly clock: Clock
  readonly warn: Warn
  /** Keeps no process alive. */
  readonly quietTimer: Timer
  readonly io: WriteIo
  readonly segmentBytes?: number
  /** Told of blocks that are on the disk. */
  readonly appended: (blocks: readonly Block[]) => void
}

interface Waiting {
  readonly drafts: readonly Draft[]
  /** In place of an append: runs alone. */
  readonly work?: () => Promise<void>
  readonly call: WriteCall
  readonly resolve: (blocks: readonly Block[]) => void
  readonly reject: (error: unknown) => void
  /** Ends listening to its signal. */
  leave: () => void
}

/** The lease: the right to append, and what is open while we have it. */
interface Lease {
  readonly tip: Tip
  readonly head: number
  /** Of the segment of `tip`; undefined before the first. */
  readonly file: number | undefined
}

export class ChainWriter {
  readonly #parts: WriterParts
  #queue: Waiting[] = []
  #pumping: Promise<void> | undefined
  #lease: Lease | undefined
  /** The end as this process knew it when it let go last; undefined where all of the last segment is to be looked at. */
  #known: { tip: Tip; word: string } | undefined
  #cancelLinger: (() => void) | undefined
  /** Ends the wait for another process once nobody waits for us any more. */
  #waitingForLock: AbortController | undefined
  #waitedFor: string | undefined
  #closed = false

  constructor(parts: WriterParts) {
    this.#parts = parts
  }

  append(drafts: readonly Draft[], call: WriteCall): Promise<readonly Block[]> {
    return this.#enqueue({ drafts, call })
  }

  async exclusively<T>(work: () => Promise<T>, call: WriteCall): Promise<T> {
    let answer: { value: T } | undefined
    await this.#enqueue({
      drafts: [],
      call,
      work: async () => {
        answer = { value: await work() }
      },
    })
    return answer!.value
  }

  /** How many blocks are on the disk, while nobody but us can append. */
  get acknowledged(): number | undefined {
    return this.#lease?.tip.count
  }

  /** Waits for what was asked before. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#pumping
    this.#leave()
  }

  #enqueue(asked: Pick<Waiting, 'drafts' | 'call' | 'work'>): Promise<readonly Block[]> {
    return new Promise((resolve, reject) => {
      const { signal } = asked.call
      if (this.#closed) throw new OpDbusError('CLOSED', 'the chain is closed')
      if (signal?.aborted) throw abortError(signal)
      const waiting: Waiting = { ...asked, resolve, reject, leave: () => {} }
      if (signal !== undefined) {
        const abort = () => this.#abort(waiting, signal)
        signal.addEventListener('abort', abort, { once: true })
        waiting.leave = () => signal.removeEventListener('abort', abort)
      }
      this.#queue.push(waiting)
      if (this.#waitedFor !== undefined) asked.call.onWait?.(this.#waitedFor)
      this.#pumping ??= this.#pump().finally(() => {
        this.#pumping = undefined
      })
    })
  }

  /** Before its turn alone: what is being written ends first. */
  #abort(waiting: Waiting, signal: AbortSignal): void {
    const at = this.#queue.indexOf(waiting)
    if (at < 0) return
    this.#queue.splice(at, 1)
    waiting.leave()
    waiting.reject(abortError(signal))
    if (this.#queue.length === 0) this.#waitingForLock?.abort()
  }

  /** Never rejects. */
  async #pump(): Promise<void> {
    this.#cancelLinger?.()
    // Calls of this turn come together.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      try {
        await this.#takeLock()
        if (this.#queue.length === 0) break
        if (this.#queue[0]!.work !== undefined) await this.#runAlone(this.#queue.shift()!)
        else {
          this.#lease ??= await this.#enter()
          await this.#commit(this.#lease, this.#takeGroup())
        }
      } catch (error) {
        this.#forget()
        for (const { leave, reject } of this.#queue.splice(0)) {
          leave()
          reject(storeError(error, `append to the chain in ${this.#parts.layout.dir}`))
        }
      }
      if (this.#parts.lock.isHeld && this.#parts.lock.isWanted()) this.#leave()
    }
    this.#linger(LINGER_MS)
  }

  async #takeLock(): Promise<void> {
    const { lock, layout } = this.#parts
    if (lock.isHeld) return
    makeLayout(layout)
    const controller = new AbortController()
    this.#waitingForLock = controller
    try {
      await lock.acquire(controller.signal, who => {
        if (this.#waitedFor !== undefined) return
        this.#waitedFor = who
        for (const { call } of this.#queue) call.onWait?.(who)
      })
    } catch (error) {
      if (!controller.signal.aborted) throw error
    } finally {
      this.#waitingForLock = undefined
      this.#waitedFor = undefined
    }
  }

  async #runAlone(waiting: Waiting): Promise<void> {
    waiting.leave()
    this.#forget(true)
    try {
      await waiting.work!()
      waiting.resolve([])
    } catch (error) {
      waiting.reject(error)
    } finally {
      this.#forget(true)
    }
  }

  /** Sees what others did, cuts off what was cut off, and says in `head` where the end is. @throws OpDbusError CHAIN_DAMAGED; errors of the system */
  async #enter(): Promise<Lease> {
    const { layout, head, lock, warn, rewrites, index, io } = this.#parts
    lock.tidy(namesIn(layout.dir), layout.dir)
    const word = rewrites.word()
    const before = this.#known?.word === word ? this.#known.tip : undefined
    this.#known = undefined
    const said = head.read()
    const start = before ?? startOfLast(layout)
    const { tip, torn } = await walk(layout, start, said, locations => index?.learn(locations))
    const headFile = head.openToWrite()
    let file: number | undefined
    try {
      const path = segmentPath(layout, tip.segment)
      file = openSegmentToWrite(path)
      if (file !== undefined && torn > 0) {
        io.truncate(file, tip.bytes)
        warn(
          `the end of ${path} was an append that was cut off: ${torn} bytes of it were removed, and ${tip.count} blocks are there`,
        )
      }
      // What is whole was perhaps not on the disk yet when its writer died.
      if (file !== undefined && (torn > 0 || before === undefined || said?.size !== tip.count)) {
        await this.#syncAgain(file, start, tip)
        syncFolder(layout.timing)
        syncFolder(layout.dir)
      }
      if (said !== undefined && said.size > tip.count) {
        warn(
          `${said.size - tip.count} blocks behind block ${tip.count - 1} were on the disk before, and are not there any more`,
        )
      }
      head.write({ ...headOf(tip), lease: lock.id }, headFile)
      return { tip, head: headFile, file }
    } catch (error) {
      quietly(() => fs.closeSync(headFile))
      if (file !== undefined) quietly(() => fs.closeSync(file!))
      throw error
    }
  }

  /** A page that could not be written counts as clean afterwards: it is written over with what it holds before it is tried again. */
  async #syncAgain(file: number, start: Tip, tip: Tip): Promise<void> {
    try {
      await this.#sync(file)
    } catch {
      const from = start.segment === tip.segment ? start.bytes : 0
      const bytes = Buffer.allocUnsafe(Math.max(0, tip.bytes - from))
      readAt(file, bytes, from)
      this.#parts.io.write(file, bytes, from)
      await this.#sync(file)
    }
  }

  async #sync(file: number): Promise<void> {
    try {
      await this.#parts.io.sync(file)
    } catch (error) {
      const errno = errnoOf(error) ?? ''
      if (!NO_SYNC.includes(errno)) throw error
      this.#parts.warn(
        `the file system of ${this.#parts.layout.dir} does not sync (${errno}): a loss of power may take blocks`,
        error,
        'chain sync',
      )
    }
  }

  /** Calls that came first, as many as fit into one write. */
  #takeGroup(): Waiting[] {
    let end = 0
    for (
      let drafts = 0;
      end < this.#queue.length && this.#queue[end]!.work === undefined && drafts < GROUP_BLOCKS;
      end++
    ) {
      drafts += this.#queue[end]!.drafts.length
    }
    return this.#queue.splice(0, end)
  }

  /** Answers every call of the group. */
  async #commit(lease: Lease, group: readonly Waiting[]): Promise<void> {
    for (const { leave } of group) leave()
    try {
      const now = this.#rolled(lease)
      const { blocks, text, locations, answers } = this.#build(group, now.tip)
      if (blocks.length > 0) {
        const bytes = Buffer.from(text)
        await this.#write(now, bytes)
        const tip: Tip = {
          segment: now.tip.segment,
          bytes: now.tip.bytes + bytes.length,
          count: now.tip.count + blocks.length,
          hash: blocks.at(-1)!.hash,
        }
        this.#lease = { ...now, tip }
        this.#say(tip, now.head)
      }
      for (const [waiting, own] of answers) waiting.resolve(own)
      if (blocks.length === 0) return
      this.#parts.index?.learn(locations)
      this.#parts.appended(blocks)
    } catch (error) {
      const said = storeError(error, `append to the chain in ${this.#parts.layout.dir}`)
      for (const { reject } of group) reject(said)
      if ((said as OpDbusError).details?.uncertain) this.#forget()
    }
  }

  /** Lines of all calls, one behind the other. A call whose block is too long fails alone. */
  #build(group: readonly Waiting[], { count, hash, segment, bytes }: Tip) {
    const answers: [Waiting, readonly Block[]][] = []
    const blocks: Block[] = []
    let previous = hash
    for (const waiting of group) {
      const own: Block[] = []
      try {
        let last = previous
        for (const draft of waiting.drafts) {
          const place = {
            number: count + blocks.length + own.length,
            previous: last,
            timestamp: this.#parts.clock.now(),
          }
          const { block } = lineOf(draft, place)
          own.push(block)
          last = block.hash
        }
        previous = last
        for (const block of own) blocks.push(block)
        answers.push([waiting, Object.freeze(own)])
      } catch (error) {
        waiting.reject(error)
      }
    }
    const locations: Location[] = []
    let text = ''
    let offset = bytes
    blocks.forEach((block, at) => {
      const line = lineText(block, blocks.length - 1 - at)
      const length = Buffer.byteLength(line)
      locations.push({ number: block.number, hash: block.hash, segment, offset, bytes: length - 1 })
      offset += length
      text += line
    })
    return { answers, blocks, text, locations }
  }

  /** All of it on the disk, or nothing of it. @throws OpDbusError STORE (`details.uncertain` where neither is sure) */
  async #write({ tip, file }: Lease, bytes: Buffer): Promise<void> {
    const { io, lock, layout } = this.#parts
    if (!lock.isOurs() || fs.fstatSync(file!).size !== tip.bytes) {
      this.#forget()
      throw new OpDbusError(
        'STORE',
        'another process took the chain over while this one did not run: nothing was appended\ntry again',
      )
    }
    try {
      io.write(file!, bytes, tip.bytes)
      await this.#sync(file!)
      // A name that is not on the disk is lost with what it leads to.
      if (tip.bytes === 0) syncFolder(layout.timing)
    } catch (error) {
      await this.#cutOff(file!, tip).catch(() => {
        throw storeError(error, 'append, nor cut off again what was written', true)
      })
      throw error
    }
    if (lock.isOurs()) return
    throw new OpDbusError(
      'STORE',
      'another process took the chain over while this one wrote: what was appended may be there or not\nlook at the end of the chain before you try again',
      { details: { uncertain: true } },
    )
  }

  /** The page that the end lies on is written again: it may have been lost with what failed. */
  async #cutOff(file: number, tip: Tip): Promise<void> {
    const { io } = this.#parts
    const from = Math.max(0, tip.bytes - 4096)
    const kept = Buffer.allocUnsafe(tip.bytes - from)
    readAt(file, kept, from)
    io.truncate(file, tip.bytes)
    io.write(file, kept, from)
    await this.#sync(file)
    const there = Buffer.allocUnsafe(kept.length)
    readAt(file, there, from)
    if (fs.fstatSync(file).size !== tip.bytes || !there.equals(kept)) throw new Error('what was cut off is there still')
  }

  /** In the segment that takes the next blocks. */
  #rolled(lease: Lease): Lease {
    const { layout, segmentBytes = SEGMENT_BYTES } = this.#parts
    const { tip, file } = lease
    if (file !== undefined && tip.bytes < segmentBytes) return lease
    const segment = tip.count
    const fresh = fs.openSync(
      segmentPath(layout, segment),
      fs.constants.O_RDWR | fs.constants.O_CREAT | (fs.constants.O_NOFOLLOW ?? 0),
      0o600,
    )
    if (file !== undefined) fs.closeSync(file)
    this.#lease = { ...lease, file: fresh, tip: { ...tip, segment, bytes: 0 } }
    return this.#lease
  }

  /** Readers go by it while we hold the lock; where it cannot be said, they see the blocks as soon as we let go. */
  #say(tip: Tip, file: number): void {
    try {
      this.#parts.head.write({ ...headOf(tip), lease: this.#parts.lock.id }, file)
    } catch (error) {
      this.#parts.warn(`cannot write ${this.#parts.layout.head}: ${messageOf(error)}`, error, 'chain head')
    }
  }

  #linger(ms: number): void {
    if (!this.#parts.lock.isHeld) return
    if (ms <= 0 || this.#closed || this.#parts.lock.isWanted()) return this.#leave()
    this.#cancelLinger = this.#parts.quietTimer(LOOK_MS, () => this.#linger(ms - LOOK_MS))
  }

  /** Lets another process append. */
  #leave(): void {
    const { lock, rewrites } = this.#parts
    this.#cancelLinger?.()
    const lease = this.#lease
    if (lease !== undefined && lock.isOurs()) this.#known = { tip: lease.tip, word: rewrites.word() }
    this.#closeFiles()
    lock.release()
  }

  /** Nothing is known of the end any more. */
  #forget(keepLock = false): void {
    this.#cancelLinger?.()
    this.#closeFiles()
    this.#known = undefined
    if (!keepLock) this.#parts.lock.release()
  }

  #closeFiles(): void {
    const lease = this.#lease
    this.#lease = undefined
    if (lease === undefined) return
    quietly(() => fs.closeSync(lease.head))
    if (lease.file !== undefined) quietly(() => fs.closeSync(lease.file!))
  }
}

function headOf({ count, hash, segment, bytes }: Tip) {
  return { size: count, hash, segment, bytes }
}

function openSegmentToWrite(path: string): number | undefined {
  try {
    return openToWrite(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
