// Who appends when: calls wait in a queue, take the lock together, are written together, and are answered once they are on the disk.
// Opens no file by itself, and serves no reader.
import { AbortListeners } from '../../abort-listeners.js'
import { abortError, messageOf, OpDbusError } from '../../errors.js'
import { quietly } from '../../fs/errno.js'
import { namesIn } from '../../fs/folders.js'
import type { Clock, Timer } from '../../ports.js'
import type { Block } from '../block.js'
import type { WriteCall } from '../ports.js'
import { storeError } from './faults.js'
import { countOf, groupOf, type Wanted } from './group.js'
import type { Head } from './head-file.js'
import { makeLayout, segmentsIn } from './layout.js'
import type { Rewrites } from './rewrites.js'
import { LostLock, Tail, type TailParts } from './tail.js'
import type { Tip } from './tip.js'

/** For how long the right to append is kept while nothing comes, and how often it is looked whether another process wants it. */
const LINGER_MS = 20
const LOOK_MS = 4
/** Blocks of one write, but for a call that has more: the event loop is kept for as long as they take to draw up. */
const GROUP_BLOCKS = 512
/** How often a group whose lock was lost is tried again. */
const MOST_LOSSES = 3
/** Clocks are set by so much all the time. */
const CLOCK_MS = 1_000

export interface WriterParts extends TailParts {
  readonly rewrites: Rewrites
  readonly clock: Clock
  /** Keeps no process alive. */
  readonly quietTimer: Timer
  /** Told of blocks that are on the disk. */
  readonly appended: (blocks: readonly Block[]) => void
  /** Called when the lock was taken: carries out what another process began and could not end. */
  readonly finish: () => Promise<unknown>
}

interface Waiting {
  /** Blocks, or work that is done alone. */
  readonly wanted: Wanted | (() => Promise<void>)
  readonly call: WriteCall
  readonly resolve: (blocks: readonly Block[]) => void
  readonly reject: (error: unknown) => void
  /** Ends listening to its signal. */
  readonly leave: () => void
}

export class ChainWriter {
  readonly #parts: WriterParts
  readonly #queue: Waiting[] = []
  #pumping: Promise<void> | undefined
  #tail: Tail | undefined
  /** The end as we knew it when we let go of the lock; undefined where all of the last segment is to be looked at. */
  #known: { readonly tip: Tip; readonly word: string } | undefined
  #losses = 0
  #cancelLinger: (() => void) | undefined
  /** Ends the wait for another process once nobody waits for us any more. */
  #lockWait: AbortController | undefined
  /** Whom we wait for. */
  #other: string | undefined
  /** Who was told of that: many calls under way may share one listener. */
  readonly #told = new Set<WriteCall['onWait']>()
  readonly #aborts = new AbortListeners()
  #closed = false

  constructor(parts: WriterParts) {
    this.#parts = parts
  }

  append(wanted: Wanted, call: WriteCall): Promise<readonly Block[]> {
    return this.#enqueue(wanted, call)
  }

