// Many look-ups as one: a long batch goes down the read path in chunks, so many ids at a time, and each row is told as soon as it is
// known. Computes nothing and keeps nothing.
import { throwIfAborted } from '../errors.js'
import type { CallOptions, Clock } from '../ports.js'
import type { Loader } from './loader.js'
import type { Answer, Flight, LookUp, Waiter } from './look-up.js'
import type { ReadPath } from './read-path.js'
import { Scratch } from './scratch.js'
import { yieldToEventLoop } from './yield-to-event-loop.js'

/** The ids of a batch, in order: an array, or something that makes each when it is asked for. May be asked twice. */
export interface Ids {
  readonly length: number
  at(index: number): string | undefined
}

/** Where a batch's results go: each index is told once, as soon as it is known, in any order. */
export interface BatchSink<V> {
  /** The value is good until this returns. */
  answer(index: number, answer: Answer<V>): void
  /** `index` asked for the same as `first`, which this batch had to look for and was told before. */
  same(index: number, first: number): void
  failed(index: number, error: unknown): void
}

export interface BatchCall extends CallOptions {
  /** How many rows of this call may be under way at once. Default 4,096. */
  readonly concurrency?: number
}

/** A GPU takes some hundred rows at a time, sorts what waits by length, and must find the next ones waiting. */
const UNDER_WAY = 4096
/**
 * A chunk is looked up without a pause: at most so many rows, and fewer where they take longer than a turn, as ids that are long in
 * the making do, and rows from a cold disk.
 */
const CHUNK_ROWS = 256
const CHUNK_CHARACTERS = 2 ** 18
/** A long batch gives the event loop a turn about this often, in ms. */
const TURN_MS = 2

/** Runs a batch to its end. Rejects with ABORTED when the caller goes; rows that finished before were told. */
export async function runBatch<V extends object>(
  path: ReadPath<V>,
  ids: Ids,
  loader: Loader<V>,
  sink: BatchSink<V>,
  { signal, concurrency = UNDER_WAY }: BatchCall,
): Promise<void> {
  const batch = new Batch(path, ids, loader, sink)
  const stay = signal && path.aborts.add(signal, () => batch.leave(signal.reason))
  try {
    let rows = CHUNK_ROWS
    let turnAt = path.clock.monotonic() + TURN_MS
    while (!batch.begun) {
      const most = concurrency - Math.min(rows, Math.ceil(concurrency / 4))
      if (batch.open > most) {
        await batch.underWay(most)
        // Who told of the last row has used this turn.
        await yieldToEventLoop()
        turnAt = path.clock.monotonic() + TURN_MS
      }
      throwIfAborted(signal)
      const began = path.clock.monotonic()
      batch.next(rows, concurrency)
      const now = path.clock.monotonic()
      rows = now - began > TURN_MS ? Math.ceil(rows / 2) : Math.min(2 * rows, CHUNK_ROWS)
      if (now < turnAt) continue
      await yieldToEventLoop()
      turnAt = path.clock.monotonic() + TURN_MS
    }
    await batch.underWay(0)
    throwIfAborted(signal)
  } catch (error) {
    batch.leave(error)
    throw error
  } finally {
    stay?.()
  }
}

/** The share of rows so far that were neither in memory nor asked for before, from which on all that follow are taken to be such. */
const NEARLY_ALL = 7 / 8

const ANSWERED = 1
const FAILED = 2

class Batch<V extends object> implements Waiter<V> {
  readonly #path: ReadPath<V>
  readonly #ids: Ids
  readonly #loader: Loader<V>
  readonly #sink: BatchSink<V>
  /** The first index that memory did not answer, of each such id; and those that asked for the same while it was under way. */
  readonly #firsts = new Map<string, number>()
  readonly #twins = new Map<number, number[]>()
  readonly #errors = new Map<number, unknown>()
  readonly #states: Uint8Array
  /** The next index to look up, and the first that is not told. */
  #next = 0
  #front = 0
  /** Rows that are under way, and in which flights. */
  #open = 0
  #flights = new Set<Flight<V>>()
  #left = false
  #reason: unknown
  readonly #scratch = new Scratch()
  #most = 0
  #wake = () => {}

  constructor(path: ReadPath<V>, ids: Ids, loader: Loader<V>, sink: BatchSink<V>) {
    this.#path = path
    this.#ids = ids
    this.#loader = loader
    this.#sink = sink
    this.#states = new Uint8Array(ids.length)
  }

  /** Every id was looked up at least. */
  get begun(): boolean {
    return this.#next === this.#ids.length
  }

  /** Rows that are under way. */
  get open(): number {
    return this.#open
  }