  async exclusively<T>(work: () => Promise<T>, call: WriteCall): Promise<T> {
    let answer: { readonly value: T } | undefined
    await this.#enqueue(async () => {
      answer = { value: await work() }
    }, call)
    return answer!.value
  }

  /** How many blocks are on the disk, while nobody but us can append. */
  get acknowledged(): number | undefined {
    return this.#tail?.tip.count
  }

  /** As {@link Tail.unsaid}. */
  get unsaid(): Head | undefined {
    return this.#tail?.unsaid
  }

  /** Waits for what was asked before. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#pumping
    this.#leave()
    this.#parts.head.forget()
  }

  #enqueue(wanted: Waiting['wanted'], call: WriteCall): Promise<readonly Block[]> {
    return new Promise((resolve, reject) => {
      const { signal } = call
      if (this.#closed) throw new OpDbusError('CLOSED', 'the chain is closed')
      if (signal?.aborted) throw abortError(signal)
      const leave = signal ? this.#aborts.add(signal, () => this.#abort(waiting, signal)) : () => {}
      const waiting: Waiting = { wanted, call, resolve, reject, leave }
      this.#queue.push(waiting)
      this.#tellWait(call)
      this.#pumping ??= this.#pump()
    })
  }

  /** Only who is still in the queue can leave it: what is being written ends first. */
  #abort(waiting: Waiting, signal: AbortSignal): void {
    const at = this.#queue.indexOf(waiting)
    if (at < 0) return
    this.#queue.splice(at, 1)
    waiting.leave()
    waiting.reject(abortError(signal))
    if (this.#queue.length === 0) this.#lockWait?.abort()
  }

  /** Never rejects. */
  async #pump(): Promise<void> {
    this.#cancelLinger?.()
    // Calls of one turn come together.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      try {
        await this.#takeLock()
        await this.#next()
      } catch (error) {
        this.#forget()
        for (const { wanted, leave, reject } of this.#queue.splice(0)) {
          leave()
          reject(this.#said(error, typeof wanted === 'function' ? 'lock' : 'append to'))
        }
      }
      if (this.#parts.lock.isHeld && this.#parts.lock.isWanted()) this.#leave()
    }
    this.#pumping = undefined
    // Whether it is wanted was looked at just now.
    this.#linger(LINGER_MS, false)
  }

  async #takeLock(): Promise<void> {
    const { lock, layout } = this.#parts
    if (lock.isHeld) return
    makeLayout(layout)
    const controller = new AbortController()
    this.#lockWait = controller
    try {
      await lock.acquire(controller.signal, who => {
        if (this.#other !== undefined) return
        this.#other = who
        for (const { call } of this.#queue) this.#tellWait(call)
      })
      lock.tidy(namesIn(layout.dir), layout.dir)
    } catch (error) {
      if (!controller.signal.aborted) throw error
    } finally {
      this.#lockWait = undefined
      this.#other = undefined
      this.#told.clear()
    }
    if (lock.isHeld) await this.#parts.finish()
  }

  /** Once for each wait. Never throws: the call itself goes on. */
  #tellWait({ onWait }: WriteCall): void {
    if (onWait === undefined || this.#other === undefined || this.#told.has(onWait)) return
    this.#told.add(onWait)
    try {
      onWait(this.#other)
    } catch (error) {
      this.#parts.warn('what was told of a wait threw', error)
    }
  }

  /** What is first in the queue, and what can be done with it. @throws what keeps everybody from appending */
  async #next(): Promise<void> {
    const first = this.#queue[0]
    if (first === undefined || !this.#parts.lock.isHeld) return
    if (typeof first.wanted === 'function') return this.#runAlone(this.#queue.shift()!, first.wanted)
    this.#tail ??= await this.#open()
    await this.#commit(this.#tail, this.#takeGroup())
  }

  async #open(): Promise<Tail> {
    // Looked up now: nobody else changes it while the lock is ours.
    const word = this.#parts.rewrites.again()
    const known = this.#known?.word === word ? this.#known.tip : undefined
    this.#known = undefined
    return Tail.open(this.#parts, known)
  }

  async #runAlone(waiting: Waiting, work: () => Promise<void>): Promise<void> {
    waiting.leave()
    const { layout } = this.#parts
    // Who works on the files goes by what `head` says of them.
    const isSaid = this.#tail?.say() ?? true
    this.#closeTail()
    this.#known = undefined
    try {
      if (!isSaid) throw new OpDbusError('STORE', `cannot write ${layout.head}: nothing was done\ntry again`)
      await work()
      await this.#sayEnd()
      waiting.resolve([])
    } catch (error) {
      // What it may have left half done is finished by whoever takes the lock next.
      this.#forget()
      waiting.reject(error)
    }
  }

  /** Files that were exchanged end elsewhere: `head` says so again before anybody else can touch them. */
  async #sayEnd(): Promise<void> {
    const { head, layout } = this.#parts
    if (head.read() !== undefined || segmentsIn(layout).length === 0) return
    try {
      this.#tail = await this.#open()
    } catch (error) {
      // What was to be done is done; whoever appends next is told.
      this.#parts.warn(`the end of the chain in ${layout.dir} was not written down: ${messageOf(error)}`, error)
    }
  }

  /** Calls that came first, as many as are written together. */
  #takeGroup(): Waiting[] {
    let end = 0
    for (let blocks = 0; end < this.#queue.length && blocks < GROUP_BLOCKS; end++) {
      const { wanted } = this.#queue[end]!
      if (typeof wanted === 'function') break
      blocks += countOf(wanted)
    }
    return this.#queue.splice(0, end)
  }

  /** Answers every call of the group. @throws what keeps everybody from appending */
  async #commit(tail: Tail, calls: readonly Waiting[]): Promise<void> {
    const { clock, index, appended } = this.#parts
    try {
      const [room, now] = [tail.room(), clock.now()]
      this.#tellClock(room, now)
      const group = groupOf(
        calls.map(({ wanted }) => wanted as Wanted),
        room,
        now,
      )
      const { blocks, bytes, outcomes, locations, tip } = group
      if (blocks.length > 0) await tail.append(bytes, tip)
      this.#losses = 0
      calls.forEach(({ leave, resolve, reject }, at) => {
        leave()
        const outcome = outcomes[at]!
        if ('fault' in outcome) reject(outcome.fault)
        else resolve(outcome.blocks)
      })
      if (blocks.length === 0) return
      index?.learn(locations)
      appended(blocks)
    } catch (error) {
      if (error instanceof LostLock && ++this.#losses <= MOST_LOSSES) {
        this.#forget()
        this.#queue.unshift(...calls)
        for (const one of calls) if (one.call.signal?.aborted) this.#abort(one, one.call.signal)
        return
      }
      const said = this.#said(error)
      for (const { leave, reject } of calls) {
        leave()
        reject(said)
      }
      if (error instanceof LostLock || (said as OpDbusError | undefined)?.details?.uncertain) this.#forget()
    }
  }

  /** Blocks go by their numbers, and are looked for by the times that they say. */
  #tellClock({ count, timestamp }: Tip, now: number): void {
    if (timestamp - now <= CLOCK_MS) return
    const [said, is] = [timestamp, now].map(ms => new Date(ms).toISOString())
    this.#parts.warn(
      `the clock went back: block ${count - 1} says ${said}, and it is ${is} now; blocks stay in their order, --since and --until go by what they say`,
      undefined,
      'chain clock',
    )
  }

  /** `doing` continues "cannot ... the chain". */
  #said(error: unknown, doing = 'append to'): unknown {
    const { dir } = this.#parts.layout
    if (error instanceof LostLock) {
      return new OpDbusError(
        'STORE',
        `other processes keep taking over the chain in ${dir}: nothing was appended\ntry again`,
      )
    }
    return storeError(error, `${doing} the chain in ${dir}`)
  }

  #linger(ms: number, looks = true): void {
    const { lock, quietTimer } = this.#parts
    if (!lock.isHeld || this.#pumping !== undefined) return
    if (ms <= 0 || this.#closed || (looks && lock.isWanted())) this.#leave()
    else this.#cancelLinger = quietTimer(LOOK_MS, () => this.#linger(ms - LOOK_MS))
  }

  /** Lets other processes append. Never throws. */
  #leave(): void {
    const { lock, rewrites } = this.#parts
    // Where a look fails, all of the last segment is looked at next time. This also runs in a timer, where nobody could catch it.
    quietly(() => {
      if (this.#tail === undefined || !lock.isOurs()) return
      this.#tail.say()
      this.#known = { tip: this.#tail.tip, word: rewrites.word() }
    })
    this.#closeTail()
    lock.release()
  }

  /** Nothing is known of the end any more, nor whose the lock is. */
  #forget(): void {
    this.#closeTail()
    this.#known = undefined
    this.#parts.lock.release()
  }

  #closeTail(): void {
    this.#cancelLinger?.()
    this.#tail?.close()
    this.#tail = undefined
  }
}