  /** Resolves when no more than `most` rows are under way. */
  async underWay(most: number): Promise<void> {
    if (this.#open <= most) return
    this.#most = most
    await new Promise<void>(resolve => {
      this.#wake = resolve
    })
  }

  /** Looks up the next chunk, of at most `rows`, as long as no more than `most` are under way. */
  next(rows: number, most: number): void {
    const path = this.#path
    path.begin()
    const missing: LookUp<V>[] = []
    const end = Math.min(this.#ids.length, this.#next + rows)
    const turn = new TurnEnd(path.clock)
    for (let characters = 0; this.#next < end && characters < CHUNK_CHARACTERS && this.#open < most; ) {
      // Whoever is told of a row may leave.
      if (this.#left || turn.over()) break
      const index = this.#next++
      const id = this.#ids.at(index)!
      characters += id.length
      const first = this.#firsts.get(id)
      if (first !== undefined) {
        this.#again(index, first)
        continue
      }
      const value = path.peek(id)
      if (value !== undefined) {
        this.#sink.answer(index, { value, source: 'memory' })
        this.#settled(index, ANSWERED)
        continue
      }
      this.#firsts.set(id, index)
      this.#open++
      const underWay = path.join(id, this, index)
      if (underWay) this.#flights.add(underWay.flight!)
      else missing.push(path.newLookUp(id, this, index))
    }
    if (this.#left) return
    this.#scratch.reset()
    for (const flight of this.#flights) if (flight.open === 0) this.#flights.delete(flight)
    const passing = this.#passing
    if (passing) for (const lookUp of missing) lookUp.passing = true
    const flight = path.descend(missing, this.#loader, passing ? this.#scratch : undefined)
    if (flight === undefined) return
    this.#flights.add(flight)
    if (this.#left) this.leave(this.#reason)
  }

  /** The caller leaves for this reason: nothing is told any more. Leaving twice is fine. */
  leave(reason: unknown): void {
    this.#left = true
    this.#reason = reason
    for (const { lookUps } of this.#flights) this.#path.inFlight.leave(lookUps, this, reason)
    this.#open = 0
    this.#wake()
  }

  answered(index: number, answer: Answer<V>): void {
    if (this.#left) return
    this.#sink.answer(index, answer)
    for (const twin of this.#twinsOf(index)) this.#sink.same(twin, index)
    this.#over(index, ANSWERED)
  }

  failed(index: number, error: unknown): void {
    if (this.#left) return
    this.#errors.set(index, error)
    this.#sink.failed(index, error)
    for (const twin of this.#twinsOf(index)) this.#sink.failed(twin, error)
    this.#over(index, FAILED)
  }

  /** The id of `index` was asked for before. */
  #again(index: number, first: number): void {
    const state = this.#states[first]
    if (state === ANSWERED) this.#sink.same(index, first)
    else if (state === FAILED) this.#sink.failed(index, this.#errors.get(first))
    else {
      const twins = this.#twins.get(first)
      if (twins) twins.push(index)
      else this.#twins.set(first, [index])
    }
    // It is touched where the first is: whether that failed does not matter here.
    this.#settled(index, ANSWERED)
  }

  /**
   * Whether the rows that were just looked up would be pushed out of memory again by those that follow. That needs as many
   * different ids as memory holds: a batch in which ids were repeated, or found in memory, may not have them.
   */
  get #passing(): boolean {
    const rest = this.#ids.length - this.#next
    return rest >= this.#path.memoryCapacity && this.#firsts.size >= NEARLY_ALL * this.#next
  }

  #twinsOf(index: number): readonly number[] {
    return (this.#twins.size > 0 && this.#twins.get(index)) || NONE
  }

  #over(index: number, state: number): void {
    this.#settled(index, state)
    if (--this.#open <= this.#most) this.#wake()
  }

  /**
   * Rows are told in any order, but are used in theirs: the first text of a batch is the first to be evicted. Whoever is told in
   * its turn is the newest in memory already.
   */
  #settled(index: number, state: number): void {
    this.#states[index] = state
    if (index !== this.#front) return
    for (this.#front++; this.#states[this.#front]; this.#front++) this.#path.touch(this.#ids.at(this.#front)!)
  }
}

const NONE: readonly number[] = []

/** Looks at the clock after every row while rows are slow, and less and less often while they are fast. */
class TurnEnd {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #at: number
  #stride = 1
  #left = 1

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
    this.#at = clock.monotonic() + TURN_MS
  }

  over(): boolean {
    if (this.#left-- > 0) return false
    const rest = this.#at - this.#clock.monotonic()
    if (rest > TURN_MS / 2) this.#stride = Math.min(32, 2 * this.#stride)
    this.#left = this.#stride - 1
    return rest <= 0
  }
}
